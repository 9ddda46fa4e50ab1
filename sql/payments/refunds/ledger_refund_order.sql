create type public.ledger_refund_order_result as (
  success boolean, transaction_id uuid, error_code text, error_message text, error_details jsonb,
  order_id uuid, refund_id uuid, order_status text, payment_status text, credited_amount bigint,
  wallet_amount bigint, credit_amount bigint, payout_amount bigint, outstanding_amount bigint
);

/*
 * Takes back units of lines that were shipped or will not be, shipping, or a free amount, in any combination
 * and as often as something is left. What the customer has not paid yet is owed no more; what they have paid goes
 * back: first into the wallet it came from, then, of what came from outside, to p_to.
 */
create function public.ledger_refund_order(
  p_order_id uuid,
  p_lines jsonb default null,
  p_shipping_amount bigint default 0,
  p_amount bigint default 0,
  p_to text default 'wallet',
  p_restock boolean default false,
  p_reason text default null,
  p_idempotency_key text default null,
  p_actor_id uuid default null)
returns setof public.ledger_refund_order_result
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_actor ledger.actor;
  v_request jsonb;
  v_answer jsonb;
  v_order public.orders;
  v_lines jsonb := p_lines;
  v_shipping_amount bigint := coalesce(p_shipping_amount, 0);
  v_amount bigint := coalesce(p_amount, 0);
  v_change ledger.order_change;
  v_result public.ledger_refund_order_result;
begin
  -- who may
  v_actor := ledger.require_permission(ledger.current_actor(p_actor_id), 'orders.refund');

  -- asked before
  v_request := jsonb_build_array(p_order_id, p_lines, p_shipping_amount, p_amount, p_to, p_restock, p_reason, p_actor_id);
  v_answer := ledger.idempotency_begin('ledger_refund_order', p_idempotency_key, v_actor.caller_id, v_request);
  if v_answer is not null then
    return next jsonb_populate_record(null::public.ledger_refund_order_result, v_answer);
    return;
  end if;

  -- lock: order
  select o.* into v_order from public.orders o where o.id = p_order_id for no key update;

  -- check; a line that does not say whether it is restocked does as p_restock says
  if jsonb_typeof(p_lines) = 'array' then
    v_lines := (select jsonb_agg(case when jsonb_typeof(e.line) = 'object'
                                      then jsonb_build_object('restock', coalesce(p_restock, false)) || e.line else e.line end order by e.place)
                from jsonb_array_elements(p_lines) with ordinality e (line, place));
  end if;
  v_answer := case
    when v_order.id is null then ledger.refuse('order_not_found', jsonb_build_object('order_id', p_order_id))
    when least(v_shipping_amount, v_amount) < 0 then ledger.refuse('invalid_amount', jsonb_build_object(
      'amount', least(v_shipping_amount, v_amount), 'expected', 'zero or above'))
    when greatest(v_shipping_amount, v_amount) > 9007199254740991 then
      ledger.refuse('amount_too_large', jsonb_build_object('maximum', 9007199254740991))
    when p_to is null or p_to not in ('wallet', 'original') then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_to', 'problem', 'wallet or original'))
    when length(p_reason) > 2000 then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_reason', 'problem', 'at most 2000 characters'))
    when v_order.status not in ('confirmed', 'processing', 'shipped', 'delivered') then
      ledger.refuse('refund_not_allowed', jsonb_build_object('order_number', v_order.order_number, 'status', v_order.status))
    when v_lines is null and v_shipping_amount + v_amount = 0 then
      ledger.refuse('nothing_to_refund', jsonb_build_object('order_number', v_order.order_number))
  end;
  if v_answer is null then
    perform set_config('ledger.procedure', 'ledger_refund_order', true);
    -- lock accounts and stock, check amounts, write, record
    v_change := ledger.take_back(v_order, v_lines, v_shipping_amount, v_amount, p_to, v_actor, p_reason, ledger.correlation_id());
    v_answer := v_change.refusal;
  end if;
  if v_answer is not null then
    perform set_config('ledger.procedure', '', true);
    return next jsonb_populate_record(null::public.ledger_refund_order_result, v_answer);
    return;
  end if;

  -- answer, stored under the key
  v_result := row(true, v_change.transaction_id, null, null, null, v_order.id, v_change.refund_id, v_change.order_status,
                  v_change.payment_status, v_change.credited_amount, v_change.wallet_amount, v_change.credit_amount,
                  v_change.payout_amount, v_change.outstanding_amount);
  v_answer := ledger.idempotency_end('ledger_refund_order', p_idempotency_key, v_actor.caller_id, v_request, v_order.account_id, to_jsonb(v_result));
  perform set_config('ledger.procedure', '', true);
  return next v_result;
end $$;
revoke execute on function public.ledger_refund_order(uuid, jsonb, bigint, bigint, text, boolean, text, text, uuid) from public, anon;
grant execute on function public.ledger_refund_order(uuid, jsonb, bigint, bigint, text, boolean, text, text, uuid) to authenticated, service_role;
comment on function public.ledger_refund_order(uuid, jsonb, bigint, bigint, text, boolean, text, text, uuid) is
  'Refunds of an order p_lines [{"line_number": 1, "quantity": 2, "restock": true}] (units that were shipped; with "unshipped": true units that were not and will not be, which are given up where they are on backorder and go back in stock else), p_shipping_amount and a free p_amount (minor units). What was paid from outside becomes wallet credit (p_to = wallet) or a payout (original). credited_amount: how much less the order costs; wallet_amount, credit_amount, payout_amount: the money that goes back; outstanding_amount: what is still owed. A delivered order of which nothing is left becomes refunded. Needs orders.refund; the customer can read p_reason. Errors: order_not_found, customer_not_found (erased), invalid_amount, amount_too_large, invalid_argument, refund_not_allowed, nothing_to_refund, line_not_found, units_not_refundable, refund_exceeds_paid. Issue: the whole order lifecycle; source 004 (refunds).';
