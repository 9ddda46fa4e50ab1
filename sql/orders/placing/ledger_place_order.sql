create type public.ledger_place_order_result as (
  success boolean, transaction_id uuid, error_code text, error_message text, error_details jsonb,
  order_id uuid, order_number text, status text, payment_status text, currency text, total_amount bigint,
  wallet_amount bigint, amount_due bigint, available_balance bigint
);

/*
 * Places an order: prices it, takes stock, takes the wallet's part, and records it, all in one
 * transaction. p_items is [{"variant_id": uuid, "quantity": whole number}]; prices come from the
 * catalogue; amounts are minor units. Sources 000 (creation with payment), 003, 004.
 */
create function public.ledger_place_order(
  p_items jsonb,
  p_payment_method text default 'wallet',
  p_wallet_amount bigint default null,
  p_shipping_address_id uuid default null,
  p_billing_address_id uuid default null,
  p_shipping_method text default null,
  p_discount_code text default null,
  p_expected_total bigint default null,
  p_notes text default null,
  p_metadata jsonb default '{}',
  p_idempotency_key text default null,
  p_user_id uuid default null,
  p_reservation_id uuid default null)
returns setof public.ledger_place_order_result
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
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
end $$;
revoke execute on function public.ledger_place_order(jsonb, text, bigint, uuid, uuid, text, text, bigint, text, jsonb, text, uuid, uuid) from public, anon;
grant execute on function public.ledger_place_order(jsonb, text, bigint, uuid, uuid, text, text, bigint, text, jsonb, text, uuid, uuid) to authenticated, service_role;
comment on function public.ledger_place_order(jsonb, text, bigint, uuid, uuid, text, text, bigint, text, jsonb, text, uuid, uuid) is
  'Places an order of p_items [{"variant_id": uuid, "quantity": int}] for the caller (staff with orders.place: for p_user_id). Amounts in minor units. Payment methods: wallet, wallet_partial (p_wallet_amount, else as much as there is), bank_transfer, card, and where the goods may go out unpaid: bank_transfer_grace (within the setting grace_hours) and invoice (issued with the order, within the customer''s credit terms). p_reservation_id: stock that order_reserve holds for the customer; the order consumes it. Units beyond the stock of a variant with backorder_allowed wait in backorders. Errors: insufficient_stock, reservation_not_found, reservation_expired, reservation_conflict, insufficient_funds, grace_limit_reached, credit_not_granted, credit_limit_exceeded, price_changed, account_frozen, and those of error_codes for items, addresses, shipping, discount and payment method. Sources 000, 003, 004.';
