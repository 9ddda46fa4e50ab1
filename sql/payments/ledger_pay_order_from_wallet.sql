create type public.ledger_pay_order_from_wallet_result as (
  success boolean, transaction_id uuid, error_code text, error_message text, error_details jsonb,
  order_id uuid, order_number text, wallet_amount bigint, order_status text, payment_status text, outstanding_amount bigint,
  available_balance bigint
);

/*
 * Pays what is due for an order, or p_amount of it (minor units), out of the customer's wallet, after the order
 * was placed. Source 000 (a wallet payment always leaves its transaction).
 */
create function public.ledger_pay_order_from_wallet(
  p_order_id uuid,
  p_amount bigint default null,
  p_idempotency_key text default null,
  p_user_id uuid default null)
returns setof public.ledger_pay_order_from_wallet_result
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_actor ledger.actor;
  v_user_id uuid;
  v_request jsonb;
  v_answer jsonb;
  v_order public.orders;
  v_account public.accounts;
  v_amount bigint;
  v_change ledger.order_change;
  v_result public.ledger_pay_order_from_wallet_result;
begin
  -- who may
  v_actor := ledger.current_actor();
  v_user_id := ledger.customer_of_call(v_actor, p_user_id, 'payments.record');

  -- asked before
  v_request := jsonb_build_array(v_user_id, p_order_id, p_amount);
  v_answer := ledger.idempotency_begin('ledger_pay_order_from_wallet', p_idempotency_key, v_actor.caller_id, v_request);
  if v_answer is null and not v_actor.is_system then
    v_answer := ledger.rate_limit_take(v_actor.user_id, 'ledger_pay_order_from_wallet');
  end if;
  if v_answer is not null then
    return next jsonb_populate_record(null::public.ledger_pay_order_from_wallet_result, v_answer);
    return;
  end if;

  -- lock: order, account
  select o.* into v_order from public.orders o where o.id = p_order_id and o.user_id = v_user_id for no key update;
  select a.* into v_account from public.accounts a where a.id = v_order.account_id for no key update;

  -- check
  v_amount := coalesce(p_amount, v_order.amount_due);
  v_answer := case
    when v_user_id is null then ledger.refuse('customer_required')
    when v_order.id is null then ledger.refuse('order_not_found', jsonb_build_object('order_id', p_order_id))
    else ledger.refuse_wallet_payment(v_order, v_account, v_amount)
  end;
  if v_answer is not null then
    return next jsonb_populate_record(null::public.ledger_pay_order_from_wallet_result, v_answer);
    return;
  end if;

  -- write and record
  perform set_config('ledger.procedure', 'ledger_pay_order_from_wallet', true);
  v_change := ledger.pay_from_wallet(v_order, v_amount, v_actor, 'paid from the wallet', ledger.correlation_id());

  -- answer, stored under the key
  v_result := row(true, v_change.transaction_id, null, null, null, v_order.id, v_order.order_number, v_amount, v_change.order_status,
                  v_change.payment_status, v_change.outstanding_amount,
                  case when v_actor.user_id = v_user_id or ledger.has_permission(v_actor, 'accounts.read') then v_change.available_balance end);
  v_answer := ledger.idempotency_end('ledger_pay_order_from_wallet', p_idempotency_key, v_actor.caller_id, v_request, v_order.account_id, to_jsonb(v_result));
  perform set_config('ledger.procedure', '', true);
  return next v_result;
end $$;
revoke execute on function public.ledger_pay_order_from_wallet(uuid, bigint, text, uuid) from public, anon;
grant execute on function public.ledger_pay_order_from_wallet(uuid, bigint, text, uuid) to authenticated, service_role;
comment on function public.ledger_pay_order_from_wallet(uuid, bigint, text, uuid) is
  'Pays all that is due for an order of the caller (staff with payments.record: of p_user_id), or p_amount of it in minor units, from the wallet; wallet_amount is what was taken; an invoice of the order claims so much less. With the setting auto_confirm_when_paid a covered pending order becomes confirmed. available_balance is answered to the customer and to who has accounts.read. Errors: customer_required, order_not_found, order_not_payable (it has ended, or nothing is due), invalid_amount, insufficient_funds, account_frozen, amount_too_large, rate_limited, idempotency_conflict. Source 000.';
