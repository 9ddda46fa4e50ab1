SET local check_function_bodies = off;

DROP TRIGGER "amounts_fit_together" ON "public"."orders";

ALTER TABLE "public"."immutable_events"
  DROP CONSTRAINT "year_has_four_digits";

ALTER TABLE "public"."orders"
  DROP CONSTRAINT "notes_are_short";

ALTER TABLE "public"."orders"
  DROP CONSTRAINT "payment_status_is_known";

ALTER TABLE "public"."orders"
  DROP CONSTRAINT "refunded_at_most_what_was_paid";

ALTER TABLE "public"."orders"
  DROP CONSTRAINT "status_is_known";

DROP FUNCTION "ledger"."award_commission"(uuid, public.referrals, bigint, text, ledger.actor, uuid);

DROP FUNCTION "ledger"."award_vendor_earnings"(public.orders, ledger.vendor_share[], ledger.actor, uuid);

DROP FUNCTION "ledger"."check_order_amounts"();

DROP FUNCTION "ledger"."credited_after"(ledger.order_part, ledger.order_part, ledger.taken_line[], bigint, bigint);

DROP FUNCTION "ledger"."deliver_shipments"(public.orders, uuid, timestamp WITH time zone, ledger.actor, uuid);

DROP FUNCTION "ledger"."delivery_legs"(public.orders, ledger.order_part);

DROP FUNCTION "ledger"."lines_asked_back"(public.orders, jsonb);

DROP FUNCTION "ledger"."move_stock"(uuid[], bigint[], text, ledger.actor, uuid, text, bigint[]);

DROP FUNCTION "ledger"."refund_facts"(public.orders, ledger.order_change, ledger.taken_line[], uuid, text);

DROP FUNCTION "ledger"."refuse_parcel"(public.orders, jsonb);

DROP FUNCTION "ledger"."refuse_refund_lines"(public.orders, jsonb);

DROP FUNCTION "ledger"."refuse_ship_rest"(public.orders, text, jsonb);

DROP FUNCTION "ledger"."send_out"(public.orders, text, ledger.actor, text, jsonb);

DROP FUNCTION "ledger"."ship_rest"(public.orders, text, ledger.actor, uuid, jsonb);

DROP FUNCTION "ledger"."ship_units"(public.orders, integer[], bigint[], ledger.actor, uuid, jsonb, timestamp WITH time zone, jsonb);

DROP FUNCTION "ledger"."status_after_refund"(public.orders, ledger.order_part, ledger.taken_line[]);

DROP FUNCTION "ledger"."variants_to_take_back"(public.orders, jsonb, boolean, boolean);

DROP FUNCTION "ledger"."vendor_shares"(public.orders);

DROP FUNCTION "ledger"."write_goods_back"(public.orders, text, ledger.taken_line[], boolean, uuid, ledger.actor, uuid);

DROP FUNCTION "ledger"."write_operation"(uuid, bigint, bigint, text, bigint, jsonb, uuid, text, jsonb, uuid, text, ledger.posting_leg[], text, jsonb, jsonb);

DROP FUNCTION "ledger"."write_refund"(uuid, public.orders, uuid, ledger.order_part, ledger.taken_line[], ledger.returned_money, text, text, ledger.actor);

CREATE TYPE "ledger"."event_draft" AS (
  "event_type"   text,
  "stream_type"  text,
  "stream_id"    uuid,
  "account_id"   uuid,
  "payload"      jsonb,
  "causation_id" uuid
);

CREATE TYPE "ledger"."order_past" AS (
  "is_refunded"        boolean,
  "is_shipped"         boolean,
  "is_returned"        boolean,
  "awaits_stock"       boolean,
  "is_invoiced"        boolean,
  "has_deadline"       boolean,
  "gave_commission"    boolean,
  "gave_vendors"       boolean,
  "customer_is_erased" boolean
);

CREATE TYPE "ledger"."taken_units" AS (
  "lines"         ledger.taken_line[],
  "part"          ledger.order_part,
  "facts"         jsonb,
  "restocked_ids" uuid[],
  "restocked"     bigint[]
);

CREATE OR REPLACE FUNCTION ledger.apply_order_status (
  p_order        public.orders,
  p_to           text,
  p_actor        ledger.actor,
  p_actor_action text,
  p_metadata     jsonb
)
  RETURNS ledger.order_change
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_change ledger.order_change;
begin
  if p_to in ('shipped', 'delivered') then
    return ledger.send_out(p_order.account_id, p_order.id, p_to, p_actor, p_actor_action, p_metadata);
  elsif p_to = 'rejected' then
    return ledger.reject_order(p_order, p_actor, p_actor_action, p_metadata);
  elsif p_to not in ('cancelled', 'refunded') then
    return ledger.change_status_plainly(p_order.account_id, p_order.id, p_order.order_number, p_order.user_id, p_order.currency,
                                        p_order.status, p_to, p_actor.user_id, p_actor_action, p_metadata);
  elsif coalesce(p_metadata ->> 'refund_to', 'wallet') not in ('wallet', 'original') then
    v_change.refusal := ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_metadata',
      'problem', '"refund_to" in it is wallet or original'));
    return v_change;
  end if;
  return ledger.take_back(p_order, null, 0, 0, coalesce(p_metadata ->> 'refund_to', 'wallet'), p_actor, p_actor_action,
                          ledger.correlation_id(), p_ends_as => p_to, p_metadata => p_metadata);
end $function$;

CREATE OR REPLACE FUNCTION ledger.award_commission (
  p_order_id       uuid,
  p_referral       public.referrals,
  p_base_amount    bigint,
  p_currency       text,
  p_actor          ledger.actor,
  p_correlation_id uuid
)
  RETURNS ledger.event_draft[]
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_account_id uuid;
  v_commission bigint;
  v_commission_id uuid := ledger.uuid_v7();
  v_transaction public.transactions;
begin
  v_commission := ledger.commission_amount(p_base_amount, p_referral.rate_bp);
  if coalesce(v_commission, 0) = 0 then
    return null;
  end if;
  -- the first money of somebody opens their account
  perform ledger.lock_accounts(array[p_referral.referrer_user_id], p_currency);
  v_account_id := ledger.account_id(p_referral.referrer_user_id, p_currency);

  insert into public.referral_commissions
    (id, account_id, order_id, referee_user_id, rate_bp, base_amount, commission_amount, currency)
  values (v_commission_id, v_account_id, p_order_id, p_referral.referee_user_id, p_referral.rate_bp, p_base_amount, v_commission, p_currency);
  v_transaction := ledger.write_transaction(
    v_account_id, 'commission_earned', p_actor, 'commission on a delivered order', p_correlation_id,
    p_earned => v_commission, p_reference_id => v_commission_id);
  perform ledger.write_postings(v_transaction, p_currency,
    array[row('commission_expense', 'wallet', v_commission)]::ledger.posting_leg[]);
  return array[row('commission.earned', 'account', v_account_id, v_account_id,
    ledger.balance_effect(v_transaction, p_earned => v_commission)
      || jsonb_build_object('commission_id', v_commission_id, 'base_amount', p_base_amount, 'rate_bp', p_referral.rate_bp),
    p_order_id)::ledger.event_draft];
end $function$;

CREATE OR REPLACE FUNCTION ledger.award_vendor_earnings (
  p_order_id       uuid,
  p_currency       text,
  p_shares         ledger.vendor_share[],
  p_actor_id       uuid,
  p_correlation_id uuid
)
  RETURNS ledger.event_draft[]
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_share ledger.vendor_share;
  v_account_id uuid;
  v_account_version bigint;
  v_balance bigint;
  v_earning_id uuid;
  v_transaction_id uuid;
  v_effect jsonb;
  v_events ledger.event_draft[];
begin
  foreach v_share in array p_shares loop
    continue when v_share.share_amount = 0;
    v_earning_id := ledger.uuid_v7();
    v_account_id := null;
    v_effect := '{}';
    if v_share.owner_user_id is not null then
      -- the first money of somebody opens their account
      v_account_id := ledger.account_id(v_share.owner_user_id, p_currency);
      if not exists (select from public.accounts a where a.id = v_account_id) then
        perform ledger.lock_accounts(array[v_share.owner_user_id], p_currency);
      end if;
    end if;
    insert into public.vendor_earnings
      (id, account_id, owner_user_id, vendor_id, order_id, currency, base_amount, share_amount)
    values
      (v_earning_id, v_account_id, v_share.owner_user_id, v_share.vendor_id, p_order_id, p_currency,
       v_share.base_amount, v_share.share_amount);

    -- transaction, posting
    if v_account_id is not null then
      update public.accounts a set
        total_earned = a.total_earned + v_share.share_amount,
        version = a.version + 1,
        updated_at = clock_timestamp()
      where a.id = v_account_id
      returning a.version, a.available_balance into v_account_version, v_balance;
      insert into public.transactions as t
        (account_id, account_version, type, amount, balance_after, reference_id, actor_id, actor_action, correlation_id)
      values
        (v_account_id, v_account_version, 'vendor_earned', v_share.share_amount, v_balance, v_earning_id, p_actor_id,
         'share of a delivered order', p_correlation_id)
      returning t.id into v_transaction_id;
      insert into public.postings (account_id, transaction_id, leg_number, debit_account, credit_account, amount, currency)
      values (v_account_id, v_transaction_id, 1, 'vendor_payable', 'wallet', v_share.share_amount, p_currency);
      v_effect := jsonb_build_object(
        'transaction_id', v_transaction_id, 'transaction_type', 'vendor_earned', 'account_version', v_account_version,
        'amount', v_share.share_amount, 'effect', jsonb_build_object('total_earned', v_share.share_amount));
    end if;
    v_events := v_events || row('vendor.earned', 'vendor', v_share.vendor_id, v_account_id,
      v_effect || jsonb_build_object('earning_id', v_earning_id, 'order_id', p_order_id, 'currency', p_currency,
                                     'base_amount', v_share.base_amount, 'share_amount', v_share.share_amount),
      p_order_id)::ledger.event_draft;
  end loop;
  return v_events;
end $function$;

CREATE OR REPLACE FUNCTION ledger.check_order()
  RETURNS TRIGGER
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_broken text;
begin
  v_broken := case
    when new.total_amount <> new.subtotal_amount - new.discount_amount + new.shipping_amount
                             + case when new.prices_include_tax then 0 else new.tax_amount end then 'total_follows_from_its_parts'
    when least(new.subtotal_amount, new.shipping_amount, new.tax_amount, new.total_amount) < 0
      or greatest(new.subtotal_amount, new.shipping_amount, new.tax_amount, new.total_amount) > 9007199254740991
      or new.discount_amount not between 0 and new.subtotal_amount then 'amounts_are_exact_and_not_negative'
    when new.wallet_amount < 0 or new.paid_amount < new.wallet_amount then 'wallet_part_is_part_of_what_was_paid'
    when new.wallet_refunded_amount not between 0 and new.wallet_amount or new.refunded_amount < new.wallet_refunded_amount then
      'wallet_gets_back_what_it_paid'
    when new.refunded_amount > new.paid_amount then 'refunded_at_most_what_was_paid'
    when new.credited_amount not between 0 and new.total_amount then 'credited_at_most_the_total'
    when new.status <> all (ledger.order_statuses()) then 'status_is_known'
    when new.payment_status <> all (ledger.order_payment_statuses()) then 'payment_status_is_known'
    when length(new.notes) > 2000 then 'notes_are_short'
  end;
  if v_broken is not null then
    raise exception using errcode = 'check_violation', constraint = v_broken, table = 'orders', schema = 'public',
      message = format('order %s would break the rule "%s"', new.order_number, v_broken);
  end if;
  return new;
end $function$;

CREATE OR REPLACE FUNCTION ledger.claw_back_vendor_earnings (
  p_order          public.orders,
  p_actor          ledger.actor,
  p_correlation_id uuid
)
  RETURNS bigint
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_earning public.vendor_earnings;
  v_shares ledger.vendor_share[];
  v_amount bigint;
  v_total bigint := 0;
  v_transaction public.transactions;
begin
  if not exists (select from public.vendor_earnings e where e.order_id = p_order.id) then
    return 0;
  end if;
  v_shares := ledger.vendor_shares(p_order.account_id, p_order.id, p_order.prices_include_tax);

  for v_earning in select e.* from public.vendor_earnings e where e.order_id = p_order.id order by e.vendor_id loop
    v_amount := v_earning.share_amount - v_earning.clawed_back_amount
                - coalesce((select s.share_amount from unnest(v_shares) s where s.vendor_id = v_earning.vendor_id), 0);
    continue when v_amount <= 0;
    v_total := v_total + v_amount;
    v_transaction := null;
    update public.vendor_earnings e
    set clawed_back_amount = e.clawed_back_amount + v_amount, updated_at = clock_timestamp()
    where e.id = v_earning.id;
    if v_earning.account_id is not null then
      v_transaction := ledger.write_transaction(
        v_earning.account_id, 'vendor_clawed_back', p_actor, 'share of goods that were refunded', p_correlation_id,
        p_earned => -v_amount, p_reference_id => v_earning.id);
      perform ledger.write_postings(v_transaction, v_earning.currency,
        array[row('wallet', 'vendor_payable', v_amount)]::ledger.posting_leg[]);
    end if;
    perform ledger.record_operation('vendor.clawed_back', 'vendor', v_earning.vendor_id, v_earning.account_id,
      case when v_earning.account_id is null then '{}' else ledger.balance_effect(v_transaction, p_earned => -v_amount) end
        || jsonb_build_object('earning_id', v_earning.id, 'order_id', p_order.id, 'currency', v_earning.currency,
                              'clawed_back_amount', v_amount),
      p_actor, p_correlation_id, p_order.id);
  end loop;
  return v_total;
end $function$;

CREATE OR REPLACE FUNCTION ledger.credited_after (
  p_whole  ledger.order_part,
  p_before ledger.order_part,
  p_units  ledger.order_part,
  p_amount bigint
)
  RETURNS ledger.order_part
  LANGUAGE plpgsql
  IMMUTABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_after ledger.order_part;
begin
  v_after.goods_amount := p_before.goods_amount + p_units.goods_amount;
  v_after.discount_amount := p_before.discount_amount + p_units.discount_amount;
  v_after.tax_amount := p_before.tax_amount + p_units.tax_amount;
  v_after.lines_amount := p_before.lines_amount + p_units.lines_amount;
  v_after.base_amount := p_before.base_amount + p_units.base_amount;
  v_after.vendor_amount := p_before.vendor_amount + p_units.vendor_amount;
  v_after.shipping_amount := p_before.shipping_amount + p_units.shipping_amount;
  v_after.allowance_amount := least(p_before.allowance_amount + p_amount,
    p_whole.lines_amount - v_after.lines_amount + p_whole.shipping_amount - v_after.shipping_amount);
  v_after.allowance_tax_amount := ledger.share_of_allowance(p_whole.tax_amount - v_after.tax_amount, p_whole, v_after);
  return v_after;
end $function$;

CREATE OR REPLACE FUNCTION ledger.deliver_shipments (
  p_account_id   uuid,
  p_order_id     uuid,
  p_order_number text,
  p_user_id      uuid,
  p_shipment_id  uuid,
  p_delivered_at timestamp with time zone
)
  RETURNS ledger.event_draft[]
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_events ledger.event_draft[];
begin
  with delivered as (
    update public.shipments s set delivered_at = p_delivered_at
    where s.account_id = p_account_id and s.order_id = p_order_id and s.delivered_at is null
      and (p_shipment_id is null or s.id = p_shipment_id)
    returning s.id, s.shipment_number, s.delivered_at)
  select array_agg(row('order.shipment_delivered', 'order', p_order_id, p_account_id,
    jsonb_build_object('order_number', p_order_number, 'user_id', p_user_id, 'shipment_id', d.id,
                       'shipment_number', d.shipment_number, 'delivered_at', d.delivered_at), null)::ledger.event_draft
    order by d.shipment_number)
  into v_events
  from delivered d;
  return v_events;
end $function$;

CREATE OR REPLACE FUNCTION ledger.delivery_legs (
  p_outstanding_amount bigint,
  p_left               ledger.order_part
)
  RETURNS ledger.posting_leg[]
  LANGUAGE sql
  IMMUTABLE
RETURN ledger.forward((ROW('receivable'::text, 'order_escrow'::text, p_outstanding_amount)::ledger.posting_leg || ledger.recognition_legs(p_left)));

CREATE OR REPLACE FUNCTION ledger.give_up_waiting (
  p_order_id uuid,
  p_ends     boolean,
  p_taken    ledger.taken_line[]
)
  RETURNS void
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  if p_ends then
    perform ledger.drop_backorders(p_order_id);
  else
    perform ledger.drop_open_units(p_order_id, array_agg(t.variant_id), array_agg(t.quantity), false)
    from (select t.variant_id, sum(t.unshipped_quantity - t.restocked_quantity)::bigint as quantity
          from unnest(p_taken) t
          where t.unshipped_quantity > t.restocked_quantity
          group by t.variant_id) t
    having count(*) > 0;
  end if;
end $function$;

CREATE OR REPLACE FUNCTION ledger.legs_after_delivery (
  p_part  ledger.order_part,
  p_money ledger.returned_money
)
  RETURNS ledger.posting_leg[]
  LANGUAGE plpgsql
  IMMUTABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  return ledger.forward(
    ledger.reversed(ledger.recognition_legs(p_part)) || ledger.return_legs(p_money)
    || row('order_escrow', 'receivable',
           ledger.cost_of(p_part) - p_money.wallet_amount - p_money.credit_amount - p_money.payout_amount)::ledger.posting_leg);
end $function$;

CREATE OR REPLACE FUNCTION ledger.lines_asked_back (
  p_order public.orders,
  p_lines jsonb,
  p_past  ledger.order_past
)
  RETURNS ledger.taken_line[]
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_line_numbers integer[];
  v_units bigint[];
  v_unshipped bigint[];
  v_restocked bigint[];
begin
  -- nothing came back before, and nothing is waited for
  if not (p_past.is_refunded or p_past.is_returned or p_past.awaits_stock) then
    return (
      select array_agg(row(i.line_number, i.variant_id, n.units, case when n.unshipped then n.units else 0 end,
               case when n.unshipped or n.restock then n.units else 0 end,
               l.goods_amount, l.discount_amount, l.tax_amount, l.total_amount, l.base_amount, l.vendor_amount)::ledger.taken_line
               order by i.line_number)
      from (select e.line_number::integer, e.quantity::bigint as units, e.restock, e.unshipped
            from jsonb_to_recordset(p_lines) e (line_number numeric, quantity numeric, restock boolean, unshipped boolean)) n
      join public.order_items i on i.account_id = p_order.account_id and i.order_id = p_order.id and i.line_number = n.line_number
      cross join lateral ledger.line_part(i, p_order.prices_include_tax, n.units) l
      where n.units > 0);
  end if;

  select array_agg(a.line_number), array_agg(a.quantity), array_agg(a.unshipped),
         array_agg(case
           when a.unshipped > 0 then a.unshipped - least(a.unshipped, greatest(coalesce(b.quantity, 0) - a.before, 0))
           when a.restock then greatest(a.quantity - coalesce(v.unrefunded_quantity, 0), 0)
           else 0 end)
  into v_line_numbers, v_units, v_unshipped, v_restocked
  from (
    select n.*, i.variant_id,
           (sum(n.unshipped) over (partition by i.variant_id order by n.line_number) - n.unshipped)::bigint as before
    from (
      select e.line_number::integer, e.quantity::bigint, e.restock, case when e.unshipped then e.quantity::bigint else 0 end as unshipped
      from jsonb_to_recordset(p_lines) e (line_number numeric, quantity numeric, restock boolean, unshipped boolean)) n
    join public.order_items i on i.account_id = p_order.account_id and i.order_id = p_order.id and i.line_number = n.line_number) a
  left join ledger.received_units(p_order.id) v on v.line_number = a.line_number
  left join ledger.open_backorders(p_order.id) b on b.variant_id = a.variant_id;
  return ledger.taken_lines(p_order, v_line_numbers, v_units, v_unshipped, v_restocked);
end $function$;

CREATE OR REPLACE FUNCTION ledger.lock_for_bulk_change (
  p_order_ids uuid[],
  p_to        text
)
  RETURNS void
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_ends boolean := p_to in ('cancelled', 'refunded');
  v_user_id uuid;
  v_currency text;
  v_variant_ids uuid[];
begin
  -- lock: orders
  perform from public.orders o where o.id = any (p_order_ids) order by o.id for no key update;

  -- lock: accounts by id, whatever their currencies: of the customers, and of who earns by a delivery or loses by its end
  for v_user_id, v_currency in
    with changed as (select o.* from public.orders o where o.id = any (p_order_ids))
    select u.user_id, u.currency
    from (
      select c.user_id, c.currency from changed c
      union
      select r.referrer_user_id, c.currency
      from changed c
      join public.referrals r on r.referee_user_id = c.user_id
      where p_to = 'delivered' or c.status = 'delivered'
      union
      select w.owner_id, c.currency
      from changed c
      cross join lateral unnest(ledger.owners_of(ledger.vendor_shares(c.account_id, c.id, c.prices_include_tax))) w (owner_id)
      where p_to = 'delivered'
      union
      select e.earner_id, c.currency
      from changed c
      cross join lateral unnest(ledger.vendor_earners(c.id)) e (earner_id)
      where c.status = 'delivered') u
    order by ledger.account_id(u.user_id, u.currency)
  loop
    perform ledger.lock_accounts(array[v_user_id], v_currency, p_open => false);
  end loop;

  -- lock: stock, discount counters
  if v_ends then
    v_variant_ids := array(select distinct i.variant_id from public.order_items i where i.order_id = any (p_order_ids) order by 1);
    perform ledger.lock_all_stock(v_variant_ids);
    perform ledger.lock_low_stock_marks(v_variant_ids);
    perform from public.discount_usage u
    where u.discount_code_id in (select o.discount_code_id from public.orders o where o.id = any (p_order_ids))
    order by u.discount_code_id
    for no key update;
  end if;
end $function$;

CREATE OR REPLACE FUNCTION ledger.moment (
  p_text text
)
  RETURNS timestamp WITH time zone
  LANGUAGE plpgsql
  STABLE
  STRICT
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  return case when p_text ~ '^\d{4}-\d{2}-\d{2}' then p_text::timestamptz end;
exception when data_exception then
  return null;
end $function$;

CREATE OR REPLACE FUNCTION ledger.move_stock (
  p_variant_ids uuid[],
  p_quantities  bigint[],
  p_reason      text,
  p_actor       ledger.actor,
  p_order_id    uuid         DEFAULT NULL::uuid
)
  RETURNS void
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  SET plan_cache_mode TO 'force_generic_plan'
  AS $function$
declare
  v_count integer;
begin
  with moved as (
    update public.stock_levels s set
      on_hand = s.on_hand + p_quantities[array_position(p_variant_ids, s.variant_id)],
      version = s.version + 1
    where s.variant_id = any (p_variant_ids) and s.slot = 0
    returning s.variant_id, s.slot, s.version, s.on_hand),
  recorded as (
    insert into public.stock_movements (variant_id, slot, slot_version, quantity, on_hand_after, reason, order_id, actor_id)
    select m.variant_id, m.slot, m.version, p_quantities[array_position(p_variant_ids, m.variant_id)], m.on_hand, p_reason, p_order_id,
           p_actor.user_id
    from moved m)
  select count(*) into v_count from moved m;

  if v_count < cardinality(p_variant_ids) then
    raise exception 'of % variants only % have stock: every variant has a row in stock_levels', cardinality(p_variant_ids), v_count;
  end if;
end $function$;

CREATE OR REPLACE FUNCTION ledger.past_of_order (
  p_order_id      uuid,
  p_user_id       uuid,
  p_was_delivered boolean
)
  RETURNS ledger.order_past
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_past ledger.order_past;
begin
  select exists (select from public.refunds f where f.order_id = p_order_id) as is_refunded,
         exists (select from public.shipment_lines s where s.order_id = p_order_id) as is_shipped,
         false as is_returned,
         exists (select from public.backorders b where b.order_id = p_order_id and b.open_quantity > 0) as awaits_stock,
         exists (select from public.invoices i where i.order_id = p_order_id and i.kind = 'invoice' and i.status = 'issued') as is_invoiced,
         exists (select from public.payment_deadlines d where d.order_id = p_order_id) as has_deadline,
         false as gave_commission,
         false as gave_vendors,
         exists (select from public.profiles p where p.id = p_user_id and p.erased_at is not null) as customer_is_erased
  into v_past;
  -- nothing comes back before something went out; who earned by a delivery is asked where its accounts are locked
  if p_was_delivered or v_past.is_shipped then
    select exists (select from public.returns r where r.order_id = p_order_id),
           p_was_delivered and exists (select from public.referral_commissions c where c.order_id = p_order_id),
           p_was_delivered and exists (select from public.vendor_earnings e where e.order_id = p_order_id)
    into v_past.is_returned, v_past.gave_commission, v_past.gave_vendors;
  end if;
  return v_past;
end $function$;

CREATE OR REPLACE FUNCTION ledger.record_imported_orders (
  p_orders          public.orders[],
  p_take_from_stock boolean,
  p_actor           ledger.actor
)
  RETURNS void
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_steps ledger.imported_step[] := ledger.write_imported_transactions(p_orders, p_actor);
begin
  -- a payment goes into escrow, and a delivery takes it out as for any order
  insert into public.postings (account_id, transaction_id, leg_number, debit_account, credit_account, amount, currency, created_at)
  select s.account_id, s.transaction_id, l.ordinality, l.debit_account, l.credit_account, l.amount, o.currency, o.created_at
  from unnest(v_steps) s
  join unnest(p_orders) d on d.id = s.order_id
  join public.orders o on o.account_id = d.account_id and o.id = d.id
  cross join lateral unnest(case
    when s.type = 'payment_imported' then array[row('bank', 'order_escrow', o.paid_amount)]::ledger.posting_leg[]
    when s.type = 'order_status_changed' and o.status = 'delivered' then ledger.delivery_legs(o.outstanding_amount, ledger.whole_order(o)) end) with ordinality l
  where l.amount <> 0;

  insert into public.immutable_events (id, occurred_at, event_type, stream_type, stream_id, account_id, payload, actor_id, correlation_id)
  select nextval('ledger.event_id_seq'), e.at, e.event_type, 'order', e.order_id, e.account_id, e.payload, p_actor.user_id, e.correlation_id
  from (
    select o.created_at as at, o.id as order_id, o.account_id, t.correlation_id, t.account_version,
           case s.type when 'order_created' then 'order.placed' when 'payment_imported' then 'payment.imported' else 'order.status_changed' end as event_type,
           ledger.balance_effect(t) || jsonb_build_object('imported', true, 'recorded_at', clock_timestamp(), 'order_number', o.order_number,
             'user_id', o.user_id, 'currency', o.currency) || case s.type
             when 'order_created' then jsonb_build_object('from_status', null, 'to_status', 'pending',
               'payment_status', ledger.payment_status_of(o.total_amount, 0, 0, 0), 'payment_method', o.payment_method,
               'total_amount', o.total_amount, 'wallet_amount', 0, 'stock', case when p_take_from_stock then 'taken' else 'kept' end,
               'items', (select jsonb_agg(jsonb_build_object('variant_id', i.variant_id, 'quantity', i.quantity) order by i.line_number)
                         from public.order_items i where i.account_id = o.account_id and i.order_id = o.id))
             when 'payment_imported' then jsonb_build_object('payment_id', s.payment_id, 'payment_amount', o.paid_amount, 'applied_amount', o.paid_amount,
                                                         'payment_status', o.payment_status)
             else jsonb_build_object('from_status', 'pending', 'to_status', o.status, 'payment_status', o.payment_status) end as payload
    from unnest(v_steps) s
    join unnest(p_orders) d on d.id = s.order_id
    join public.orders o on o.account_id = d.account_id and o.id = d.id
    join public.transactions t on t.id = s.transaction_id
    order by o.account_id, t.account_version) e;
end $function$;

CREATE OR REPLACE FUNCTION ledger.record_operations (
  p_events         ledger.event_draft[],
  p_actor_id       uuid,
  p_correlation_id uuid
)
  RETURNS void
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_headers jsonb := ledger.request_headers();
  v_now timestamptz := clock_timestamp();
begin
  with drafts as materialized (
    select nextval('ledger.event_id_seq') as id, d.* from unnest(p_events) d),
  events as (
    insert into public.immutable_events
      (id, occurred_at, event_type, stream_type, stream_id, account_id, payload, actor_id, correlation_id, causation_id)
    select d.id, v_now, d.event_type, d.stream_type, d.stream_id, d.account_id,
           ledger.event_payload(d.id, d.account_id, d.stream_type, d.payload), p_actor_id, p_correlation_id, d.causation_id
    from drafts d),
  audit as (
    insert into public.audit_log
      (occurred_at, action, target_type, target_id, account_id, actor_id, actor_role, ip_address, user_agent, correlation_id)
    select v_now, d.event_type, d.stream_type, d.stream_id::text, d.account_id, p_actor_id,
           ledger.role_of_call(), ledger.client_address(v_headers), v_headers ->> 'user-agent', p_correlation_id
    from drafts d)
  insert into ledger.outbox (account_id, type, event_id, created_at, next_retry_at)
  select d.account_id, d.event_type, d.id, v_now, v_now from drafts d;
end $function$;

CREATE OR REPLACE FUNCTION ledger.refuse_backordered (
  p_order public.orders
)
  RETURNS jsonb
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_line ledger.shippable_line;
begin
  select s.* into v_line
  from ledger.shippable_lines(p_order) s
  where s.backordered_quantity > 0
  order by s.line_number
  limit 1;
  if not found then
    return null;
  end if;
  return ledger.refuse_units(v_line, v_line.quantity - v_line.shipped_quantity);
end $function$;

CREATE OR REPLACE FUNCTION ledger.refuse_parcel (
  p_ordered_at timestamp with time zone,
  p_metadata   jsonb
)
  RETURNS jsonb
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_problem text;
begin
  if not coalesce(p_metadata ?| '{carrier,tracking_number,estimated_delivery_at,delivered_at}', false) then
    return null;
  end if;
  v_problem := case
    when jsonb_typeof(p_metadata -> 'carrier') not in ('string', 'null') or length(p_metadata ->> 'carrier') not between 1 and 100 then
      'carrier is a text of 1 to 100 characters'
    when jsonb_typeof(p_metadata -> 'tracking_number') not in ('string', 'null') or length(p_metadata ->> 'tracking_number') not between 1 and 200 then
      'tracking_number is a text of 1 to 200 characters'
    when jsonb_typeof(p_metadata -> 'estimated_delivery_at') not in ('string', 'null')
      or (p_metadata ->> 'estimated_delivery_at' is not null and ledger.moment(p_metadata ->> 'estimated_delivery_at') is null) then
      'estimated_delivery_at is a moment such as 2026-01-31T12:00:00Z'
    when jsonb_typeof(p_metadata -> 'delivered_at') not in ('string', 'null')
      or (p_metadata ->> 'delivered_at' is not null
          and coalesce(ledger.moment(p_metadata ->> 'delivered_at') not between p_ordered_at and clock_timestamp(), true)) then
      'delivered_at is a moment such as 2026-01-31T12:00:00Z, after the order was placed and not in the future'
  end;
  return case when v_problem is not null then
    ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_metadata', 'problem', v_problem)) end;
end $function$;

CREATE OR REPLACE FUNCTION ledger.refuse_refund_lines (
  p_order public.orders,
  p_lines jsonb,
  p_past  ledger.order_past
)
  RETURNS jsonb
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_are_plain boolean;
  v_refusal jsonb;
begin
  -- most lists name shipped units of an order of which nothing was refunded: one statement sees that nothing is wrong with them
  if not p_past.is_refunded and jsonb_typeof(p_lines) = 'array' then
    select count(*) = jsonb_array_length(p_lines) and count(*) = count(distinct i.line_number) and count(*) between 1 and 5000 into v_are_plain
    from jsonb_array_elements(p_lines) e (line)
    join public.order_items i on i.account_id = p_order.account_id and i.order_id = p_order.id
      and e.line -> 'line_number' = to_jsonb(i.line_number)
    join ledger.shipped_units(p_order.id) s on s.line_number = i.line_number
    where case when jsonb_typeof(e.line) = 'object' then
                 e.line - '{line_number,quantity}'::text[] in ('{}', '{"restock": true}', '{"restock": false}') end
      and case when jsonb_typeof(e.line -> 'quantity') = 'number' and e.line ->> 'quantity' ~ '^[1-9][0-9]{0,8}$' then
                 (e.line ->> 'quantity')::bigint <= s.shipped_quantity end;
    if v_are_plain then
      return null;
    end if;
  end if;

  v_refusal := ledger.refuse_line_list(p_lines, '{quantity}');
  if v_refusal is null and exists (
    select from jsonb_array_elements(p_lines) e (line)
    where jsonb_typeof(e.line -> 'restock') <> 'boolean' or jsonb_typeof(e.line -> 'unshipped') <> 'boolean') then
    v_refusal := ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_lines', 'problem', 'restock and unshipped are true or false'));
  end if;
  v_refusal := coalesce(v_refusal, ledger.refuse_unknown_line(p_order, p_lines));
  if v_refusal is not null then
    return v_refusal;
  end if;
  return (
    select ledger.refuse('units_not_refundable', jsonb_build_object('order_number', p_order.order_number, 'line', l.line_number,
      'name', l.name, 'requested', l.requested, 'refundable', l.refundable, 'shipped', l.shipped, 'refunded', l.refunded))
    from (
      select i.line_number, ledger.item_name(i.product_name, i.variant_name) as name, a.quantity as requested,
             coalesce(s.shipped_quantity, 0) as shipped, coalesce(r.quantity, 0) as refunded,
             case when a.unshipped then i.quantity - coalesce(s.shipped_quantity, 0) - coalesce(r.unshipped_quantity, 0)
                  else coalesce(s.shipped_quantity, 0) - coalesce(r.quantity - r.unshipped_quantity, 0) end as refundable
      from jsonb_to_recordset(p_lines) a (line_number numeric, quantity numeric, unshipped boolean)
      join public.order_items i on i.account_id = p_order.account_id and i.order_id = p_order.id and i.line_number = a.line_number
      left join ledger.shipped_units(p_order.id) s on s.line_number = i.line_number
      left join ledger.refunded_units(p_order.id) r on r.line_number = i.line_number) l
    where l.requested > l.refundable
    order by l.line_number
    limit 1);
end $function$;

CREATE OR REPLACE FUNCTION ledger.restock (
  p_variant_ids    uuid[],
  p_quantities     bigint[],
  p_reason         text,
  p_actor          ledger.actor,
  p_order_id       uuid,
  p_correlation_id uuid
)
  RETURNS integer
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_variant_ids uuid[] := p_variant_ids;
  v_quantities bigint[] := p_quantities;
begin
  if 0 >= any (p_quantities) then
    select array_agg(w.variant_id), array_agg(w.quantity) into v_variant_ids, v_quantities
    from unnest(p_variant_ids, p_quantities) w (variant_id, quantity)
    where w.quantity > 0;
  end if;
  if v_variant_ids is null then
    return 0;
  end if;
  perform ledger.move_stock(v_variant_ids, v_quantities, p_reason, p_actor, p_order_id);
  -- few variants are waited for or lie in several slots
  if exists (select from public.backorders b where b.variant_id = any (v_variant_ids) and b.open_quantity > 0)
     or exists (select from ledger.low_stock_marks m where m.variant_id = any (v_variant_ids)) then
    perform ledger.fill_backorders(v_variant_ids, array_fill(0::smallint, array[cardinality(v_variant_ids)]), p_actor, p_correlation_id);
    perform ledger.alert_low_stock(v_variant_ids, v_quantities);
  end if;
  return cardinality(v_variant_ids);
end $function$;

CREATE OR REPLACE FUNCTION ledger.send_out (
  p_account_id   uuid,
  p_order_id     uuid,
  p_to           text,
  p_actor        ledger.actor,
  p_actor_action text,
  p_metadata     jsonb
)
  RETURNS ledger.order_change
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  SET enable_seqscan TO 'off'
  AS $function$
declare
  v_delivers boolean := p_to = 'delivered';
  v_seen record;
  v_is_in_parts boolean;
  v_order public.orders;
  v_shipment_number integer := 1;
  v_units jsonb;
  v_referral public.referrals;
  v_shares ledger.vendor_share[];
  v_owners uuid[] := '{}'::uuid[];
  v_whole ledger.order_part;
  v_credited ledger.order_part;
  v_left ledger.order_part;
  v_base bigint;
  v_delivered_at timestamptz;
  v_payment_status text;
  v_account_version bigint;
  v_available bigint;
  v_transaction_id uuid := ledger.uuid_v7();
  v_headers jsonb := ledger.request_headers();
  v_correlation_id uuid := ledger.correlation_id_in(v_headers);
  v_events ledger.event_draft[];
  v_change ledger.order_change;
begin
  -- look: the order, its lines, what became of them, who may earn by it
  select o.order_number, o.user_id, o.currency, o.status, o.created_at, o.prices_include_tax, o.outstanding_amount,
         row(o.subtotal_amount, o.discount_amount, o.tax_amount, o.total_amount - o.shipping_amount,
             o.total_amount - o.shipping_amount - o.tax_amount, 0, o.shipping_amount, 0, 0)::ledger.order_part as part,
         l.lines, l.units, l.has_vendors,
         coalesce((select sum(s.quantity) from public.shipment_lines s where s.order_id = p_order_id), 0) as shipped_units,
         exists (select from public.refunds r where r.order_id = p_order_id) as was_refunded,
         exists (select from public.backorders b where b.order_id = p_order_id and b.open_quantity > 0) as waits,
         -- nobody had brought the customer of an imported order that is older than the referral
         (select r.referrer_user_id from public.referrals r
          where v_delivers and r.referee_user_id = o.user_id and r.created_at <= o.created_at) as referrer_user_id
  into v_seen
  from public.orders o
  cross join lateral (
    select jsonb_agg(jsonb_build_object('line_number', i.line_number, 'quantity', i.quantity)) as lines, sum(i.quantity) as units,
           bool_or(i.vendor_id is not null) as has_vendors
    from (select n.* from public.order_items n where n.account_id = p_account_id and n.order_id = p_order_id order by n.line_number) i) l
  where o.account_id = p_account_id and o.id = p_order_id;
  v_is_in_parts := v_seen.was_refunded or v_seen.waits or v_seen.shipped_units not in (0, v_seen.units);
  if v_is_in_parts then
    select o.* into v_order from public.orders o where o.account_id = p_account_id and o.id = p_order_id;
  end if;

  if v_delivers then
    -- lock: accounts of who earns by it, with the customer's; where only its version moves, it is locked by its update
    if v_seen.has_vendors then
      v_shares := ledger.vendor_shares(p_account_id, p_order_id, v_seen.prices_include_tax);
      v_owners := ledger.owners_of(v_shares);
    end if;
    if v_seen.referrer_user_id is not null or v_owners <> '{}' then
      perform ledger.lock_accounts(array_remove(array[v_seen.user_id, v_seen.referrer_user_id], null) || v_owners,
                                   v_seen.currency, p_open => false);
      -- who was erased while their account was waited for earns nothing; now none of them can be
      select r.* into v_referral
      from public.referrals r
      join public.profiles p on p.id = r.referrer_user_id and p.erased_at is null
      where r.referee_user_id = v_seen.user_id and r.referrer_user_id = v_seen.referrer_user_id;
      v_shares := ledger.shares_without_erased(v_shares);
    end if;

    -- what is delivered: all of the order, whose amounts are the sums of its lines, or what was not taken back of it
    if v_seen.was_refunded then
      v_whole := ledger.whole_order(v_order);
      v_credited := ledger.credited_part(v_order);
      v_left := ledger.part_between(v_credited, v_whole);
      v_base := v_whole.base_amount - ledger.credited_base(v_whole, v_credited);
    else
      v_left := v_seen.part;
      v_left.vendor_amount := case when v_shares is null then 0 else ledger.sum_of_shares(v_shares) end;
      v_base := v_left.base_amount;
    end if;
  end if;

  -- check: nothing of it waits for stock, what is said of the parcel can be, and what is earned fits the accounts
  if v_seen.waits or p_metadata <> '{}' or v_referral.referrer_user_id is not null or v_owners <> '{}' then
    v_change.refusal := coalesce(
      case when v_seen.waits then ledger.refuse_backordered(v_order) end,
      ledger.refuse_parcel(v_seen.created_at, p_metadata),
      ledger.refuse_shares(v_shares, v_seen.currency, v_referral.referrer_user_id,
                           ledger.commission_amount(v_base, v_referral.rate_bp)));
    if v_change.refusal is not null then
      return v_change;
    end if;
  end if;

  -- what goes out; what waited may have come in since the look, so that is asked after the refusal
  if v_is_in_parts then
    v_units := ledger.units_left(v_order);
    v_shipment_number := 1 + coalesce((select max(s.shipment_number) from public.shipments s where s.order_id = p_order_id), 0);
  elsif v_seen.shipped_units = 0 then
    v_units := v_seen.lines;
  end if;

  -- write: order, account; from here on the account is locked, so that events come in the order of its versions
  update public.orders o set status = p_to, version = o.version + 1, updated_at = clock_timestamp()
  where o.account_id = p_account_id and o.id = p_order_id
  returning o.payment_status into v_payment_status;
  update public.accounts a set version = a.version + 1, updated_at = clock_timestamp()
  where a.id = p_account_id
  returning a.version, a.available_balance into v_account_version, v_available;

  -- write: transaction, postings
  insert into public.transactions
    (id, account_id, account_version, type, amount, balance_after, order_id, actor_id, actor_action, metadata, correlation_id)
  values
    (v_transaction_id, p_account_id, v_account_version, 'order_status_changed', 0, v_available, p_order_id, p_actor.user_id,
     coalesce(p_actor_action, format('order %s to %s', v_seen.status, p_to)), coalesce(p_metadata, '{}'), v_correlation_id);
  if v_delivers then
    insert into public.postings (account_id, transaction_id, leg_number, debit_account, credit_account, amount, currency)
    select p_account_id, v_transaction_id, l.ordinality, l.debit_account, l.credit_account, l.amount, v_seen.currency
    from unnest(ledger.delivery_legs(v_seen.outstanding_amount, v_left)) with ordinality l
    where l.amount <> 0;

    -- write: what has arrived
    v_delivered_at := coalesce(ledger.moment(p_metadata ->> 'delivered_at'), clock_timestamp());
    if v_seen.shipped_units > 0 then
      v_events := ledger.deliver_shipments(p_account_id, p_order_id, v_seen.order_number, v_seen.user_id, null, v_delivered_at);
    end if;
  end if;

  -- write: what goes out
  if v_units is not null then
    v_events := v_events || row('order.shipment_created', 'order', p_order_id, p_account_id,
      ledger.ship_units(p_account_id, p_order_id, v_seen.order_number, v_seen.user_id, v_shipment_number, v_units,
                        p_actor.user_id, p_metadata, v_delivered_at), null)::ledger.event_draft;
  end if;

  -- the sides of the referrer and of the vendors, then the record of all
  v_events := v_events || row('order.status_changed', 'order', p_order_id, p_account_id, jsonb_build_object(
    'transaction_id', v_transaction_id, 'transaction_type', 'order_status_changed', 'account_version', v_account_version,
    'amount', 0, 'effect', '{}'::jsonb, 'order_number', v_seen.order_number, 'user_id', v_seen.user_id, 'currency', v_seen.currency,
    'from_status', v_seen.status, 'to_status', p_to, 'payment_status', v_payment_status,
    'notes', coalesce(p_metadata ->> 'notes', p_actor_action), 'metadata', p_metadata), null)::ledger.event_draft;
  if v_delivers and v_referral.referrer_user_id is not null then
    v_events := v_events || ledger.award_commission(p_order_id, v_referral, v_base, v_seen.currency, p_actor, v_correlation_id);
  end if;
  if v_delivers and v_shares is not null then
    v_events := v_events || ledger.award_vendor_earnings(p_order_id, v_seen.currency, v_shares, p_actor.user_id, v_correlation_id);
  end if;
  perform ledger.record_operations(v_events, p_actor.user_id, v_correlation_id);

  -- the customer may be one of them
  if v_owners <> '{}' then
    v_available := (select a.available_balance from public.accounts a where a.id = p_account_id);
  end if;
  return row(null, v_transaction_id, p_to, v_payment_status, 0, v_available, null, null, null, null, null, v_seen.outstanding_amount)::ledger.order_change;
end $function$;

CREATE OR REPLACE FUNCTION ledger.settings_of_placing()
  RETURNS text[]
  LANGUAGE plpgsql
  IMMUTABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  return array['auto_confirm_when_paid', 'default_order_status', 'grace_hours', 'low_stock_threshold', 'max_line_quantity', 'max_order_lines',
               'order_number_length', 'order_number_prefix', 'prices_include_tax', 'tax_rate_bp'];
end $function$;

CREATE OR REPLACE FUNCTION ledger.settle_returns (
  p_order          public.orders,
  p_status         text,
  p_restock        boolean,
  p_taken          ledger.taken_line[],
  p_return_id      uuid,
  p_actor          ledger.actor,
  p_correlation_id uuid
)
  RETURNS void
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  if p_return_id is null then
    perform ledger.settle_received_units(p_order.id,
      array(select t.line_number from unnest(p_taken) t order by t.line_number),
      array(select t.quantity - t.unshipped_quantity from unnest(p_taken) t order by t.line_number));
  end if;
  if p_status <> p_order.status then
    perform ledger.end_returns(p_order, p_order.status = 'delivered' and p_status = 'refunded' and not coalesce(p_restock, false),
                               p_actor, p_correlation_id, p_return_id);
  end if;
end $function$;

CREATE OR REPLACE FUNCTION ledger.ship_units (
  p_account_id      uuid,
  p_order_id        uuid,
  p_order_number    text,
  p_user_id         uuid,
  p_shipment_number integer,
  p_units           jsonb,
  p_actor_id        uuid,
  p_metadata        jsonb,
  p_delivered_at    timestamp with time zone DEFAULT NULL::timestamp WITH time zone
)
  RETURNS jsonb
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_shipment_id uuid;
  v_payload jsonb;
begin
  insert into public.shipments as s
    (account_id, order_id, shipment_number, carrier, tracking_number, estimated_delivery_at, metadata, shipped_by, delivered_at)
  values
    (p_account_id, p_order_id, p_shipment_number, p_metadata ->> 'carrier', p_metadata ->> 'tracking_number',
     ledger.moment(p_metadata ->> 'estimated_delivery_at'),
     coalesce(p_metadata, '{}') - '{carrier,tracking_number,estimated_delivery_at,delivered_at}'::text[], p_actor_id, p_delivered_at)
  returning s.id, jsonb_build_object(
    'order_number', p_order_number, 'user_id', p_user_id, 'shipment_id', s.id, 'shipment_number', s.shipment_number,
    'carrier', s.carrier, 'tracking_number', s.tracking_number, 'estimated_delivery_at', s.estimated_delivery_at,
    'delivered_at', s.delivered_at, 'lines', p_units)
  into v_shipment_id, v_payload;
  insert into public.shipment_lines (shipment_id, line_number, account_id, order_id, quantity)
  select v_shipment_id, u.line_number, p_account_id, p_order_id, u.quantity
  from jsonb_to_recordset(p_units) u (line_number integer, quantity bigint);
  return v_payload;
end $function$;

CREATE OR REPLACE FUNCTION ledger.status_after_refund (
  p_order     public.orders,
  p_credited  bigint,
  p_allowance bigint,
  p_taken     ledger.taken_line[]
)
  RETURNS text
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  if p_order.status = 'delivered' and p_credited = p_order.total_amount
     and (p_allowance > 0 or not exists (
       select from public.order_items i
       left join ledger.refunded_units(p_order.id) r on r.line_number = i.line_number
       left join unnest(p_taken) t on t.line_number = i.line_number
       where i.account_id = p_order.account_id and i.order_id = p_order.id
         and i.quantity > coalesce(r.quantity, 0) + coalesce(t.quantity, 0))) then
    return 'refunded';
  end if;
  return p_order.status;
end $function$;

CREATE OR REPLACE FUNCTION ledger.take_back (
  p_order           public.orders,
  p_lines           jsonb,
  p_shipping_amount bigint,
  p_amount          bigint,
  p_to              text,
  p_actor           ledger.actor,
  p_reason          text,
  p_correlation_id  uuid,
  p_return_id       uuid          DEFAULT NULL::uuid,
  p_ends_as         text          DEFAULT NULL::text,
  p_metadata        jsonb         DEFAULT '{}'::jsonb
)
  RETURNS ledger.order_change
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  SET plan_cache_mode TO 'force_generic_plan'
  AS $function$
declare
  v_was_delivered boolean := p_order.status = 'delivered';
  v_restock boolean := case when p_ends_as is not null then (p_metadata ->> 'restock')::boolean end;
  v_user_ids uuid[] := case when v_was_delivered then ledger.accounts_to_take_back_from(p_order) else array[p_order.user_id] end;
  v_past ledger.order_past;
  v_units ledger.taken_units;
  v_whole ledger.order_part;
  v_before ledger.order_part := row(0, 0, 0, 0, 0, 0, 0, 0, 0);
  v_after ledger.order_part;
  v_part ledger.order_part;
  v_credited bigint;
  v_money ledger.returned_money;
  v_change ledger.order_change;
begin
  -- lock: accounts (those that earned by the delivery too), stock
  if cardinality(v_user_ids) > 1 then
    perform ledger.lock_accounts(v_user_ids, p_order.currency, p_open => false);
  else
    perform from public.accounts a where a.id = p_order.account_id for no key update;
  end if;
  if p_ends_as is not null and (v_restock or not v_was_delivered) then
    perform from public.stock_levels s
    where s.variant_id = any (array(select i.variant_id from public.order_items i
                                    where i.account_id = p_order.account_id and i.order_id = p_order.id)) and s.slot = 0
    order by s.variant_id
    for no key update;
  elsif p_lines @> '[{"restock": true}]' or p_lines @> '[{"unshipped": true}]' then
    perform ledger.lock_stock_to_return(ledger.variants_to_take_back(p_order.account_id, p_order.id, p_lines));
  end if;
  v_past := ledger.past_of_order(p_order.id, p_order.user_id, v_was_delivered);

  -- check: customer, lines
  if v_past.customer_is_erased then
    v_change.refusal := ledger.refuse_erased(p_order.user_id);
  elsif p_lines is not null then
    v_change.refusal := ledger.refuse_refund_lines(p_order, p_lines, v_past);
  end if;
  if v_change.refusal is not null then
    return v_change;
  end if;

  -- the units that are taken back, with the shipping
  if p_ends_as is null then
    v_units := ledger.units_together(ledger.lines_asked_back(p_order, p_lines, v_past));
  elsif v_past.is_refunded or v_past.is_shipped or v_past.is_returned or v_past.awaits_stock then
    v_units := ledger.units_together(ledger.lines_left(p_order, v_restock));
  else
    v_units := ledger.units_together(ledger.untouched_lines(p_order.account_id, p_order.id, p_order.prices_include_tax, v_restock));
  end if;
  v_part := v_units.part;
  if v_past.is_refunded then
    v_before := ledger.credited_part(p_order);
  end if;
  v_part.shipping_amount := case when p_ends_as is null then p_shipping_amount else p_order.shipping_amount - v_before.shipping_amount end;

  -- an allowance, which changes with what is left beside it
  if p_amount > 0 or v_before.allowance_amount > 0 or v_past.gave_commission then
    v_whole := ledger.whole_order(p_order);
    v_after := ledger.credited_after(v_whole, v_before, v_part, p_amount);
    v_part := ledger.part_between(v_before, v_after);
  end if;

  -- the money that follows
  v_credited := ledger.cost_of(v_part);
  v_money := ledger.split_return(p_order, greatest(
    p_order.paid_amount - p_order.refunded_amount - (p_order.total_amount - p_order.credited_amount - v_credited), 0), p_to);

  -- check: amounts
  if p_ends_as is null then
    v_change.refusal := ledger.refuse_refund_amounts(p_order, p_shipping_amount, p_amount, v_before, v_part);
  end if;
  if v_change.refusal is null and v_money.credit_amount > 0 then
    v_change.refusal := (select ledger.refuse('amount_too_large', jsonb_build_object('maximum', 9007199254740991))
                         from public.accounts a
                         where a.id = p_order.account_id and a.total_earned + v_money.credit_amount > 9007199254740991);
  end if;
  if v_change.refusal is not null then
    return v_change;
  end if;

  -- write and record
  v_change := ledger.write_taken_back(
    p_order, v_past, v_units, v_part, v_money,
    case when p_ends_as is not null then p_ends_as
         when v_was_delivered then ledger.status_after_refund(p_order, ledger.cost_of(v_before) + v_credited,
                                                              v_before.allowance_amount + v_part.allowance_amount, v_units.lines)
         else p_order.status end,
    p_to, v_restock, p_return_id, p_actor, p_reason,
    coalesce(p_reason, case when p_ends_as is null then 'order refunded' else format('order %s to %s', p_order.status, p_ends_as) end),
    p_correlation_id, p_metadata);

  -- the sides of those who earned by the delivery; the customer may be one of them
  if v_past.gave_commission then
    perform ledger.claw_back_commission(p_order.id, v_whole.base_amount - ledger.credited_base(v_whole, v_after), p_actor, p_correlation_id);
  end if;
  if v_past.gave_vendors then
    perform ledger.claw_back_vendor_earnings(p_order, p_actor, p_correlation_id);
  end if;
  if cardinality(v_user_ids) > 1 then
    v_change.available_balance := (select a.available_balance from public.accounts a where a.id = p_order.account_id);
  end if;
  return v_change;
end $function$;

CREATE OR REPLACE FUNCTION ledger.take_stock (
  p_variant_ids uuid[],
  p_quantities  bigint[],
  p_thresholds  bigint[],
  p_order_id    uuid,
  p_actor_id    uuid
)
  RETURNS boolean
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  SET plan_cache_mode TO 'force_generic_plan'
  AS $function$
declare
  v_count integer;
  v_low uuid[];
begin
  with locked as materialized (
    select l.variant_id, l.on_hand, l.held, l.version, array_position(p_variant_ids, l.variant_id) as place
    from public.stock_levels l
    where l.variant_id = any (p_variant_ids) and l.slot = 0
    order by l.variant_id
    for no key update),
  taken as (
    update public.stock_levels s set on_hand = l.on_hand + p_quantities[l.place], held = l.held, version = l.version + 1
    from locked l
    where s.variant_id = l.variant_id and s.slot = 0
      and (select count(*) = cardinality(p_variant_ids) and bool_and(a.on_hand - a.held + p_quantities[a.place] >= 0) from locked a)
    returning s.variant_id, s.version, s.on_hand, l.place),
  recorded as (
    insert into public.stock_movements (variant_id, slot_version, quantity, on_hand_after, reason, order_id, actor_id)
    select t.variant_id, t.version, p_quantities[t.place], t.on_hand, 'order_placed', p_order_id, p_actor_id
    from taken t)
  select count(*), array_agg(t.variant_id) filter (
           where t.on_hand <= p_thresholds[t.place] and t.on_hand - p_quantities[t.place] > p_thresholds[t.place])
  into v_count, v_low
  from taken t;

  if v_low is not null then
    insert into ledger.outbox (type, payload)
    select 'stock.low', jsonb_build_object('variant_id', v.id, 'sku', v.sku, 'name', v.name, 'on_hand', s.on_hand,
                                           'threshold', p_thresholds[array_position(p_variant_ids, v.id)])
    from public.variants v
    join public.stock_levels s on s.variant_id = v.id and s.slot = 0
    where v.id = any (v_low);
  end if;
  return v_count > 0;
end $function$;

CREATE OR REPLACE FUNCTION ledger.units_left (
  p_order public.orders
)
  RETURNS jsonb
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  return (
    select jsonb_agg(jsonb_build_object('line_number', s.line_number, 'quantity', s.shippable_quantity) order by s.line_number)
    from ledger.shippable_lines(p_order) s
    where s.shippable_quantity > 0);
end $function$;

CREATE OR REPLACE FUNCTION ledger.units_together (
  p_lines ledger.taken_line[]
)
  RETURNS ledger.taken_units
  LANGUAGE plpgsql
  IMMUTABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_units ledger.taken_units;
begin
  select p_lines,
         row(coalesce(sum(t.goods_amount), 0), coalesce(sum(t.discount_amount), 0), coalesce(sum(t.tax_amount), 0),
             coalesce(sum(t.total_amount), 0), coalesce(sum(t.base_amount), 0), coalesce(sum(t.vendor_amount), 0), 0, 0, 0)::ledger.order_part,
         coalesce(jsonb_agg(jsonb_build_object(
           'line_number', t.line_number, 'variant_id', t.variant_id, 'quantity', t.quantity, 'unshipped_quantity', t.unshipped_quantity,
           'restocked_quantity', t.restocked_quantity, 'total_amount', t.total_amount) order by t.line_number), '[]'),
         array_agg(t.variant_id) filter (where t.restocked_quantity > 0),
         array_agg(t.restocked_quantity) filter (where t.restocked_quantity > 0)
  into v_units
  from unnest(p_lines) t;
  -- lines of the same variant go back as one
  if cardinality(v_units.restocked_ids) > 1 then
    select array_agg(g.variant_id), array_agg(g.quantity) into v_units.restocked_ids, v_units.restocked
    from (select w.variant_id, sum(w.quantity)::bigint as quantity
          from unnest(v_units.restocked_ids, v_units.restocked) w (variant_id, quantity)
          group by w.variant_id) g;
  end if;
  return v_units;
end $function$;

CREATE OR REPLACE FUNCTION ledger.untouched_lines (
  p_account_id         uuid,
  p_order_id           uuid,
  p_prices_include_tax boolean,
  p_restock            boolean
)
  RETURNS ledger.taken_line[]
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  return (
    select array_agg(row(i.line_number, i.variant_id, i.quantity, i.quantity, case when p_restock is false then 0 else i.quantity end,
             l.goods_amount, l.discount_amount, l.tax_amount, l.total_amount, l.base_amount, l.vendor_amount)::ledger.taken_line
             order by i.line_number)
    from public.order_items i
    cross join lateral ledger.line_part(i, p_prices_include_tax, i.quantity) l
    where i.account_id = p_account_id and i.order_id = p_order_id);
end $function$;

CREATE OR REPLACE FUNCTION ledger.variants_to_take_back (
  p_account_id uuid,
  p_order_id   uuid,
  p_lines      jsonb
)
  RETURNS uuid[]
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  return (
    select coalesce(array_agg(distinct i.variant_id), '{}')
    from public.order_items i
    where i.account_id = p_account_id and i.order_id = p_order_id
      and (p_lines @> jsonb_build_array(jsonb_build_object('line_number', i.line_number, 'restock', true))
           or p_lines @> jsonb_build_array(jsonb_build_object('line_number', i.line_number, 'unshipped', true))));
end $function$;

CREATE OR REPLACE FUNCTION ledger.vendor_shares (
  p_account_id         uuid,
  p_order_id           uuid,
  p_prices_include_tax boolean
)
  RETURNS ledger.vendor_share[]
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  return (
    select array_agg(row(s.vendor_id, v.owner_user_id, s.base_amount, s.share_amount)::ledger.vendor_share order by s.vendor_id)
    from (
      select i.vendor_id, sum(whole.base_amount - coalesce(back.base_amount, 0))::bigint as base_amount,
             sum(whole.vendor_amount - coalesce(back.vendor_amount, 0))::bigint as share_amount
      from public.order_items i
      cross join lateral ledger.line_part(i, p_prices_include_tax, i.quantity) whole
      left join lateral (
        select p.base_amount, p.vendor_amount
        from (select sum(l.quantity)::bigint as quantity
              from public.refund_lines l
              where l.order_id = p_order_id and l.line_number = i.line_number
              having count(*) > 0) r
        cross join lateral ledger.line_part(i, p_prices_include_tax, r.quantity) p) back on true
      where i.account_id = p_account_id and i.order_id = p_order_id and i.vendor_id is not null
      group by i.vendor_id) s
    join public.vendors v on v.id = s.vendor_id);
end $function$;

CREATE OR REPLACE FUNCTION ledger.write_operation (
  p_account_id      uuid,
  p_account_version bigint,
  p_balance_after   bigint,
  p_type            text,
  p_amount          bigint,
  p_effect          jsonb,
  p_actor_id        uuid,
  p_actor_action    text,
  p_metadata        jsonb,
  p_order_id        uuid,
  p_currency        text,
  p_legs            ledger.posting_leg[],
  p_event_type      text,
  p_payload         jsonb,
  p_texts           jsonb,
  p_reference_id    uuid                 DEFAULT NULL::uuid,
  p_correlation_id  uuid                 DEFAULT NULL::uuid,
  p_transaction_id  uuid                 DEFAULT NULL::uuid
)
  RETURNS uuid
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_headers jsonb := ledger.request_headers();
  v_correlation_id uuid := coalesce(p_correlation_id, ledger.correlation_id_in(v_headers));
  v_transaction_id uuid := coalesce(p_transaction_id, ledger.uuid_v7());
  v_event_id bigint := nextval('ledger.event_id_seq');
  v_now timestamptz;
begin
  insert into public.transactions
    (id, account_id, account_version, type, amount, balance_after, order_id, reference_id, actor_id, actor_action, metadata, correlation_id)
  values
    (v_transaction_id, p_account_id, p_account_version, p_type, p_amount, p_balance_after, p_order_id, p_reference_id, p_actor_id,
     p_actor_action, coalesce(p_metadata, '{}'), v_correlation_id);

  if p_legs is not null then
    insert into public.postings (account_id, transaction_id, leg_number, debit_account, credit_account, amount, currency)
    select p_account_id, v_transaction_id, l.ordinality, l.debit_account, l.credit_account, l.amount, p_currency
    from unnest(p_legs) with ordinality l
    where l.amount <> 0;
  end if;

  insert into public.immutable_events as e
    (id, event_type, stream_type, stream_id, account_id, payload, actor_id, correlation_id)
  values
    (v_event_id, p_event_type, case when p_order_id is null then 'account' else 'order' end, coalesce(p_order_id, p_account_id), p_account_id,
     p_payload || jsonb_build_object('transaction_id', v_transaction_id, 'transaction_type', p_type,
                                     'account_version', p_account_version, 'amount', p_amount, 'effect', p_effect)
       || case when p_texts is null then '{}'
               else ledger.set_texts_aside(v_event_id, p_account_id, case when p_order_id is null then 'account' else 'order' end, p_texts) end,
     p_actor_id, v_correlation_id)
  returning e.occurred_at into v_now;

  insert into public.audit_log
    (occurred_at, action, target_type, target_id, account_id, actor_id, actor_role, ip_address, user_agent, correlation_id)
  values
    (v_now, p_event_type, case when p_order_id is null then 'account' else 'order' end, coalesce(p_order_id, p_account_id)::text,
     p_account_id, p_actor_id, ledger.role_of_call(),
     ledger.client_address(v_headers), v_headers ->> 'user-agent', v_correlation_id);

  insert into ledger.outbox (account_id, type, event_id, created_at, next_retry_at)
  values (p_account_id, p_event_type, v_event_id, v_now, v_now);
  return v_transaction_id;
end $function$;

CREATE OR REPLACE FUNCTION ledger.write_taken_back (
  p_order          public.orders,
  p_past           ledger.order_past,
  p_units          ledger.taken_units,
  p_part           ledger.order_part,
  p_money          ledger.returned_money,
  p_status         text,
  p_to             text,
  p_restock        boolean,
  p_return_id      uuid,
  p_actor          ledger.actor,
  p_reason         text,
  p_actor_action   text,
  p_correlation_id uuid,
  p_metadata       jsonb
)
  RETURNS ledger.order_change
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  SET plan_cache_mode TO 'force_generic_plan'
  AS $function$
declare
  v_credited bigint := ledger.cost_of(p_part);
  v_returned bigint := p_money.wallet_amount + p_money.credit_amount + p_money.payout_amount;
  v_kept text := p_order.payment_status;
  v_payment_status text;
  v_outstanding bigint;
  v_order public.orders;
  v_refund_id uuid := ledger.uuid_v7();
  v_type text := case when p_status = 'cancelled' and p_order.status <> 'cancelled' then 'order_cancelled' else 'order_refunded' end;
  v_account_version bigint;
  v_available bigint;
  v_transaction public.transactions;
  v_invoiced jsonb := '{}'::jsonb;
begin
  -- order, and the time it has to be paid
  if v_kept = 'overpaid' then
    v_kept := ledger.payment_status_kept(p_order);
  end if;
  v_payment_status := ledger.payment_status_of(
    p_order.total_amount, p_order.credited_amount + v_credited, p_order.paid_amount, p_order.refunded_amount + v_returned, v_kept);
  update public.orders o set
    status = p_status,
    payment_status = v_payment_status,
    refunded_amount = o.refunded_amount + v_returned,
    wallet_refunded_amount = o.wallet_refunded_amount + p_money.wallet_amount,
    credited_amount = o.credited_amount + v_credited,
    version = o.version + 1,
    updated_at = clock_timestamp()
  where o.account_id = p_order.account_id and o.id = p_order.id
  returning o.outstanding_amount into v_outstanding;
  if p_past.has_deadline or p_past.is_invoiced then
    select o.* into v_order from public.orders o where o.account_id = p_order.account_id and o.id = p_order.id;
    perform ledger.settle_payment_deadline(v_order);
  end if;

  -- refund
  insert into public.refunds
    (id, account_id, order_id, return_id, currency, goods_amount, discount_amount, tax_amount, shipping_amount, allowance_amount,
     allowance_tax_amount, credited_amount, wallet_amount, credit_amount, payout_amount, payout_status, destination, reason, actor_id)
  values
    (v_refund_id, p_order.account_id, p_order.id, p_return_id, p_order.currency, p_part.goods_amount, p_part.discount_amount,
     p_part.tax_amount, p_part.shipping_amount, p_part.allowance_amount, p_part.allowance_tax_amount, v_credited, p_money.wallet_amount,
     p_money.credit_amount, p_money.payout_amount, case when p_money.payout_amount > 0 then 'pending' else 'none' end, p_to, p_reason,
     p_actor.user_id);
  insert into public.refund_lines
    (refund_id, line_number, account_id, order_id, quantity, unshipped_quantity, restocked_quantity, goods_amount, discount_amount,
     tax_amount, total_amount, base_amount, vendor_amount)
  select v_refund_id, t.line_number, p_order.account_id, p_order.id, t.quantity, t.unshipped_quantity, t.restocked_quantity,
         t.goods_amount, t.discount_amount, t.tax_amount, t.total_amount, t.base_amount, t.vendor_amount
  from unnest(p_units.lines) t;

  -- goods, discount code
  if p_past.awaits_stock then
    perform ledger.give_up_waiting(p_order.id, p_status <> p_order.status and p_order.status <> 'delivered', p_units.lines);
  end if;
  if p_units.restocked_ids is not null then
    perform ledger.restock(p_units.restocked_ids, p_units.restocked, v_type, p_actor, p_order.id, p_correlation_id);
  end if;
  if p_past.is_returned then
    perform ledger.settle_returns(p_order, p_status, p_restock, p_units.lines, p_return_id, p_actor, p_correlation_id);
  end if;
  if p_order.discount_code_id is not null and p_status <> p_order.status and p_order.status <> 'delivered' then
    update public.discount_usage u set redemptions = u.redemptions - 1 where u.discount_code_id = p_order.discount_code_id;
    update public.discount_redemptions r set released_at = clock_timestamp() where r.order_id = p_order.id;
  end if;

  -- account; the invoice of the order, whose records name the transaction
  update public.accounts a set
    total_earned = a.total_earned + p_money.credit_amount,
    total_orders = a.total_orders - p_money.wallet_amount,
    version = a.version + 1,
    updated_at = clock_timestamp()
  where a.id = p_order.account_id
  returning a.version, a.available_balance into v_account_version, v_available;
  if p_past.is_invoiced then
    v_transaction.id := ledger.uuid_v7();
    v_transaction.account_id := p_order.account_id;
    v_transaction.account_version := v_account_version;
    v_invoiced := ledger.follow_order_invoice(v_order, v_transaction, v_refund_id, p_actor);
  end if;

  -- transaction, postings, event
  return row(null, ledger.write_operation(
      p_order.account_id, v_account_version, v_available, v_type,
      p_money.wallet_amount + p_money.credit_amount,
      jsonb_strip_nulls(jsonb_build_object('total_earned', nullif(p_money.credit_amount, 0), 'total_orders', nullif(-p_money.wallet_amount, 0))),
      p_actor.user_id, p_actor_action, p_metadata, p_order.id, p_order.currency,
      case when p_order.status = 'delivered' then ledger.legs_after_delivery(p_part, p_money) else ledger.return_legs(p_money) end,
      case when p_status = p_order.status then 'order.refunded' else 'order.status_changed' end,
      jsonb_build_object(
        'order_number', p_order.order_number, 'user_id', p_order.user_id, 'currency', p_order.currency,
        'from_status', p_order.status, 'to_status', p_status, 'payment_status', v_payment_status,
        'refund_id', v_refund_id, 'return_id', p_return_id, 'credited_amount', v_credited, 'returned_amount', v_returned,
        'wallet_amount', p_money.wallet_amount, 'credit_amount', p_money.credit_amount, 'payout_amount', p_money.payout_amount,
        'destination', p_to, 'outstanding_amount', v_outstanding, 'restocked', p_units.restocked_ids is not null,
        'lines', p_units.facts) || v_invoiced,
      case when p_reason is not null or p_metadata <> '{}' then
        jsonb_build_object('notes', coalesce(p_metadata ->> 'notes', p_reason), 'metadata', p_metadata) end,
      v_refund_id, p_correlation_id, v_transaction.id),
    p_status, v_payment_status, v_returned, v_available, v_refund_id, v_credited, p_money.wallet_amount, p_money.credit_amount,
    p_money.payout_amount, v_outstanding)::ledger.order_change;
end $function$;

CREATE OR REPLACE FUNCTION public.ledger_cancel_order (
  p_order_id        uuid,
  p_reason          text DEFAULT NULL::text,
  p_idempotency_key text DEFAULT NULL::text,
  p_user_id         uuid DEFAULT NULL::uuid,
  p_to              text DEFAULT 'wallet'::text
)
  RETURNS SETOF public.ledger_cancel_order_result
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_actor ledger.actor;
  v_user_id uuid;
  v_request jsonb;
  v_answer jsonb;
  v_order public.orders;
  v_may_go boolean;
  v_window integer;
  v_change ledger.order_change;
  v_phase text;
  v_result public.ledger_cancel_order_result;
begin
  -- who may
  v_actor := ledger.current_actor();
  v_user_id := ledger.customer_of_call(v_actor, p_user_id, 'orders.cancel');

  -- asked before
  if p_idempotency_key is not null then
    v_request := jsonb_build_array(v_user_id, p_order_id, p_reason, p_to);
    v_answer := ledger.idempotency_begin('ledger_cancel_order', p_idempotency_key, v_actor.caller_id, v_request);
  end if;
  if v_answer is null and not v_actor.is_system then
    v_answer := ledger.rate_limit_take(v_actor.user_id, 'ledger_cancel_order');
  end if;
  if v_answer is not null then
    return next jsonb_populate_record(null::public.ledger_cancel_order_result, v_answer);
    return;
  end if;

  -- lock: order
  select o.* into v_order
  from public.orders o
  where o.id = p_order_id and o.user_id = v_user_id
  for no key update;

  -- check; refusals are worded only where one may be needed
  select t.customer_may and (not t.needs_payment or v_order.amount_due = 0)
         and clock_timestamp() <= v_order.created_at + make_interval(mins => (
           select (s.value #>> '{}')::integer from public.settings s where s.key = 'cancellation_window_minutes'))
  into v_may_go
  from public.order_status_transitions t
  where t.from_status = v_order.status and t.to_status = 'cancelled';
  if v_may_go is not true or p_reason is not null or p_to is distinct from 'wallet' then
    v_window := ledger.setting_text('cancellation_window_minutes')::integer;
    v_answer := case
      when v_user_id is null then ledger.refuse('customer_required')
      when v_order.id is null then ledger.refuse('order_not_found', jsonb_build_object('order_id', p_order_id))
      when length(p_reason) > 2000 then
        ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_reason', 'problem', 'at most 2000 characters'))
      when p_to is null or p_to not in ('wallet', 'original') then
        ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_to', 'problem', 'wallet or original'))
      else coalesce(
        ledger.refuse_transition(v_order, 'cancelled'),
        case
          when not (select t.customer_may from public.order_status_transitions t
                    where t.from_status = v_order.status and t.to_status = 'cancelled') then
            ledger.refuse('cancellation_not_allowed', jsonb_build_object('order_number', v_order.order_number,
              'reason', format('it is already %s', v_order.status)))
          when clock_timestamp() > v_order.created_at + make_interval(mins => v_window) then
            ledger.refuse('cancellation_not_allowed', jsonb_build_object('order_number', v_order.order_number,
              'reason', format('it was placed more than %s minutes ago', v_window)))
        end)
    end;
  end if;
  if v_answer is not null then
    return next jsonb_populate_record(null::public.ledger_cancel_order_result, v_answer);
    return;
  end if;

  -- write and record
  v_phase := set_config('ledger.procedure', 'ledger_cancel_order', true);
  v_change := ledger.take_back(v_order, null, 0, 0, p_to, v_actor, coalesce(p_reason, 'cancelled by the customer'), ledger.correlation_id(),
                               p_ends_as => 'cancelled',
                               p_metadata => case p_to when 'wallet' then '{}' else jsonb_build_object('refund_to', p_to) end);
  if v_change.refusal is not null then
    perform set_config('ledger.procedure', '', true);
    return next jsonb_populate_record(null::public.ledger_cancel_order_result, v_change.refusal);
    return;
  end if;

  -- answer, stored under the key
  v_result := row(true, v_change.transaction_id, null, null, null, v_order.id, v_change.order_status, v_change.payment_status,
                  v_change.returned_amount, v_change.available_balance);
  if p_idempotency_key is not null then
    v_answer := ledger.idempotency_end('ledger_cancel_order', p_idempotency_key, v_actor.caller_id, v_request, v_order.account_id, to_jsonb(v_result));
  end if;
  v_phase := set_config('ledger.procedure', '', true);
  return next v_result;
end $function$;

CREATE OR REPLACE FUNCTION public.ledger_change_order_status (
  p_user_id         uuid,
  p_reference_id    uuid,
  p_old_status      text,
  p_new_status      text,
  p_amount          bigint,
  p_metadata        jsonb  DEFAULT '{}'::jsonb,
  p_actor_id        uuid   DEFAULT NULL::uuid,
  p_actor_action    text   DEFAULT NULL::text,
  p_idempotency_key text   DEFAULT NULL::text
)
  RETURNS SETOF public.ledger_change_order_status_result
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_actor ledger.actor;
  v_request jsonb;
  v_answer jsonb;
  v_old text := lower(trim(p_old_status));
  v_new text := lower(trim(p_new_status));
  v_order_id uuid;
  v_account_id uuid;
  v_order_number text;
  v_currency text;
  v_permission text;
  v_may_go boolean;
  v_order public.orders;
  v_change ledger.order_change;
  v_phase text;
  v_result public.ledger_change_order_status_result;
begin
  -- who may: staff who may read orders; which change, their permissions say below
  v_actor := ledger.actor_with(p_actor_id, 'orders.read');

  -- asked before
  if p_idempotency_key is not null then
    v_request := jsonb_build_array(p_user_id, p_reference_id, v_old, v_new, p_amount, p_metadata, p_actor_id, p_actor_action);
    v_answer := ledger.idempotency_begin('ledger_change_order_status', p_idempotency_key, v_actor.caller_id, v_request);
    if v_answer is not null then
      return next jsonb_populate_record(null::public.ledger_change_order_status_result, v_answer);
      return;
    end if;
  end if;

  -- lock: order; its transition is looked up by what the caller says, which has to be the order's status anyway
  select o.id, o.account_id, o.order_number, o.currency, t.permission,
         t.permission is not null and o.status = v_old and o.total_amount = p_amount
           and (not t.needs_payment or o.amount_due = 0)
  into v_order_id, v_account_id, v_order_number, v_currency, v_permission, v_may_go
  from public.orders o
  left join public.order_status_transitions t on t.from_status = v_old and t.to_status = v_new
  where o.id = p_reference_id and o.user_id = p_user_id
  for no key update of o;

  -- check; refusals are worded only where one may be needed
  if v_may_go is not true or p_metadata is distinct from '{}' or p_actor_action is not null then
    select o.* into v_order from public.orders o where o.id = v_order_id;
    v_answer := ledger.refuse_status_change(v_order, p_reference_id, p_old_status, p_new_status, p_amount, p_metadata, p_actor_action);
    v_permission := (select t.permission from public.order_status_transitions t where t.from_status = v_order.status and t.to_status = v_new);
  end if;
  if v_permission is not null and not v_actor.is_system then
    v_actor := ledger.require_permission(v_actor, v_permission);
  end if;
  if v_answer is not null then
    return next jsonb_populate_record(null::public.ledger_change_order_status_result, v_answer);
    return;
  end if;

  -- write and record
  v_phase := set_config('ledger.procedure', 'ledger_change_order_status', true);
  if v_new in ('shipped', 'delivered') then
    v_change := ledger.send_out(v_account_id, v_order_id, v_new, v_actor, p_actor_action, p_metadata);
  elsif v_new in ('rejected', 'cancelled', 'refunded') then
    select o.* into v_order from public.orders o where o.id = v_order_id;
    v_change := ledger.apply_order_status(v_order, v_new, v_actor, p_actor_action, p_metadata);
  else
    v_change := ledger.change_status_plainly(v_account_id, v_order_id, v_order_number, p_user_id, v_currency, v_old, v_new,
                                             v_actor.user_id, p_actor_action, p_metadata);
  end if;
  if v_change.refusal is not null then
    v_phase := set_config('ledger.procedure', '', true);
    return next jsonb_populate_record(null::public.ledger_change_order_status_result, v_change.refusal);
    return;
  end if;

  -- answer, stored under the key
  v_result := row(true, v_change.transaction_id, null, null, null, v_order_id, v_change.order_status, v_change.payment_status,
                  v_change.returned_amount,
                  case when v_actor.is_system or ledger.has_permission(v_actor, 'accounts.read') then v_change.available_balance end);
  if p_idempotency_key is not null then
    v_answer := ledger.idempotency_end('ledger_change_order_status', p_idempotency_key, v_actor.caller_id, v_request, v_account_id, to_jsonb(v_result));
  end if;
  v_phase := set_config('ledger.procedure', '', true);
  return next v_result;
end $function$;

CREATE OR REPLACE FUNCTION public.ledger_confirm_delivery (
  p_shipment_id     uuid,
  p_delivered_at    timestamp with time zone DEFAULT NULL::timestamp WITH time zone,
  p_idempotency_key text                     DEFAULT NULL::text,
  p_actor_id        uuid                     DEFAULT NULL::uuid
)
  RETURNS SETOF public.ledger_confirm_delivery_result
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_actor ledger.actor;
  v_request jsonb;
  v_answer jsonb;
  v_order public.orders;
  v_shipment public.shipments;
  v_delivered_at timestamptz := coalesce(p_delivered_at, clock_timestamp());
  v_is_last boolean;
  v_change ledger.order_change;
begin
  -- who may
  v_actor := ledger.require_permission(ledger.current_actor(p_actor_id), 'orders.deliver');

  -- asked before
  v_request := jsonb_build_array(p_shipment_id, p_delivered_at, p_actor_id);
  v_answer := ledger.idempotency_begin('ledger_confirm_delivery', p_idempotency_key, v_actor.caller_id, v_request);
  if v_answer is not null then
    return next jsonb_populate_record(null::public.ledger_confirm_delivery_result, v_answer);
    return;
  end if;

  -- lock: order; the shipment is read again under it, because whoever changes a shipment holds its order
  select o.* into v_order
  from public.orders o
  where o.id = (select s.order_id from public.shipments s where s.id = p_shipment_id)
  for no key update;
  select s.* into v_shipment
  from public.shipments s
  where s.account_id = v_order.account_id and s.id = p_shipment_id;

  -- check
  v_answer := case
    when v_shipment.id is null then ledger.refuse('shipment_not_found', jsonb_build_object('shipment_id', p_shipment_id))
    when v_shipment.delivered_at is not null then ledger.refuse('shipment_conflict', jsonb_build_object(
      'shipment_id', p_shipment_id, 'shipment_number', v_shipment.shipment_number, 'order_number', v_order.order_number,
      'delivered_at', v_shipment.delivered_at))
    when v_delivered_at not between v_order.created_at and clock_timestamp() then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_delivered_at',
        'problem', 'a moment after the order was placed and not in the future'))
  end;
  if v_answer is null then
    v_is_last := not exists (select from public.shipments s
                             where s.account_id = v_order.account_id and s.order_id = v_order.id
                               and s.delivered_at is null and s.id <> p_shipment_id)
      and not exists (select from ledger.shippable_lines(v_order) s where s.shipped_quantity < s.quantity);
    if v_is_last or v_order.status in ('cancelled', 'refunded', 'rejected') then
      v_answer := ledger.refuse_transition(v_order, 'delivered');
      v_actor := ledger.require_transition(v_actor, v_order.status, 'delivered');
    end if;
  end if;
  if v_answer is not null then
    return next jsonb_populate_record(null::public.ledger_confirm_delivery_result, v_answer);
    return;
  end if;

  -- write and record
  perform set_config('ledger.procedure', 'ledger_confirm_delivery', true);
  if v_is_last then
    v_change := ledger.apply_order_status(v_order, 'delivered', v_actor, null, jsonb_build_object('delivered_at', v_delivered_at));
    if v_change.refusal is not null then
      perform set_config('ledger.procedure', '', true);
      return next jsonb_populate_record(null::public.ledger_confirm_delivery_result, v_change.refusal);
      return;
    end if;
  else
    perform ledger.record_operations(
      ledger.deliver_shipments(v_order.account_id, v_order.id, v_order.order_number, v_order.user_id, p_shipment_id, v_delivered_at),
      v_actor.user_id, ledger.correlation_id());
  end if;

  -- answer, stored under the key
  v_answer := jsonb_build_object('success', true, 'transaction_id', v_change.transaction_id, 'order_id', v_order.id,
    'shipment_id', p_shipment_id, 'shipment_number', v_shipment.shipment_number, 'delivered_at', v_delivered_at,
    'order_status', coalesce(v_change.order_status, v_order.status));
  v_answer := ledger.idempotency_end('ledger_confirm_delivery', p_idempotency_key, v_actor.caller_id, v_request, v_order.account_id, v_answer);
  perform set_config('ledger.procedure', '', true);
  return next jsonb_populate_record(null::public.ledger_confirm_delivery_result, v_answer);
end $function$;

CREATE OR REPLACE FUNCTION public.ledger_place_order (
  p_items               jsonb,
  p_payment_method      text   DEFAULT 'wallet'::text,
  p_wallet_amount       bigint DEFAULT NULL::bigint,
  p_shipping_address_id uuid   DEFAULT NULL::uuid,
  p_billing_address_id  uuid   DEFAULT NULL::uuid,
  p_shipping_method     text   DEFAULT NULL::text,
  p_discount_code       text   DEFAULT NULL::text,
  p_expected_total      bigint DEFAULT NULL::bigint,
  p_notes               text   DEFAULT NULL::text,
  p_metadata            jsonb  DEFAULT '{}'::jsonb,
  p_idempotency_key     text   DEFAULT NULL::text,
  p_user_id             uuid   DEFAULT NULL::uuid,
  p_reservation_id      uuid   DEFAULT NULL::uuid
)
  RETURNS SETOF public.ledger_place_order_result
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_actor ledger.actor;
  v_user_id uuid;
  v_request jsonb;
  v_answer jsonb;
  v_settings jsonb;
  v_phase text;
  v_pricing ledger.order_pricing;
  v_stock ledger.slots_to_place;
  v_payload jsonb;
  v_account_id uuid;
  v_frozen_reason text;
  v_available bigint;
  v_is_offered boolean;
  v_takes_at_once boolean;
  v_shipping_address jsonb;
  v_billing_address jsonb;
  v_wallet_amount bigint;
  v_order_id uuid;
  v_order_number text;
  v_status text;
  v_payment_status text;
  v_account_version bigint;
  v_transaction_id uuid;
  v_written bigint;
  v_result public.ledger_place_order_result;
begin
  -- who may
  v_actor := ledger.current_actor();
  v_user_id := case when v_actor.is_system then p_user_id else ledger.customer_of_call(v_actor, p_user_id, 'orders.place') end;

  -- asked before
  if p_idempotency_key is not null then
    v_request := jsonb_build_array(v_user_id, p_items, p_payment_method, p_wallet_amount, p_shipping_address_id, p_billing_address_id,
                                   p_shipping_method, p_discount_code, p_expected_total, p_notes, p_metadata) || coalesce(to_jsonb(p_reservation_id), '[]');
    v_answer := ledger.idempotency_begin('ledger_place_order', p_idempotency_key, v_actor.caller_id, v_request);
  end if;
  if v_answer is null and not v_actor.is_system then
    v_answer := ledger.rate_limit_take(v_actor.user_id, 'ledger_place_order');
  end if;

  -- check what needs no lock: customer, arguments, prices; and lock the reservation, which comes before accounts
  if v_answer is null then
    select jsonb_object_agg(s.key, s.value),
           exists (select from public.payment_methods m where m.code = p_payment_method and m.is_active)
    into v_settings, v_is_offered
    from public.settings s
    where s.key = any (ledger.settings_of_placing());
    v_pricing := ledger.price_order(v_user_id, p_items, p_shipping_method, p_discount_code, v_settings);
    if p_shipping_address_id is not null or p_billing_address_id is not null then
      v_shipping_address := ledger.address_snapshot(p_shipping_address_id, v_user_id);
      v_billing_address := ledger.address_snapshot(p_billing_address_id, v_user_id);
    end if;
    -- what was left out needs no check; refusals are worded only where one may be needed
    if v_user_id is null or v_pricing.refusal is not null or p_expected_total is not null or p_notes is not null
       or p_metadata is distinct from '{}' or p_shipping_address_id is not null or p_billing_address_id is not null or p_reservation_id is not null then
      v_answer := coalesce(
        ledger.refuse_placing(v_user_id, p_notes, p_metadata, case when v_shipping_address is null then p_shipping_address_id end,
                              case when v_billing_address is null then p_billing_address_id end, v_pricing, p_expected_total),
        case when p_reservation_id is not null then ledger.lock_reservation(p_reservation_id, v_user_id) end);
    end if;
  end if;

  -- lock: account, stock by variant and slot, discount code; each check under its lock
  if v_answer is null then
    select a.id, a.frozen_reason, a.available_balance into v_account_id, v_frozen_reason, v_available
    from public.accounts a
    where a.id = ledger.account_id(v_user_id, v_pricing.currency)
    for no key update;
    if not found then
      select a.id, a.frozen_reason, coalesce(a.available_balance, 0) into v_account_id, v_frozen_reason, v_available
      from ledger.lock_account(v_user_id, v_pricing.currency, p_open => false) a;
    end if;
    if v_frozen_reason is not null then
      v_answer := ledger.refuse('account_frozen', jsonb_build_object('reason', v_frozen_reason));
    elsif v_account_id is null then -- who has an account is there
      v_answer := ledger.refuse_opening(v_user_id, v_pricing.currency);
    end if;
  end if;
  if v_answer is null then
    v_wallet_amount := ledger.wallet_part(p_payment_method, v_is_offered, p_wallet_amount, v_pricing.total_amount, v_available);
    v_order_id := ledger.uuid_v7();
    if v_pricing.stock_is_plain and p_reservation_id is null then
      -- where nothing is left that could refuse the order, its stock is taken right away
      v_takes_at_once := v_wallet_amount is not null and v_pricing.discount_code_id is null
                         and p_payment_method not in ('bank_transfer_grace', 'invoice');
      if v_takes_at_once then
        v_phase := set_config('ledger.procedure', 'ledger_place_order', true);
        v_takes_at_once := ledger.take_stock(v_pricing.variant_ids, v_pricing.quantities, v_pricing.thresholds, v_order_id, v_actor.user_id);
        v_phase := set_config('ledger.procedure', '', true);
      end if;
      if not v_takes_at_once then
        v_answer := ledger.lock_stock_for(v_pricing);
      end if;
    else
      v_pricing.stock_is_plain := false;
      v_stock := ledger.lock_slots_for(v_pricing.variant_ids, v_pricing.quantities, v_pricing.thresholds, p_reservation_id);
      v_answer := v_stock.refusal;
    end if;
    if v_answer is not null and v_pricing.stock_is_plain and ledger.lock_slots_opened_since(v_pricing.variant_ids) then
      v_pricing.stock_is_plain := false;
      v_stock := ledger.lock_slots_for(v_pricing.variant_ids, v_pricing.quantities, null, null);
      v_answer := v_stock.refusal;
    end if;
    -- where both are short, the stock is what the customer reads about (source 003: stock, then balance)
    if v_answer is null and v_wallet_amount is null then
      v_answer := ledger.refuse_wallet_part(p_payment_method, p_wallet_amount, v_pricing.total_amount, v_available, v_pricing.currency);
    end if;
  end if;
  if p_payment_method in ('bank_transfer_grace', 'invoice') and v_answer is null then
    v_answer := ledger.refuse_owing(p_payment_method, ledger.account_id(v_user_id, v_pricing.currency), v_pricing.currency, v_pricing.total_amount);
  end if;
  if v_pricing.discount_code_id is not null and v_answer is null then
    perform from public.discount_usage u where u.discount_code_id = v_pricing.discount_code_id for no key update;
    v_answer := (select ledger.refuse_discount(c, c.code, v_pricing.currency, v_pricing.subtotal_amount,
                                               ledger.account_id(v_user_id, v_pricing.currency))
                 from public.discount_codes c where c.id = v_pricing.discount_code_id);
  end if;
  if v_answer is not null then
    return next jsonb_populate_record(null::public.ledger_place_order_result, v_answer);
    return;
  end if;

  -- write: order, items, stock, discount; account (a first order may open it)
  v_phase := set_config('ledger.procedure', 'ledger_place_order', true);
  if v_account_id is null then
    insert into public.accounts as a (id, user_id, currency)
    values (ledger.account_id(v_user_id, v_pricing.currency), v_user_id, v_pricing.currency)
    returning a.id into v_account_id;
  end if;

  insert into public.orders as o
    (id, account_id, user_id, order_number, currency, status, payment_status, payment_method, prices_include_tax,
     subtotal_amount, discount_amount, shipping_amount, tax_amount, total_amount, wallet_amount, paid_amount,
     shipping_method, discount_code_id, shipping_address, billing_address, notes, metadata, placed_by)
  values
    (v_order_id, v_account_id, v_user_id, ledger.next_order_number(v_settings), v_pricing.currency,
     ledger.first_status(v_wallet_amount = v_pricing.total_amount, p_payment_method, v_settings),
     case when v_wallet_amount = v_pricing.total_amount then 'paid'
          when v_wallet_amount > 0 then 'partially_paid'
          when p_payment_method = 'bank_transfer_grace' then 'in_grace' else 'unpaid' end,
     p_payment_method, v_pricing.prices_include_tax,
     v_pricing.subtotal_amount, v_pricing.discount_amount, v_pricing.shipping_amount, v_pricing.tax_amount,
     v_pricing.total_amount, v_wallet_amount, v_wallet_amount, p_shipping_method, v_pricing.discount_code_id,
     v_shipping_address, v_billing_address,
     p_notes, coalesce(p_metadata, '{}'), v_actor.user_id)
  returning o.order_number, o.status, o.payment_status into v_order_number, v_status, v_payment_status;

  insert into public.order_items
    (account_id, order_id, line_number, variant_id, vendor_id, product_name, product_sku, variant_name, quantity,
     unit_price_amount, total_price_amount, discount_amount, tax_rate_bp, tax_amount, platform_rate_bp)
  select v_account_id, v_order_id, l.line_number, l.variant_id, l.vendor_id, l.product_name, l.product_sku, l.variant_name,
         l.quantity, l.unit_price_amount, l.total_price_amount, l.discount_amount, l.tax_rate_bp, l.tax_amount, l.platform_rate_bp
  from unnest(v_pricing.lines) l;

  if v_takes_at_once then
    null;
  elsif v_pricing.stock_is_plain then
    if not ledger.take_stock(v_pricing.variant_ids, v_pricing.quantities, v_pricing.thresholds, v_order_id, v_actor.user_id) then
      raise exception 'order %: stock that was locked is not there', v_order_number;
    end if;
  elsif v_stock.slots is not null then
    v_written := ledger.move_in_slots(v_pricing.variant_ids, v_stock.slots, v_pricing.quantities, null, 'order_placed', v_actor, v_order_id);
  else
    v_written := ledger.apply_stock_plan(v_stock.plan, 'order_placed', v_actor, v_order_id, v_account_id, ledger.correlation_id());
    if p_reservation_id is not null then
      v_written := ledger.consume_reservation(p_reservation_id, v_order_id, v_actor);
    end if;
  end if;

  if v_pricing.discount_code_id is not null then
    update public.discount_usage u set redemptions = u.redemptions + 1 where u.discount_code_id = v_pricing.discount_code_id;
    insert into public.discount_redemptions (order_id, account_id, discount_code_id, amount)
    values (v_order_id, v_account_id, v_pricing.discount_code_id, v_pricing.discount_amount);
  end if;

  update public.accounts a set
    total_orders = a.total_orders + v_wallet_amount, version = a.version + 1, updated_at = clock_timestamp()
  where a.id = v_account_id
  returning a.version, a.available_balance into v_account_version, v_available;

  -- record: transaction, posting, event, audit, outbox
  v_payload := jsonb_build_object(
    'order_number', v_order_number, 'user_id', v_user_id, 'currency', v_pricing.currency, 'from_status', null,
    'to_status', v_status, 'payment_status', v_payment_status, 'payment_method', p_payment_method,
    'total_amount', v_pricing.total_amount, 'wallet_amount', v_wallet_amount, 'items', v_pricing.items);
  if (v_stock.plan).backordered_ids is not null then
    v_payload := v_payload || ledger.backordered_since(v_order_id, '{}');
  end if;
  v_transaction_id := ledger.write_operation(
    v_account_id, v_account_version, v_available, 'order_created', -v_wallet_amount,
    case when v_wallet_amount = 0 then '{}' else jsonb_build_object('total_orders', v_wallet_amount) end,
    v_actor.user_id, 'order placed', jsonb_build_object('order_number', v_order_number), v_order_id, v_pricing.currency,
    case when v_wallet_amount > 0 then array[row('wallet', 'order_escrow', v_wallet_amount)]::ledger.posting_leg[] end,
    'order.placed', v_payload,
    case when p_notes <> '' then jsonb_build_object('notes', p_notes) end);

  -- what is due may wait: deadline or invoice, with their records
  if p_payment_method in ('bank_transfer_grace', 'invoice') and v_wallet_amount < v_pricing.total_amount then
    perform ledger.begin_owing(v_order_id, v_transaction_id, v_settings, v_actor);
  end if;

  -- answer, stored under the key
  v_result := row(true, v_transaction_id, null, null, null, v_order_id, v_order_number, v_status, v_payment_status,
                  v_pricing.currency, v_pricing.total_amount, v_wallet_amount, v_pricing.total_amount - v_wallet_amount, v_available);
  if p_idempotency_key is not null then
    v_answer := ledger.idempotency_end('ledger_place_order', p_idempotency_key, v_actor.caller_id, v_request, v_account_id, to_jsonb(v_result));
  end if;
  v_phase := set_config('ledger.procedure', '', true);
  return next v_result;
end $function$;

CREATE OR REPLACE FUNCTION public.ledger_ship_order (
  p_order_id              uuid,
  p_lines                 jsonb                    DEFAULT NULL::jsonb,
  p_carrier               text                     DEFAULT NULL::text,
  p_tracking_number       text                     DEFAULT NULL::text,
  p_estimated_delivery_at timestamp with time zone DEFAULT NULL::timestamp WITH time zone,
  p_metadata              jsonb                    DEFAULT '{}'::jsonb,
  p_idempotency_key       text                     DEFAULT NULL::text,
  p_actor_id              uuid                     DEFAULT NULL::uuid
)
  RETURNS SETOF public.ledger_ship_order_result
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_actor ledger.actor;
  v_request jsonb;
  v_answer jsonb;
  v_metadata jsonb;
  v_order public.orders;
  v_units jsonb;
  v_permission text;
  v_may_go boolean;
  v_is_rest boolean;
  v_change ledger.order_change;
  v_transaction public.transactions;
  v_correlation_id uuid;
  v_shipped jsonb;
  v_phase text;
  v_result public.ledger_ship_order_result;
begin
  -- who may
  v_actor := ledger.actor_with(p_actor_id, 'orders.ship');

  -- asked before
  if p_idempotency_key is not null then
    v_request := jsonb_build_array(p_order_id, p_lines, p_carrier, p_tracking_number, p_estimated_delivery_at, p_metadata, p_actor_id);
    v_answer := ledger.idempotency_begin('ledger_ship_order', p_idempotency_key, v_actor.caller_id, v_request);
    if v_answer is not null then
      return next jsonb_populate_record(null::public.ledger_ship_order_result, v_answer);
      return;
    end if;
  end if;

  -- lock: order
  select o.* into v_order from public.orders o where o.id = p_order_id for no key update;

  -- check; refusals are worded only where one may be needed
  select t.permission, not t.needs_payment or v_order.amount_due = 0 into v_permission, v_may_go
  from public.order_status_transitions t
  where t.from_status = v_order.status and t.to_status = 'shipped';
  v_answer := case
    when v_order.id is null then ledger.refuse('order_not_found', jsonb_build_object('order_id', p_order_id))
    when coalesce(jsonb_typeof(p_metadata), 'object') <> 'object' or octet_length(p_metadata::text) > 16384 then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_metadata', 'problem', 'a JSON object of at most 16 KB'))
    when not isfinite(p_estimated_delivery_at) then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_estimated_delivery_at', 'problem', 'a moment that comes'))
    when v_may_go is not true then ledger.refuse_transition(v_order, 'shipped')
  end;
  if v_answer is null then
    v_metadata := coalesce(p_metadata, '{}') || jsonb_strip_nulls(jsonb_build_object(
      'carrier', p_carrier, 'tracking_number', p_tracking_number, 'estimated_delivery_at', p_estimated_delivery_at));
    v_answer := ledger.refuse_parcel(v_order.created_at, v_metadata);
  end if;
  if v_answer is null then
    -- all of an order of which nothing went out, came back or waits needs no look at its lines
    v_is_rest := p_lines is null
      and not exists (select from public.shipments s where s.order_id = p_order_id)
      and not exists (select from public.refunds r where r.order_id = p_order_id)
      and not exists (select from public.backorders b where b.order_id = p_order_id and b.open_quantity > 0);
    if not v_is_rest then
      v_answer := ledger.refuse_shipping(v_order, p_lines);
    end if;
  end if;
  if v_answer is not null then
    return next jsonb_populate_record(null::public.ledger_ship_order_result, v_answer);
    return;
  end if;
  if not v_is_rest then
    select jsonb_agg(jsonb_build_object('line_number', s.line_number, 'quantity', s.asked) order by s.line_number) filter (where s.asked > 0),
           bool_and(s.asked = s.quantity - s.shipped_quantity)
    into v_units, v_is_rest
    from ledger.lines_to_ship(v_order, p_lines) s;
  end if;
  if v_is_rest and v_permission is not null and not v_actor.is_system then
    v_actor := ledger.require_permission(v_actor, v_permission);
  end if;

  -- write and record: the last units make the order shipped, which ships what is left; units before them
  -- leave a shipment with a transaction of its own
  v_phase := set_config('ledger.procedure', 'ledger_ship_order', true);
  if v_is_rest then
    v_change := ledger.send_out(v_order.account_id, v_order.id, 'shipped', v_actor, null, v_metadata);
    if v_change.refusal is not null then
      v_phase := set_config('ledger.procedure', '', true);
      return next jsonb_populate_record(null::public.ledger_ship_order_result, v_change.refusal);
      return;
    end if;
    v_result := row(true, v_change.transaction_id, null, null, null, v_order.id, null, null, v_change.order_status);
    select s.id, s.shipment_number into v_result.shipment_id, v_result.shipment_number
    from public.shipments s
    where s.account_id = v_order.account_id and s.order_id = v_order.id
    order by s.shipment_number desc
    limit 1;
  else
    v_correlation_id := ledger.correlation_id();
    v_transaction := ledger.write_transaction(
      v_order.account_id, 'order_shipped', v_actor, 'a part of the order shipped', v_correlation_id,
      p_order_id => v_order.id, p_metadata => v_metadata);
    v_shipped := ledger.ship_units(
      v_order.account_id, v_order.id, v_order.order_number, v_order.user_id,
      (select 1 + coalesce(max(s.shipment_number), 0) from public.shipments s where s.order_id = v_order.id),
      v_units, v_actor.user_id, v_metadata);
    perform ledger.record_operation('order.shipment_created', 'order', v_order.id, v_order.account_id,
      ledger.balance_effect(v_transaction) || v_shipped, v_actor, v_correlation_id);
    v_result := row(true, v_transaction.id, null, null, null, v_order.id, (v_shipped ->> 'shipment_id')::uuid, (v_shipped ->> 'shipment_number')::integer,
                    v_order.status);
  end if;

  -- answer, stored under the key
  if p_idempotency_key is not null then
    v_answer := ledger.idempotency_end('ledger_ship_order', p_idempotency_key, v_actor.caller_id, v_request, v_order.account_id, to_jsonb(v_result));
  end if;
  v_phase := set_config('ledger.procedure', '', true);
  return next v_result;
end $function$;

ALTER TABLE "public"."immutable_events"
  ADD CONSTRAINT "year_has_four_digits" CHECK (((occurred_at >= '0001-01-01 00:00:00+00'::timestamp with time zone) AND (occurred_at < '10000-01-01 00:00:00+00'::timestamp
    with time zone)));

CREATE TRIGGER order_keeps_its_rules
  BEFORE INSERT OR UPDATE ON public.orders
  FOR EACH ROW
  EXECUTE FUNCTION ledger.check_order();

ALTER TABLE "public"."orders"
  ENABLE ALWAYS TRIGGER "order_keeps_its_rules";

COMMENT ON FUNCTION "ledger"."award_commission"(uuid, public.referrals, bigint, text, ledger.actor, uuid) IS 'Credits a referrer with the commission on an order of whom they brought; answers its event for the caller to record, or null when there is no commission. Both accounts are locked by the caller; the referrer''s is opened here when it is their first.';

COMMENT ON FUNCTION "ledger"."award_vendor_earnings"(uuid, text, ledger.vendor_share[], uuid, uuid) IS 'Credits the owners of an order''s vendors with their shares, by vendor; answers the events of that for the caller to record. All accounts are locked, and ledger.refuse_shares was asked, by the caller; one that somebody has not yet is opened here.';

COMMENT ON FUNCTION "ledger"."check_order"() IS 'Trigger: refuses every write of an order that breaks a rule of its amounts, statuses or notes, with the rule as name of the constraint.';

COMMENT ON FUNCTION "ledger"."credited_after"(ledger.order_part, ledger.order_part, ledger.order_part, bigint) IS 'The part of an order that is taken back by now, with the allowance that is left and the tax in it.';

COMMENT ON FUNCTION "ledger"."deliver_shipments"(uuid, uuid, text, uuid, uuid, timestamp with time zone) IS 'Marks an open shipment of a locked order (all of them when p_shipment_id is null) as delivered; answers an event for each, which the caller records, or null.';

COMMENT ON FUNCTION "ledger"."delivery_legs"(bigint, ledger.order_part) IS 'Postings of the delivery of an order of which p_left was not taken back and this much is not paid.';

COMMENT ON FUNCTION "ledger"."give_up_waiting"(uuid, boolean, ledger.taken_line[]) IS 'Gives up the open backorders of units that are taken back. Slot 0 of their variants is locked by the caller.';

COMMENT ON FUNCTION "ledger"."legs_after_delivery"(ledger.order_part, ledger.returned_money) IS 'Postings of a part of a delivered order that is taken back, with the money that goes back for it.';

COMMENT ON FUNCTION "ledger"."line_part"(public.order_items, boolean, bigint) IS 'What the first p_units units of a line amount to, minor units. Refunds and vendor shares divide lines by this alone; all lines of an order whole are its own columns (check order_totals_equal_items).';

COMMENT ON FUNCTION "ledger"."lines_asked_back"(public.orders, jsonb, ledger.order_past) IS 'The lines that a refund of well-formed p_lines takes back. Its stock is locked by the caller.';

COMMENT ON FUNCTION "ledger"."move_stock"(uuid[], bigint[], text, ledger.actor, uuid) IS 'Applies signed quantities to slot 0 of these variants and records the movements.';

COMMENT ON FUNCTION "ledger"."past_of_order"(uuid, uuid, boolean) IS 'What has happened to an order of p_user_id so far. Order and account are locked by the caller, and slot 0 of the variants where open backorders matter.';

COMMENT ON FUNCTION "ledger"."price_order"(uuid, jsonb, text, text, jsonb) IS 'Totals and priced lines of an order, or the refusal. Minor units, rounded per line, half up. p_settings: ledger.all_settings(), or those of ledger.settings_of_placing().';

COMMENT ON FUNCTION "ledger"."record_operations"(ledger.event_draft[], uuid, uuid) IS 'Appends events, in this order, each with its audit line and its outbox message.';

COMMENT ON FUNCTION "ledger"."refuse_backordered"(public.orders) IS 'The refusal for shipping all that is left of an order with open backorders; null when no line of it waits.';

COMMENT ON FUNCTION "ledger"."refuse_parcel"(timestamp with time zone, jsonb) IS 'The refusal for what metadata says of a parcel of an order of that moment in the wrong shape, or null.';

COMMENT ON FUNCTION "ledger"."refuse_refund_lines"(public.orders, jsonb, ledger.order_past) IS 'The refusal for lines to be refunded, [{"line_number", "quantity", "restock", "unshipped"}], or null.';

COMMENT ON FUNCTION "ledger"."send_out"(uuid, uuid, text, ledger.actor, text, jsonb) IS 'Moves a locked and checked order to shipped or delivered, with its shipments, money and records. metadata.carrier, tracking_number, estimated_delivery_at and delivered_at are taken when given.';

COMMENT ON FUNCTION "ledger"."settings_of_placing"() IS 'Keys of the settings that ledger_place_order reads.';

COMMENT ON FUNCTION "ledger"."settle_returns"(public.orders, text, boolean, ledger.taken_line[], uuid, ledger.actor, uuid) IS 'The returns of an order of which something was taken back; p_status is its status by then, p_restock what was said of the goods of its ending.';

COMMENT ON FUNCTION "ledger"."ship_units"(uuid, uuid, text, uuid, integer, jsonb, uuid, jsonb, timestamp with time zone) IS 'Writes a shipment of these units; answers the payload of order.shipment_created, which the caller records.';

COMMENT ON FUNCTION "ledger"."status_after_refund"(public.orders, bigint, bigint, ledger.taken_line[]) IS 'The status of an order of which these lines are taken back and p_credited in all, p_allowance of it as an allowance.';

COMMENT ON FUNCTION "ledger"."take_stock"(uuid[], bigint[], bigint[], uuid, uuid) IS 'Locks slot 0 of these variants and takes these quantities (below zero) for an order, with movements and stock.low once per crossing of a threshold (source 004); false, with nothing moved, where one is short.';

COMMENT ON FUNCTION "ledger"."units_left"(public.orders) IS 'Units of an order that can go out now: [{"line_number", "quantity"}], null when none can.';

COMMENT ON FUNCTION "ledger"."units_together"(ledger.taken_line[]) IS 'These lines and what follows from them together.';

COMMENT ON FUNCTION "ledger"."untouched_lines"(uuid, uuid, boolean, boolean) IS 'All lines of an order to which nothing has happened yet; they go back in stock unless p_restock is false.';

COMMENT ON FUNCTION "ledger"."variants_to_take_back"(uuid, uuid, jsonb) IS 'The variants whose stock is locked when these lines are refunded.';

COMMENT ON FUNCTION "ledger"."vendor_shares"(uuid, uuid, boolean) IS 'The vendors of an order with what its units that were not refunded are worth to them, in minor units; null when none of its lines is a vendor''s.';

COMMENT ON FUNCTION "ledger"."write_operation"(uuid, bigint, bigint, text, bigint, jsonb, uuid, text, jsonb, uuid, text, ledger.posting_leg[], text, jsonb, jsonb, uuid, uuid, uuid)
  IS 'Writes the transaction, postings, event, audit line and outbox message of an operation on an account whose totals the caller has just moved; answers the transaction''s id. Amounts in minor units.';

COMMENT ON FUNCTION
  "ledger"."write_taken_back"(public.orders, ledger.order_past, ledger.taken_units, ledger.order_part, ledger.returned_money, text, text, boolean, uuid, ledger.actor, text, text,
  uuid, jsonb) IS 'Writes and records what is taken back of an order: p_units, of which p_part is the cost with shipping and allowance, and p_money, which goes back. Everything is locked and checked by the caller.';

COMMENT ON TYPE "ledger"."order_past" IS 'Whether an order has refunds, shipments, returns, open backorders, a live invoice, a payment deadline; whether its delivery gave a commission or vendors'' shares; whether its customer was erased.';

COMMENT ON TYPE "ledger"."taken_units" IS 'part: what the lines cost, without shipping and allowance; facts: what events say of them; restocked: units that go back in stock, by variant.';

REVOKE ALL ON FUNCTION "ledger"."award_commission"(uuid, public.referrals, bigint, text, ledger.actor, uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."award_vendor_earnings"(uuid, text, ledger.vendor_share[], uuid, uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."check_order"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."credited_after"(ledger.order_part, ledger.order_part, ledger.order_part, bigint) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."deliver_shipments"(uuid, uuid, text, uuid, uuid, timestamp WITH time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."delivery_legs"(bigint, ledger.order_part) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."give_up_waiting"(uuid, boolean, ledger.taken_line[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."legs_after_delivery"(ledger.order_part, ledger.returned_money) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."lines_asked_back"(public.orders, jsonb, ledger.order_past) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."move_stock"(uuid[], bigint[], text, ledger.actor, uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."past_of_order"(uuid, uuid, boolean) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."record_operations"(ledger.event_draft[], uuid, uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."refuse_backordered"(public.orders) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."refuse_parcel"(timestamp WITH time zone, jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."refuse_refund_lines"(public.orders, jsonb, ledger.order_past) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."send_out"(uuid, uuid, text, ledger.actor, text, jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."settings_of_placing"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."settle_returns"(public.orders, text, boolean, ledger.taken_line[], uuid, ledger.actor, uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."ship_units"(uuid, uuid, text, uuid, integer, jsonb, uuid, jsonb, timestamp WITH time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."status_after_refund"(public.orders, bigint, bigint, ledger.taken_line[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."take_stock"(uuid[], bigint[], bigint[], uuid, uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."units_left"(public.orders) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."units_together"(ledger.taken_line[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."untouched_lines"(uuid, uuid, boolean, boolean) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."variants_to_take_back"(uuid, uuid, jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."vendor_shares"(uuid, uuid, boolean) FROM PUBLIC;

REVOKE ALL
  ON FUNCTION "ledger"."write_operation"(uuid, bigint, bigint, text, bigint, jsonb, uuid, text, jsonb, uuid, text, ledger.posting_leg[], text, jsonb, jsonb, uuid, uuid, uuid)
  FROM PUBLIC;

REVOKE ALL
  ON FUNCTION
    "ledger"."write_taken_back"(public.orders, ledger.order_past, ledger.taken_units, ledger.order_part, ledger.returned_money, text, text, boolean, uuid, ledger.actor, text, text,
    uuid, jsonb)
  FROM PUBLIC;

set ledger.procedure = 'migration';

-- sql/integrity/checks/guards.data.sql

-- as this schema has made them; later rows come with later tables
insert into ledger.guards (table_name, trigger_name, fires, digest)
select g.table_name, g.trigger_name, g.fires, g.digest from ledger.guards_now() g where not g.is_partition
on conflict (table_name, trigger_name) do update set fires = excluded.fires, digest = excluded.digest;

-- the rules of orders have another trigger
delete from ledger.guards g where g.table_name = 'public.orders' and g.trigger_name = 'amounts_fit_together';

reset ledger.procedure;
