create type public.ledger_release_payment_result as (
  success boolean, transaction_id uuid, error_code text, error_message text, error_details jsonb,
  payment_id uuid, order_id uuid, released_amount bigint, credit_amount bigint, unapplied_amount bigint, available_balance bigint
);

/*
 * Gives what is left of a payment, or a part of it, to the customer's wallet: money that came in for
 * invoices and is not needed there. From the wallet it can be spent or withdrawn. Source 002.
 */
create function public.ledger_release_payment(
  p_payment_id uuid,
  p_amount bigint default null,
  p_reason text default null,
  p_idempotency_key text default null,
  p_actor_id uuid default null)
returns setof public.ledger_release_payment_result
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_actor ledger.actor;
  v_request jsonb;
  v_answer jsonb;
  v_payment public.payments;
  v_order public.orders;
  v_account public.accounts;
  v_amount bigint;
  v_transaction public.transactions;
  v_result public.ledger_release_payment_result;
begin
  -- who may
  v_actor := ledger.require_permission(ledger.current_actor(p_actor_id), 'payments.record');

  -- asked before
  v_request := jsonb_build_array(p_payment_id, p_amount, p_reason, p_actor_id);
  v_answer := ledger.idempotency_begin('ledger_release_payment', p_idempotency_key, v_actor.caller_id, v_request);
  if v_answer is not null then
    return next jsonb_populate_record(null::public.ledger_release_payment_result, v_answer);
    return;
  end if;

  -- lock: order and account (which ones, the payment says for good), payment
  select p.* into v_payment from public.payments p where p.id = p_payment_id;
  select o.* into v_order from public.orders o where o.id = v_payment.order_id for no key update;
  select a.* into v_account from public.accounts a where a.id = v_payment.account_id for no key update;
  select p.* into v_payment from public.payments p where p.account_id = v_account.id and p.id = p_payment_id for no key update;

  -- check
  v_amount := coalesce(p_amount, v_payment.unapplied_amount);
  v_answer := case
    when v_payment.id is null then ledger.refuse('payment_not_found', jsonb_build_object('payment_id', p_payment_id))
    when p_amount <= 0 then ledger.refuse('invalid_amount', jsonb_build_object('amount', p_amount, 'expected', 'above zero'))
    when length(p_reason) > 2000 then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_reason', 'problem', 'at most 2000 characters'))
    when v_payment.status <> 'captured' then
      ledger.refuse('payment_conflict', jsonb_build_object('payment_id', p_payment_id, 'status', v_payment.status))
    when v_amount = 0 or v_amount > v_payment.unapplied_amount then ledger.refuse('nothing_unapplied', jsonb_build_object(
      'payment_id', p_payment_id, 'currency', v_payment.currency, 'amount', v_amount, 'left', v_payment.unapplied_amount))
    when v_account.total_earned + v_amount > 9007199254740991 then
      ledger.refuse('amount_too_large', jsonb_build_object('maximum', 9007199254740991))
    -- flags may mean it for an invoice
    else coalesce(ledger.refuse_erased(v_account.user_id), case when v_payment.source = 'import' then ledger.refuse_during_backfill() end)
  end;
  if v_answer is not null then
    return next jsonb_populate_record(null::public.ledger_release_payment_result, v_answer);
    return;
  end if;

  -- write: payment, transaction, posting
  perform set_config('ledger.procedure', 'ledger_release_payment', true);
  update public.payments p set credit_amount = p.credit_amount + v_amount, updated_at = clock_timestamp()
  where p.account_id = v_account.id and p.id = p_payment_id
  returning p.* into v_payment;
  v_transaction := ledger.write_transaction(
    v_account.id, 'payment_released', v_actor, coalesce(p_reason, 'payment released'), ledger.correlation_id(),
    p_earned => v_amount, p_order_id => v_payment.order_id, p_reference_id => p_payment_id);
  perform ledger.write_postings(v_transaction, v_payment.currency, array[row('unapplied_payments', 'wallet', v_amount)]::ledger.posting_leg[]);

  -- record
  perform ledger.record_operation('payment.released', case when v_order.id is null then 'payment' else 'order' end,
    coalesce(v_order.id, p_payment_id), v_account.id,
    ledger.balance_effect(v_transaction, p_earned => v_amount)
      || ledger.write_debt_movement(v_transaction, p_unapplied => -v_amount)
      || jsonb_build_object(
      'order_number', v_order.order_number, 'payment_id', p_payment_id, 'currency', v_payment.currency, 'released_amount', v_amount,
      'unapplied_amount', v_payment.unapplied_amount, 'reason', p_reason),
    v_actor, v_transaction.correlation_id);

  -- answer, stored under the key
  v_result := row(true, v_transaction.id, null, null, null, p_payment_id, v_payment.order_id, v_amount, v_payment.credit_amount,
                  v_payment.unapplied_amount,
                  case when ledger.has_permission(v_actor, 'accounts.read') then v_transaction.balance_after end);
  v_answer := ledger.idempotency_end('ledger_release_payment', p_idempotency_key, v_actor.caller_id, v_request, v_account.id, to_jsonb(v_result));
  perform set_config('ledger.procedure', '', true);
  return next v_result;
end $$;
revoke execute on function public.ledger_release_payment(uuid, bigint, text, text, uuid) from public, anon;
grant execute on function public.ledger_release_payment(uuid, bigint, text, text, uuid) to authenticated, service_role;
comment on function public.ledger_release_payment(uuid, bigint, text, text, uuid) is
  'Moves p_amount (minor units; all that is left when left out) of a payment''s unapplied remainder into the customer''s wallet. Needs payments.record; available_balance is answered to who has accounts.read. Errors: payment_not_found, invalid_amount, invalid_argument, payment_conflict (voided), nothing_unapplied, amount_too_large, customer_not_found (erased), backfill_running (imported ones wait). Source 002.';
