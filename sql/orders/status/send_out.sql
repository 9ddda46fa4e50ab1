/*
 * An order goes out or has arrived: what is left of it is shipped. A delivery moves its money out of
 * escrow, as far as it was not taken back, and gives the referrer and the vendors their part.
 *
 * One look at the order tells which of this there is to do, because a step that finds nothing costs about
 * as much as one that writes. Of most orders nothing went out before, or all of it, nothing was refunded,
 * and nobody but the house earns.
 */
create function ledger.send_out(
  p_account_id uuid, p_order_id uuid, p_to text, p_actor ledger.actor, p_actor_action text, p_metadata jsonb)
returns ledger.order_change
language plpgsql
set search_path = pg_catalog, pg_temp
-- tables of shipments and refunds are empty when a shop is young: a plan made then would read them from end to end later
set enable_seqscan = off
as $$
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
end $$;
comment on function ledger.send_out(uuid, uuid, text, ledger.actor, text, jsonb) is
  'Moves a locked and checked order to shipped or delivered, with its shipments, money and records. metadata.carrier, tracking_number, estimated_delivery_at and delivered_at are taken when given.';
