create type public.ledger_settle_refund_result as (
  success boolean, transaction_id uuid, error_code text, error_message text, error_details jsonb,
  refund_id uuid, order_id uuid, payout_status text, payout_amount bigint, available_balance bigint
);

/*
 * Says what became of a refund that is to be paid out: paid (with the bank's reference); failed, and
 * then the money becomes wallet credit; or withdrawn, when the money never came that was to go back,
 * and then the order holds it again, so that ledger_void_payment can take it out of the books. Of two
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
  v_settled ledger.settled_refund;
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

  -- check
  v_answer := case
    when v_refund.id is null then ledger.refuse('refund_not_found', jsonb_build_object('refund_id', p_refund_id))
    when v_action is null or v_action not in ('paid', 'failed', 'withdrawn') then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_action', 'problem', 'one of paid, failed, withdrawn'))
    when length(p_reference) > 200 then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_reference', 'problem', 'at most 200 characters'))
  end;
  if v_answer is null then
    -- check what the refund allows, write, record
    perform set_config('ledger.procedure', 'ledger_settle_refund', true);
    v_settled := ledger.settle_refund(v_order, v_account, v_refund, v_action, p_reference, v_actor, ledger.correlation_id());
    v_answer := v_settled.refusal;
  end if;
  if v_answer is not null then
    perform set_config('ledger.procedure', '', true);
    return next jsonb_populate_record(null::public.ledger_settle_refund_result, v_answer);
    return;
  end if;

  -- answer, stored under the key
  v_result := row(true, v_settled.transaction_id, null, null, null, p_refund_id, v_refund.order_id, v_action, v_refund.payout_amount,
                  case when ledger.has_permission(v_actor, 'accounts.read') then v_settled.available_balance end);
  v_answer := ledger.idempotency_end('ledger_settle_refund', p_idempotency_key, v_actor.caller_id, v_request, v_account.id, to_jsonb(v_result));
  perform set_config('ledger.procedure', '', true);
  return next v_result;
end $$;
revoke execute on function public.ledger_settle_refund(uuid, text, text, text, uuid) from public, anon;
grant execute on function public.ledger_settle_refund(uuid, text, text, text, uuid) to authenticated, service_role;
comment on function public.ledger_settle_refund(uuid, text, text, text, uuid) is
  'Settles the payout of a refund: paid (p_reference: the bank''s); failed, and its payout_amount (minor units) becomes wallet credit; or withdrawn, and the order holds it again (orders.refunded_amount falls): for a payment that bounced, ledger_void_payment follows. A withdrawn one can be paid or fail as long as the order holds that much too much. Needs refunds.settle; available_balance is answered to who has accounts.read. Errors: refund_not_found, invalid_argument, refund_conflict (nothing to pay out, settled already, or paid while the wallet is below zero for what a bank took back of its order), account_frozen (paid), amount_too_large. Issue: the whole order lifecycle.';
