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
  p_user_id uuid default null)
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
  v_account public.accounts;
  v_account_id uuid;
  v_shipping_address jsonb;
  v_billing_address jsonb;
  v_available bigint;
  v_wallet_amount bigint;
  v_order public.orders;
  v_written bigint;
  v_result public.ledger_place_order_result;
  v_transaction public.transactions;
  v_correlation_id uuid;
begin
  -- who may
  v_actor := ledger.current_actor();
  v_user_id := ledger.customer_of_call(v_actor, p_user_id, 'orders.place');

  -- asked before
  v_request := case when p_idempotency_key is not null then
    jsonb_build_array(v_user_id, p_items, p_payment_method, p_wallet_amount, p_shipping_address_id, p_billing_address_id,
                      p_shipping_method, p_discount_code, p_expected_total, p_notes, p_metadata) end;
  v_answer := ledger.idempotency_begin('ledger_place_order', p_idempotency_key, v_actor.caller_id, v_request);
  if v_answer is null and not v_actor.is_system then
    v_answer := ledger.rate_limit_take(v_actor.user_id, 'ledger_place_order');
  end if;

  -- check what needs no lock: customer, arguments, prices
  if v_answer is null then
    v_settings := ledger.all_settings();
    v_pricing := ledger.price_order(v_user_id, p_items, p_shipping_method, p_discount_code, v_settings);
    if p_shipping_address_id is not null or p_billing_address_id is not null then
      v_shipping_address := ledger.address_snapshot(p_shipping_address_id, v_user_id);
      v_billing_address := ledger.address_snapshot(p_billing_address_id, v_user_id);
    end if;
    -- what was left out needs no check; refusals are worded only where one may be needed
    if v_user_id is null or v_pricing.refusal is not null or p_expected_total is not null or p_notes is not null
       or p_metadata is distinct from '{}' or p_shipping_address_id is not null or p_billing_address_id is not null then
      v_answer := case
        when v_user_id is null then ledger.refuse('customer_required')
        when length(p_notes) > 2000 then
          ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_notes', 'problem', 'at most 2000 characters'))
        when coalesce(jsonb_typeof(p_metadata), 'object') <> 'object' or octet_length(p_metadata::text) > 16384 then
          ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_metadata', 'problem', 'a JSON object of at most 16 KB'))
        when p_shipping_address_id is not null and v_shipping_address is null then
          ledger.refuse('address_not_found', jsonb_build_object('address_id', p_shipping_address_id))
        when p_billing_address_id is not null and v_billing_address is null then
          ledger.refuse('address_not_found', jsonb_build_object('address_id', p_billing_address_id))
        when v_pricing.refusal is not null then v_pricing.refusal
        when p_expected_total <> v_pricing.total_amount then
          ledger.refuse('price_changed', jsonb_build_object('total', v_pricing.total_amount, 'expected', p_expected_total,
                                                            'currency', v_pricing.currency))
      end;
    end if;
  end if;

  -- lock: account, stock by variant, discount code; each check under its lock
  if v_answer is null then
    v_account_id := ledger.account_id(v_user_id, v_pricing.currency);
    select a.id, a.frozen_reason, a.available_balance into v_account.id, v_account.frozen_reason, v_account.available_balance
    from public.accounts a
    where a.id = v_account_id
    for no key update;
    if not found then
      v_account := ledger.lock_account(v_user_id, v_pricing.currency, p_open => false);
    end if;
    if v_account.frozen_reason is not null then
      v_answer := ledger.refuse('account_frozen', jsonb_build_object('reason', v_account.frozen_reason));
    elsif v_account.id is null then -- who has an account is there
      v_answer := ledger.refuse_opening(v_user_id, v_pricing.currency);
    end if;
  end if;
  if v_answer is null then
    v_available := coalesce(v_account.available_balance, 0);
    v_wallet_amount := ledger.wallet_part(p_payment_method, p_wallet_amount, v_pricing.total_amount, v_available);
    v_answer := ledger.lock_stock_for(v_pricing);
    -- where both are short, the stock is what the customer reads about (source 003: stock, then balance)
    if v_answer is null and v_wallet_amount is null then
      v_answer := ledger.refuse_wallet_part(p_payment_method, p_wallet_amount, v_pricing.total_amount, v_available, v_pricing.currency);
    end if;
  end if;
  if v_answer is null and v_pricing.discount_code_id is not null then
    perform from public.discount_usage u where u.discount_code_id = v_pricing.discount_code_id for no key update;
    v_answer := (select ledger.refuse_discount(c, c.code, v_pricing.currency, v_pricing.subtotal_amount, v_account_id)
                 from public.discount_codes c where c.id = v_pricing.discount_code_id);
  end if;
  if v_answer is not null then
    return next jsonb_populate_record(null::public.ledger_place_order_result, v_answer);
    return;
  end if;

  -- write: account (a first order may open it), order, items, stock, discount, transaction, posting
  v_phase := set_config('ledger.procedure', 'ledger_place_order', true);
  v_correlation_id := ledger.correlation_id();
  if v_account.id is null then
    insert into public.accounts (id, user_id, currency) values (v_account_id, v_user_id, v_pricing.currency);
  end if;

  insert into public.orders as o
    (account_id, user_id, order_number, currency, status, payment_status, payment_method, prices_include_tax,
     subtotal_amount, discount_amount, shipping_amount, tax_amount, total_amount, wallet_amount, paid_amount,
     shipping_method, discount_code_id, shipping_address, billing_address, notes, metadata, placed_by)
  values
    (v_account_id, v_user_id, ledger.next_order_number(v_settings), v_pricing.currency,
     ledger.first_status(v_wallet_amount = v_pricing.total_amount, v_settings),
     case when v_wallet_amount = v_pricing.total_amount then 'paid'
          when v_wallet_amount > 0 then 'partially_paid' else 'unpaid' end,
     p_payment_method, v_pricing.prices_include_tax,
     v_pricing.subtotal_amount, v_pricing.discount_amount, v_pricing.shipping_amount, v_pricing.tax_amount,
     v_pricing.total_amount, v_wallet_amount, v_wallet_amount, p_shipping_method, v_pricing.discount_code_id,
     v_shipping_address, v_billing_address,
     p_notes, coalesce(p_metadata, '{}'), v_actor.user_id)
  returning o.id, o.order_number, o.status, o.payment_status into v_order.id, v_order.order_number, v_order.status, v_order.payment_status;

  insert into public.order_items
    (account_id, order_id, line_number, variant_id, vendor_id, product_name, product_sku, variant_name, quantity,
     unit_price_amount, total_price_amount, discount_amount, tax_rate_bp, tax_amount)
  select v_account_id, v_order.id, l.line_number, l.variant_id, l.vendor_id, l.product_name, l.product_sku, l.variant_name,
         l.quantity, l.unit_price_amount, l.total_price_amount, l.discount_amount, l.tax_rate_bp, l.tax_amount
  from unnest(v_pricing.lines) l;

  v_written := ledger.move_stock(v_pricing.variant_ids, v_pricing.quantities, 'order_placed', v_actor, v_order.id,
                                 p_thresholds => v_pricing.thresholds);

  if v_pricing.discount_code_id is not null then
    update public.discount_usage u set redemptions = u.redemptions + 1 where u.discount_code_id = v_pricing.discount_code_id;
    insert into public.discount_redemptions (order_id, account_id, discount_code_id, amount)
    values (v_order.id, v_account_id, v_pricing.discount_code_id, v_pricing.discount_amount);
  end if;

  v_transaction := ledger.write_transaction(
    v_account_id, 'order_created', v_actor, 'order placed', v_correlation_id,
    p_orders => v_wallet_amount, p_order_id => v_order.id, p_metadata => jsonb_build_object('order_number', v_order.order_number));
  v_written := ledger.write_postings(v_transaction, v_pricing.currency,
    array[row('wallet', 'order_escrow', v_wallet_amount)]::ledger.posting_leg[]);

  -- record
  v_written := ledger.record_operation('order.placed', 'order', v_order.id, v_account_id,
    ledger.balance_effect(v_transaction, p_orders => v_wallet_amount) || jsonb_build_object(
      'order_number', v_order.order_number, 'user_id', v_user_id, 'currency', v_pricing.currency, 'from_status', null,
      'to_status', v_order.status, 'payment_status', v_order.payment_status, 'payment_method', p_payment_method,
      'total_amount', v_pricing.total_amount, 'wallet_amount', v_wallet_amount, 'notes', p_notes, 'items', v_pricing.items),
    v_actor, v_correlation_id);

  -- answer, stored under the key
  v_result := row(true, v_transaction.id, null, null, null, v_order.id, v_order.order_number, v_order.status, v_order.payment_status,
                  v_pricing.currency, v_pricing.total_amount, v_wallet_amount, v_pricing.total_amount - v_wallet_amount,
                  v_transaction.balance_after);
  if p_idempotency_key is not null then
    v_answer := ledger.idempotency_end('ledger_place_order', p_idempotency_key, v_actor.caller_id, v_request, v_account_id, to_jsonb(v_result));
  end if;
  v_phase := set_config('ledger.procedure', '', true);
  return next v_result;
end $$;
revoke execute on function public.ledger_place_order(jsonb, text, bigint, uuid, uuid, text, text, bigint, text, jsonb, text, uuid) from public, anon;
grant execute on function public.ledger_place_order(jsonb, text, bigint, uuid, uuid, text, text, bigint, text, jsonb, text, uuid) to authenticated, service_role;
comment on function public.ledger_place_order(jsonb, text, bigint, uuid, uuid, text, text, bigint, text, jsonb, text, uuid) is
  'Places an order of p_items [{"variant_id": uuid, "quantity": int}] for the caller (staff with orders.place: for p_user_id). Amounts in minor units. Payment methods: wallet, wallet_partial (p_wallet_amount, else as much as there is), bank_transfer. Errors: insufficient_stock, insufficient_funds, price_changed, account_frozen, and those of error_codes for items, addresses, shipping, discount and payment method. Sources 000, 003, 004.';
