create type public.ledger_void_payment_result as (
  success boolean, transaction_id uuid, error_code text, error_message text, error_details jsonb,
  order_id uuid, payment_id uuid, order_status text, payment_status text, outstanding_amount bigint, available_balance bigint,
  reversed_amount bigint
);

/*
 * Takes a recorded payment back that never was one: a transfer that bounced, or was recorded for the
 * wrong order. Its allocations are reversed, the orders and invoices owe what it paid of them again, and
 * the surplus leaves the wallet; what has gone back to the customer or was spent cannot be voided. What
 * waits to be paid out has not left the house: ledger_settle_refund takes it back into the order first. What a
 * card provider captured is undone there, by a refund or a dispute.
 * Sources 000, 002.
 */
create function public.ledger_void_payment(
  p_payment_id uuid,
  p_reason text default null,
  p_idempotency_key text default null,
  p_actor_id uuid default null)
returns setof public.ledger_void_payment_result
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_actor ledger.actor;
  v_request jsonb;
  v_answer jsonb;
  v_locked ledger.locked_payment;
  v_payment public.payments;
  v_void record;
  v_result public.ledger_void_payment_result;
begin
  -- who may
  v_actor := ledger.require_permission(ledger.current_actor(p_actor_id), 'payments.record');

  -- asked before
  v_request := jsonb_build_array(p_payment_id, p_reason, p_actor_id);
  v_answer := ledger.idempotency_begin('ledger_void_payment', p_idempotency_key, v_actor.caller_id, v_request);
  if v_answer is not null then
    return next jsonb_populate_record(null::public.ledger_void_payment_result, v_answer);
    return;
  end if;

  -- lock: the orders it pays, account, payment, invoices
  v_locked := ledger.lock_payment(p_payment_id);
  v_payment := v_locked.payment;

  -- check
  v_answer := case
    when v_payment.id is null then ledger.refuse('payment_not_found', jsonb_build_object('payment_id', p_payment_id))
    when length(p_reason) > 2000 then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_reason', 'problem', 'at most 2000 characters'))
    else ledger.refuse_void(v_locked)
  end;
  if v_answer is not null then
    return next jsonb_populate_record(null::public.ledger_void_payment_result, v_answer);
    return;
  end if;

  -- write and record
  perform set_config('ledger.procedure', 'ledger_void_payment', true);
  v_void := ledger.void_payment(v_locked, p_reason, v_actor, ledger.correlation_id());

  -- answer, stored under the key
  v_result := row(true, (v_void.voiding).id, null, null, null, v_payment.order_id, p_payment_id, (v_void.voided_order).status,
                  (v_void.voided_order).payment_status, (v_void.voided_order).outstanding_amount,
                  case when ledger.has_permission(v_actor, 'accounts.read') then (v_void.voiding).balance_after end, v_payment.allocated_amount);
  v_answer := ledger.idempotency_end('ledger_void_payment', p_idempotency_key, v_actor.caller_id, v_request, v_payment.account_id, to_jsonb(v_result));
  perform set_config('ledger.procedure', '', true);
  return next v_result;
end $$;
revoke execute on function public.ledger_void_payment(uuid, text, text, uuid) from public, anon;
grant execute on function public.ledger_void_payment(uuid, text, text, uuid) to authenticated, service_role;
comment on function public.ledger_void_payment(uuid, text, text, uuid) is
  'Voids a captured payment (minor units): its order owes applied_amount again, credit_amount leaves the wallet, its allocations are reversed (reversed_amount in all, and the orders of those invoices owe that again), and what was unapplied is no more. Needs payments.record; available_balance is answered to who has accounts.read. Errors: payment_not_found, invalid_argument, payment_conflict (voided or charged back already, or booked from what a card provider says), payment_already_used (its money has gone back or waits to be paid out, or the surplus was spent), backfill_running (it is allocated, and allocations are closed). Sources 000, 002.';
