/* Why the wallet cannot pay p_amount (minor units) of an order, or null. Order and account are locked. */
create function ledger.refuse_wallet_payment(p_order public.orders, p_account public.accounts, p_amount bigint)
returns jsonb
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  return case
    when p_order.status in ('rejected', 'cancelled', 'refunded') then
      ledger.refuse('order_not_payable', jsonb_build_object('order_number', p_order.order_number, 'reason', 'it is ' || p_order.status))
    when p_order.amount_due = 0 then
      ledger.refuse('order_not_payable', jsonb_build_object('order_number', p_order.order_number, 'reason', 'nothing is due'))
    when p_amount is null or p_amount not between 1 and p_order.amount_due then
      ledger.refuse('invalid_amount', jsonb_build_object('amount', p_amount, 'expected', format('from 1 to %s, what is due', p_order.amount_due)))
    when p_account.frozen_reason is not null then ledger.refuse('account_frozen', jsonb_build_object('reason', p_account.frozen_reason))
    when p_amount > p_account.available_balance then
      ledger.refuse('insufficient_funds', jsonb_build_object('currency', p_order.currency, 'required', p_amount, 'available', p_account.available_balance))
    when greatest(p_order.paid_amount, p_account.total_orders) + p_amount > 9007199254740991 then
      ledger.refuse('amount_too_large', jsonb_build_object('maximum', 9007199254740991))
  end;
end $$;
comment on function ledger.refuse_wallet_payment(public.orders, public.accounts, bigint) is
  'The refusal for paying an amount of an order from the wallet: order_not_payable, invalid_amount, account_frozen, insufficient_funds, amount_too_large; or null.';

/*
 * The wallet pays p_amount (minor units) of what is due for an order: of one that was delivered it settles the
 * receivable, of any other it waits in escrow, as if it had paid at placing. An invoice of the order claims so
 * much less. Order and account are locked, and ledger.refuse_wallet_payment had nothing to say. p_confirm as in ledger.confirm_when_covered.
 */
create function ledger.pay_from_wallet(
  p_order public.orders, p_amount bigint, p_actor ledger.actor, p_actor_action text, p_correlation_id uuid, p_confirm boolean default null)
returns ledger.order_change
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_order public.orders;
  v_transaction public.transactions;
  v_change ledger.order_change;
begin
  -- write: order, its deadline, transaction, posting
  update public.orders o set
    wallet_amount = o.wallet_amount + p_amount,
    paid_amount = o.paid_amount + p_amount,
    payment_status = ledger.payment_status_of(o.total_amount, o.credited_amount, o.paid_amount + p_amount, o.refunded_amount,
                                              ledger.payment_status_kept(o)),
    version = o.version + 1,
    updated_at = clock_timestamp()
  where o.account_id = p_order.account_id and o.id = p_order.id
  returning o.* into v_order;
  v_order := ledger.settle_payment_deadline(v_order);
  v_transaction := ledger.write_transaction(
    p_order.account_id, 'order_paid_from_wallet', p_actor, p_actor_action, p_correlation_id, p_orders => p_amount, p_order_id => p_order.id,
    p_metadata => jsonb_build_object('order_number', p_order.order_number));
  perform ledger.write_postings(v_transaction, p_order.currency, array[
    row('wallet', case p_order.status when 'delivered' then 'receivable' else 'order_escrow' end, p_amount)]::ledger.posting_leg[]);

  -- lock: invoice; record
  perform ledger.record_operation('order.paid_from_wallet', 'order', p_order.id, p_order.account_id,
    ledger.balance_effect(v_transaction, p_orders => p_amount)
      || ledger.follow_order_invoice(v_order, v_transaction, p_actor => p_actor) || jsonb_build_object(
      'order_number', p_order.order_number, 'user_id', p_order.user_id, 'currency', p_order.currency, 'wallet_amount', p_amount,
      'payment_status', v_order.payment_status, 'outstanding_amount', v_order.outstanding_amount),
    p_actor, p_correlation_id);

  -- what is covered by now goes on
  v_change := ledger.confirm_when_covered(v_order, p_actor, p_confirm);
  v_change.order_status := coalesce(v_change.order_status, v_order.status);
  v_change.payment_status := v_order.payment_status;
  v_change.outstanding_amount := v_order.outstanding_amount;
  v_change.transaction_id := v_transaction.id;
  v_change.wallet_amount := p_amount;
  v_change.available_balance := v_transaction.balance_after;
  return v_change;
end $$;
comment on function ledger.pay_from_wallet(public.orders, bigint, ledger.actor, text, uuid, boolean) is
  'Takes an amount out of the wallet for a locked and checked order, with its records; wallet_amount is what was taken, transaction_id that of the payment.';
