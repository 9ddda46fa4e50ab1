create type public.ledger_settle_refund_result as (
  success boolean, transaction_id uuid, error_code text, error_message text, error_details jsonb,
  refund_id uuid, order_id uuid, payout_status text, payout_amount bigint, available_balance bigint
);

/*
 * Says what became of a refund that is to be paid out: paid (with the bank's reference); failed, and
 * then the money becomes wallet credit; or withdrawn, when the money never came that was to go back,
 * and then the order holds it again, so that ledger_void_payment can take it out of the books. A
 * withdrawn one can still be paid, or fail, while the order has that much more than it costs. Of two
 * that say it, one wins and the other is told.
 */
create function public.ledger_settle_refund(
  p_refund_id uuid,
  p_action text,
  p_reference text default null,
  p_idempotency_key text default null,
  p_actor_id uuid default null)
returns setof public.ledger_settle_refund_result
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_actor ledger.actor;
  v_request jsonb;
  v_answer jsonb;
  v_action text := lower(trim(p_action));
  v_order public.orders;
  v_account public.accounts;
  v_refund public.refunds;
  v_holder text;
  v_is_held boolean;
  v_refunded bigint;
  v_failed bigint;
  v_transaction public.transactions;
  v_correlation_id uuid;
  v_result public.ledger_settle_refund_result;
begin
  -- who may
  v_actor := ledger.require_permission(ledger.current_actor(p_actor_id), 'refunds.settle');

  -- asked before
  v_request := jsonb_build_array(p_refund_id, v_action, p_reference, p_actor_id);
  v_answer := ledger.idempotency_begin('ledger_settle_refund', p_idempotency_key, v_actor.caller_id, v_request);
  if v_answer is not null then
    return next jsonb_populate_record(null::public.ledger_settle_refund_result, v_answer);
    return;
  end if;

  -- lock: order (which one, the refund says for good), account, refund
  select o.* into v_order
  from public.orders o
  where o.id = (select f.order_id from public.refunds f where f.id = p_refund_id)
  for no key update;
  select a.* into v_account from public.accounts a where a.id = v_order.account_id for no key update;
  select f.* into v_refund from public.refunds f where f.account_id = v_account.id and f.id = p_refund_id for no key update;

  -- check: what was withdrawn is with the order, as far as it went nowhere else since
  v_holder := case v_order.status when 'delivered' then 'receivable' else 'order_escrow' end;
  v_is_held := v_refund.payout_status = 'withdrawn' and v_refund.payout_amount <= least(-v_order.outstanding_amount,
    (v_order.paid_amount - v_order.wallet_amount) - (v_order.refunded_amount - v_order.wallet_refunded_amount));
  v_failed := case v_action when 'failed' then v_refund.payout_amount else 0 end;
  v_answer := case
    when v_refund.id is null then ledger.refuse('refund_not_found', jsonb_build_object('refund_id', p_refund_id))
    when v_action is null or v_action not in ('paid', 'failed', 'withdrawn') then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_action', 'problem', 'one of paid, failed, withdrawn'))
    when length(p_reference) > 200 then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_reference', 'problem', 'at most 200 characters'))
    when v_refund.payout_status <> 'pending' and (v_action = 'withdrawn' or not v_is_held) then
      ledger.refuse('refund_conflict', jsonb_build_object('refund_id', p_refund_id, 'payout_status',
        case v_refund.payout_status when 'none' then 'not to be paid out' else 'already ' || v_refund.payout_status end))
    when v_action = 'paid' and v_account.frozen_reason is not null then
      ledger.refuse('account_frozen', jsonb_build_object('reason', v_account.frozen_reason))
    when v_account.total_earned + v_failed > 9007199254740991 then
      ledger.refuse('amount_too_large', jsonb_build_object('maximum', 9007199254740991))
  end;
  if v_answer is not null then
    return next jsonb_populate_record(null::public.ledger_settle_refund_result, v_answer);
    return;
  end if;

  -- write: refund, order, transaction, posting
  perform set_config('ledger.procedure', 'ledger_settle_refund', true);
  v_correlation_id := ledger.correlation_id();
  update public.refunds f set
    payout_status = v_action,
    payout_reference = p_reference,
    settled_by = v_actor.user_id,
    settled_at = clock_timestamp()
  where f.account_id = v_account.id and f.id = p_refund_id;
  v_refunded := case when v_action = 'withdrawn' then -v_refund.payout_amount when v_is_held then v_refund.payout_amount else 0 end;
  if v_refunded <> 0 then
    update public.orders o set
      refunded_amount = o.refunded_amount + v_refunded,
      payment_status = ledger.payment_status_of(o.total_amount, o.credited_amount, o.paid_amount, o.refunded_amount + v_refunded,
                                                o.payment_status),
      version = o.version + 1,
      updated_at = clock_timestamp()
    where o.account_id = v_order.account_id and o.id = v_order.id
    returning o.* into v_order;
  end if;
  v_transaction := ledger.write_transaction(
    v_account.id, case v_action when 'paid' then 'refund_paid_out' else 'refund_' || v_action end, v_actor, 'refund ' || v_action,
    v_correlation_id, p_earned => v_failed, p_order_id => v_refund.order_id, p_reference_id => p_refund_id);
  perform ledger.write_postings(v_transaction, v_refund.currency, array[
    row(case when v_is_held then v_holder else 'refunds_payable' end,
        case v_action when 'paid' then 'bank' when 'failed' then 'wallet' else v_holder end, v_refund.payout_amount)]::ledger.posting_leg[]);

  -- record
  perform ledger.record_operation('refund.' || v_action, 'order', v_refund.order_id, v_account.id,
    ledger.balance_effect(v_transaction, p_earned => v_failed) || jsonb_build_object(
      'refund_id', p_refund_id, 'currency', v_refund.currency, 'payout_amount', v_refund.payout_amount, 'payout_status', v_action,
      'payment_status', v_order.payment_status, 'outstanding_amount', v_order.outstanding_amount, 'reference', p_reference),
    v_actor, v_correlation_id);

  -- answer, stored under the key
  v_result := row(true, v_transaction.id, null, null, null, p_refund_id, v_refund.order_id, v_action, v_refund.payout_amount,
                  case when ledger.has_permission(v_actor, 'accounts.read') then v_transaction.balance_after end);
  v_answer := ledger.idempotency_end('ledger_settle_refund', p_idempotency_key, v_actor.caller_id, v_request, v_account.id, to_jsonb(v_result));
  perform set_config('ledger.procedure', '', true);
  return next v_result;
end $$;
revoke execute on function public.ledger_settle_refund(uuid, text, text, text, uuid) from public, anon;
grant execute on function public.ledger_settle_refund(uuid, text, text, text, uuid) to authenticated, service_role;
comment on function public.ledger_settle_refund(uuid, text, text, text, uuid) is
  'Settles the payout of a refund: paid (p_reference: the bank''s); failed, and its payout_amount (minor units) becomes wallet credit; or withdrawn, and the order holds it again (orders.refunded_amount falls): for a payment that bounced, ledger_void_payment follows. A withdrawn one can be paid or fail as long as the order holds that much too much. Needs refunds.settle; available_balance is answered to who has accounts.read. Errors: refund_not_found, invalid_argument, refund_conflict (nothing to pay out, or settled already), account_frozen (paid), amount_too_large. Issue: the whole order lifecycle.';
