/*
 * The bank took p_amount (minor units) of a payment back. It comes out of the books where it is: first out of the
 * unapplied remainder, then out of invoices, newest allocation first, and out of the order it paid directly;
 * but from no order more than that still has of what came from outside, which is more when a payout that waits is
 * withdrawn (ledger.withdraw_payouts_for). The rest has gone to the customer, as surplus, refund or release, and comes out of the wallet, which may go below
 * zero: later earnings fill it first, as after a commission that was clawed back. Orders and invoices owe again
 * what was taken from them. p_surplus_first: what became wallet credit goes before what invoices and the order have,
 * as when the shop gives back what was paid twice. The caller has locked the payment (ledger.lock_payment) and has set ledger.procedure.
 */
create function ledger.charge_back(
  p_locked ledger.locked_payment, p_amount bigint, p_reason text, p_actor ledger.actor, p_correlation_id uuid,
  p_surplus_first boolean default false)
returns ledger.charged_back_payment
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_payment public.payments := p_locked.payment;
  v_account public.accounts := p_locked.account;
  v_left bigint := v_payment.amount - v_payment.charged_back_amount;
  v_rest bigint := p_amount;
  v_surplus bigint := case when p_surplus_first then least(v_payment.credit_amount, p_amount) else 0 end;
  v_part record;
  v_taken bigint;
  v_order public.orders;
  v_transaction public.transactions;
  v_result ledger.charged_back_payment;
begin
  -- check
  v_result.refusal := case
    when v_payment.status <> 'captured' then
      ledger.refuse('payment_conflict', jsonb_build_object('payment_id', v_payment.id, 'status', v_payment.status))
    when p_amount is null or p_amount <= 0 then
      ledger.refuse('invalid_amount', jsonb_build_object('amount', p_amount, 'expected', 'above zero'))
    when p_amount > v_left then ledger.refuse('charge_back_exceeds_payment', jsonb_build_object(
      'payment_id', v_payment.id, 'currency', v_payment.currency, 'amount', p_amount, 'left', v_left))
    when v_account.total_earned - p_amount < -9007199254740991 then
      ledger.refuse('amount_too_large', jsonb_build_object('maximum', 9007199254740991))
  end;
  if v_result.refusal is not null then
    return v_result;
  end if;

  -- write: what is unapplied, payouts that wait, and what invoices have of it
  v_result.unapplied_amount := least(v_rest, v_payment.unapplied_amount);
  v_surplus := least(v_surplus, v_rest - v_result.unapplied_amount);
  if v_payment.order_id is not null then
    perform ledger.withdraw_payouts_for(v_payment, p_amount - v_surplus, p_actor, p_correlation_id);
  end if;
  v_rest := v_rest - v_result.unapplied_amount - v_surplus;
  v_result.allocated_amount := 0;
  for v_part in
    select l.invoice_id, i.order_id, l.allocated_amount as amount
    from ledger.live_allocations(v_account.id, p_payment_id => v_payment.id) l
    join public.invoices i on i.account_id = l.account_id and i.id = l.invoice_id
    order by l.id desc
  loop
    v_taken := least(v_rest, v_part.amount);
    if v_part.order_id is not null then
      v_taken := least(v_taken, (select ledger.held_from_outside(o) from public.orders o where o.id = v_part.order_id));
    end if;
    continue when v_taken <= 0;
    perform ledger.release_allocations(v_account.id, v_part.invoice_id, v_taken, p_actor, p_reason, p_correlation_id, v_payment.id);
    v_result.allocated_amount := v_result.allocated_amount + v_taken;
    v_rest := v_rest - v_taken;
  end loop;

  -- write: payment; what the order has of it, and what the wallet got
  select o.* into v_order from public.orders o where o.account_id = v_account.id and o.id = v_payment.order_id;
  v_result.applied_amount := greatest(least(v_rest, v_payment.applied_amount, coalesce(ledger.held_from_outside(v_order), 0)), 0);
  v_result.wallet_amount := v_surplus + v_rest - v_result.applied_amount;
  v_result.charged_back_amount := p_amount;
  update public.payments p set
    applied_amount = p.applied_amount - v_result.applied_amount,
    credit_amount = p.credit_amount - least(p.credit_amount, v_result.wallet_amount),
    charged_back_amount = p.charged_back_amount + p_amount,
    reclaimed_amount = p.reclaimed_amount + greatest(v_result.wallet_amount - p.credit_amount, 0),
    updated_at = clock_timestamp()
  where p.account_id = v_account.id and p.id = v_payment.id;
  if v_payment.order_id is not null then
    v_order := ledger.pay_order(v_account.id, v_payment.order_id, -v_result.applied_amount);
  end if;

  -- write: transaction, postings
  v_transaction := ledger.write_transaction(
    v_account.id, 'payment_charged_back', p_actor, coalesce(p_reason, 'payment charged back'), p_correlation_id,
    p_earned => -v_result.wallet_amount, p_order_id => v_payment.order_id, p_reference_id => v_payment.id);
  v_taken := v_result.unapplied_amount + v_result.allocated_amount;
  perform ledger.write_postings(v_transaction, v_payment.currency, array[
    row('unapplied_payments', 'bank', v_taken),
    row(case v_order.status when 'delivered' then 'receivable' else 'order_escrow' end, 'bank', v_result.applied_amount),
    row('wallet', 'bank', v_result.wallet_amount)]::ledger.posting_leg[]);

  -- record
  perform ledger.record_operation('payment.charged_back', case when v_payment.order_id is null then 'payment' else 'order' end,
    coalesce(v_payment.order_id, v_payment.id), v_account.id,
    ledger.balance_effect(v_transaction, p_earned => -v_result.wallet_amount)
      || case when v_order.id is not null
              then ledger.follow_order_invoice(v_order, v_transaction, p_actor => p_actor, p_unapplied => -v_taken)
              else ledger.write_debt_movement(v_transaction, p_unapplied => -v_taken) end
      || jsonb_build_object(
      'order_number', v_order.order_number, 'payment_id', v_payment.id, 'currency', v_payment.currency, 'payment_amount', v_payment.amount,
      'charged_back_amount', p_amount, 'unapplied_amount', v_result.unapplied_amount, 'allocated_amount', v_result.allocated_amount,
      'applied_amount', v_result.applied_amount, 'wallet_amount', v_result.wallet_amount, 'payment_status', v_order.payment_status,
      'outstanding_amount', v_order.outstanding_amount, 'reason', p_reason),
    p_actor, p_correlation_id);

  v_result.transaction_id := v_transaction.id;
  v_result.order_status := v_order.status;
  v_result.payment_status := v_order.payment_status;
  v_result.outstanding_amount := v_order.outstanding_amount;
  v_result.available_balance := v_transaction.balance_after;
  return v_result;
end $$;
comment on function ledger.charge_back(ledger.locked_payment, bigint, text, ledger.actor, uuid, boolean) is
  'Takes a part of a captured payment out of the books again. Refusals, before its first write: payment_conflict (voided), invalid_amount, charge_back_exceeds_payment, amount_too_large.';
