/* What settling a refund did, or why it could not. */
create type ledger.settled_refund as (
  refusal jsonb,
  transaction_id uuid,
  available_balance bigint
);
comment on type ledger.settled_refund is 'Answer of ledger.settle_refund; available_balance in minor units.';

/*
 * Settles the payout of a refund: paid; failed, and the money becomes wallet credit; or withdrawn, and the order
 * holds it again. A withdrawn one can still be paid, or fail, while the order has that much more than it
 * costs. What a provider says has happened there already (p_by_provider): so it is booked for a frozen account
 * too, and it can fail after it was paid. What the wallet gave for a charge back is not paid out as well. Order,
 * account and refund are locked and ledger.procedure is set.
 */
create function ledger.settle_refund(
  p_order public.orders, p_account public.accounts, p_refund public.refunds, p_action text, p_reference text, p_actor ledger.actor,
  p_correlation_id uuid, p_by_provider boolean default false)
returns ledger.settled_refund
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_order public.orders := p_order;
  v_holder text := case p_order.status when 'delivered' then 'receivable' else 'order_escrow' end;
  v_is_held boolean;
  v_comes_back boolean := p_by_provider and p_action = 'failed' and p_refund.payout_status = 'paid';
  v_failed bigint := case p_action when 'failed' then p_refund.payout_amount else 0 end;
  v_refunded bigint;
  v_transaction public.transactions;
  v_settled ledger.settled_refund;
begin
  -- check: what was withdrawn is with the order, as far as it went nowhere else since
  v_is_held := p_refund.payout_status = 'withdrawn' and p_refund.payout_amount <= least(-p_order.outstanding_amount,
    (p_order.paid_amount - p_order.wallet_amount) - (p_order.refunded_amount - p_order.wallet_refunded_amount));
  v_settled.refusal := case
    when p_refund.payout_status <> 'pending' and not v_comes_back and (p_action = 'withdrawn' or not v_is_held) then
      ledger.refuse('refund_conflict', jsonb_build_object('refund_id', p_refund.id, 'payout_status',
        case p_refund.payout_status when 'none' then 'not to be paid out' else 'already ' || p_refund.payout_status end))
    when p_action = 'paid' and p_account.frozen_reason is not null and not p_by_provider then
      ledger.refuse('account_frozen', jsonb_build_object('reason', p_account.frozen_reason))
    when p_action = 'paid' and not p_by_provider and p_account.available_balance < 0
      and exists (select from public.payments p where p.order_id = p_refund.order_id and p.reclaimed_amount > 0) then
      ledger.refuse('refund_conflict', jsonb_build_object('refund_id', p_refund.id, 'payout_status',
        'not paid out while the wallet is short of what a bank took back of its order: as failed it fills the wallet'))
    when p_account.total_earned + v_failed > 9007199254740991 then
      ledger.refuse('amount_too_large', jsonb_build_object('maximum', 9007199254740991))
  end;
  if v_settled.refusal is not null then
    return v_settled;
  end if;

  -- write: refund, order
  update public.refunds f set
    payout_status = p_action,
    payout_reference = p_reference,
    settled_by = p_actor.user_id,
    settled_at = clock_timestamp()
  where f.account_id = p_account.id and f.id = p_refund.id;
  v_refunded := case when p_action = 'withdrawn' then -p_refund.payout_amount when v_is_held then p_refund.payout_amount else 0 end;
  if v_refunded <> 0 then
    update public.orders o set
      refunded_amount = o.refunded_amount + v_refunded,
      payment_status = ledger.payment_status_of(o.total_amount, o.credited_amount, o.paid_amount, o.refunded_amount + v_refunded,
                                                ledger.payment_status_kept(o)),
      version = o.version + 1,
      updated_at = clock_timestamp()
    where o.account_id = p_order.account_id and o.id = p_order.id
    returning o.* into v_order;
    perform ledger.settle_payment_deadline(v_order);
  end if;

  -- write: transaction, posting
  v_transaction := ledger.write_transaction(
    p_account.id, case p_action when 'paid' then 'refund_paid_out' else 'refund_' || p_action end, p_actor, 'refund ' || p_action,
    p_correlation_id, p_earned => v_failed, p_order_id => p_refund.order_id, p_reference_id => p_refund.id);
  perform ledger.write_postings(v_transaction, p_refund.currency, array[
    row(case when v_is_held then v_holder when v_comes_back then 'bank' else 'refunds_payable' end,
        case p_action when 'paid' then 'bank' when 'failed' then 'wallet' else v_holder end, p_refund.payout_amount)]::ledger.posting_leg[]);

  -- record
  perform ledger.record_operation('refund.' || p_action, 'order', p_refund.order_id, p_account.id,
    ledger.balance_effect(v_transaction, p_earned => v_failed)
      || case when v_refunded <> 0 then ledger.follow_order_invoice(v_order, v_transaction, p_actor => p_actor) else '{}' end
      || jsonb_build_object(
      'refund_id', p_refund.id, 'currency', p_refund.currency, 'payout_amount', p_refund.payout_amount, 'payout_status', p_action, 'refunded_change', v_refunded,
      'payment_status', v_order.payment_status, 'outstanding_amount', v_order.outstanding_amount, 'reference', p_reference),
    p_actor, p_correlation_id);
  v_settled.transaction_id := v_transaction.id;
  v_settled.available_balance := v_transaction.balance_after;
  return v_settled;
end $$;
comment on function ledger.settle_refund(public.orders, public.accounts, public.refunds, text, text, ledger.actor, uuid, boolean) is
  'Settles the payout of a locked refund; p_action: paid, failed, withdrawn. Refusals, before its first write: refund_conflict, account_frozen, amount_too_large.';
