create type public.ledger_void_payment_result as (
  success boolean, transaction_id uuid, error_code text, error_message text, error_details jsonb,
  order_id uuid, payment_id uuid, order_status text, payment_status text, outstanding_amount bigint, available_balance bigint
);

/*
 * Takes a recorded payment back that never was one: a transfer that bounced, or was recorded for the
 * wrong order. The order owes what was applied to it again, and the surplus leaves the wallet; what
 * has gone back to the customer or was spent cannot be voided. What waits to be paid out has not left
 * the house: ledger_settle_refund takes it back into the order first. Source 000.
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
  v_order public.orders;
  v_account public.accounts;
  v_payment public.payments;
  v_outside bigint;
  v_waiting bigint;
  v_transaction public.transactions;
  v_correlation_id uuid := ledger.correlation_id();
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

  -- lock: order (which one, the payment says for good), account, payment
  select o.* into v_order
  from public.orders o
  where o.id = (select p.order_id from public.payments p where p.id = p_payment_id)
  for no key update;
  select a.* into v_account from public.accounts a where a.id = v_order.account_id for no key update;
  select p.* into v_payment from public.payments p where p.account_id = v_order.account_id and p.id = p_payment_id for no key update;

  -- check: what was paid from outside and is still there covers it
  v_outside := (v_order.paid_amount - v_order.wallet_amount) - (v_order.refunded_amount - v_order.wallet_refunded_amount);
  v_waiting := (select sum(f.payout_amount) from public.refunds f where f.order_id = v_order.id and f.payout_status = 'pending');
  v_answer := case
    when v_payment.id is null then ledger.refuse('payment_not_found', jsonb_build_object('payment_id', p_payment_id))
    when length(p_reason) > 2000 then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_reason', 'problem', 'at most 2000 characters'))
    when v_payment.status <> 'captured' then
      ledger.refuse('payment_conflict', jsonb_build_object('payment_id', p_payment_id, 'status', v_payment.status))
    when v_payment.applied_amount > v_outside then
      ledger.refuse('payment_already_used', jsonb_build_object('currency', v_order.currency, 'amount', v_payment.applied_amount, 'left', v_outside,
        'where', 'with the order ' || v_order.order_number
          || coalesce(format(' (%s waits to be paid out, and is back with it once ledger_settle_refund says withdrawn)',
                             ledger.format_money(v_waiting, v_order.currency)), '')))
    when v_payment.credit_amount > greatest(v_account.available_balance, 0) then
      ledger.refuse('payment_already_used', jsonb_build_object('currency', v_order.currency, 'amount', v_payment.credit_amount,
        'left', v_account.available_balance, 'where', 'in the wallet'))
  end;
  if v_answer is not null then
    return next jsonb_populate_record(null::public.ledger_void_payment_result, v_answer);
    return;
  end if;

  -- write: payment, order, transaction, postings
  perform set_config('ledger.procedure', 'ledger_void_payment', true);
  update public.payments p set
    status = 'voided',
    voided_by = v_actor.user_id,
    void_reason = p_reason,
    updated_at = clock_timestamp()
  where p.account_id = v_order.account_id and p.id = p_payment_id;
  update public.orders o set
    paid_amount = o.paid_amount - v_payment.applied_amount,
    payment_status = ledger.payment_status_of(o.total_amount, o.credited_amount, o.paid_amount - v_payment.applied_amount, o.refunded_amount,
                                              o.payment_status),
    version = o.version + 1,
    updated_at = clock_timestamp()
  where o.account_id = v_order.account_id and o.id = v_order.id
  returning o.* into v_order;
  v_transaction := ledger.write_transaction(
    v_order.account_id, 'payment_voided', v_actor, coalesce(p_reason, 'payment voided'), v_correlation_id,
    p_earned => -v_payment.credit_amount, p_order_id => v_order.id, p_reference_id => p_payment_id);
  perform ledger.write_postings(v_transaction, v_order.currency, array[
    row(case v_order.status when 'delivered' then 'receivable' else 'order_escrow' end, 'bank', v_payment.applied_amount),
    row('wallet', 'bank', v_payment.credit_amount)]::ledger.posting_leg[]);

  -- record
  perform ledger.record_operation('payment.voided', 'order', v_order.id, v_order.account_id,
    ledger.balance_effect(v_transaction, p_earned => -v_payment.credit_amount) || jsonb_build_object(
      'order_number', v_order.order_number, 'payment_id', p_payment_id, 'currency', v_order.currency,
      'payment_amount', v_payment.amount, 'applied_amount', v_payment.applied_amount, 'credit_amount', v_payment.credit_amount,
      'payment_status', v_order.payment_status, 'outstanding_amount', v_order.outstanding_amount, 'notes', p_reason),
    v_actor, v_correlation_id);

  -- answer, stored under the key
  v_result := row(true, v_transaction.id, null, null, null, v_order.id, p_payment_id, v_order.status, v_order.payment_status, v_order.outstanding_amount,
                  case when ledger.has_permission(v_actor, 'accounts.read') then v_transaction.balance_after end);
  v_answer := ledger.idempotency_end('ledger_void_payment', p_idempotency_key, v_actor.caller_id, v_request, v_order.account_id, to_jsonb(v_result));
  perform set_config('ledger.procedure', '', true);
  return next v_result;
end $$;
revoke execute on function public.ledger_void_payment(uuid, text, text, uuid) from public, anon;
grant execute on function public.ledger_void_payment(uuid, text, text, uuid) to authenticated, service_role;
comment on function public.ledger_void_payment(uuid, text, text, uuid) is
  'Voids a captured payment: the order owes applied_amount again, credit_amount leaves the wallet. Needs payments.record; available_balance is answered to who has accounts.read. Errors: payment_not_found, invalid_argument, payment_conflict (voided already), payment_already_used (its money has gone back or waits to be paid out, or the surplus was spent). Source 000.';
