/*
 * Money that waits to be paid out has not left the house: as far as a charge back of p_amount (minor units)
 * needs it, the payouts of the payment's order are withdrawn, the oldest first, and the order holds them again. One
 * that is larger than what is needed stays: its order would be left with too much.
 */
create function ledger.withdraw_payouts_for(p_payment public.payments, p_amount bigint, p_actor ledger.actor, p_correlation_id uuid)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_order public.orders;
  v_own bigint;
  v_elsewhere bigint;
  v_needed bigint;
  v_refund public.refunds;
begin
  select o.* into v_order from public.orders o where o.account_id = p_payment.account_id and o.id = p_payment.order_id;
  -- what the order has of the payment and gave back, as far as nothing else of the payment is there instead
  v_own := p_payment.applied_amount + coalesce((
    select sum(l.allocated_amount)
    from ledger.live_allocations(p_payment.account_id, p_payment_id => p_payment.id) l
    join public.invoices i on i.account_id = l.account_id and i.id = l.invoice_id and i.order_id = p_payment.order_id), 0);
  v_elsewhere := p_payment.unapplied_amount + p_payment.allocated_amount + p_payment.applied_amount - v_own;
  v_needed := least(p_amount - v_elsewhere, v_own) - ledger.held_from_outside(v_order);
  for v_refund in
    select f.* from public.refunds f
    where f.account_id = p_payment.account_id and f.order_id = p_payment.order_id and f.payout_status = 'pending'
    order by f.id
    for no key update
  loop
    continue when v_refund.payout_amount > v_needed;
    perform ledger.settle_refund(
      (select o from public.orders o where o.account_id = p_payment.account_id and o.id = p_payment.order_id),
      (select a from public.accounts a where a.id = p_payment.account_id), v_refund, 'withdrawn', null, p_actor, p_correlation_id);
    v_needed := v_needed - v_refund.payout_amount;
  end loop;
end $$;
comment on function ledger.withdraw_payouts_for(public.payments, bigint, ledger.actor, uuid) is
  'Withdraws payouts of a locked payment''s order, as far as a charge back of p_amount (minor units) needs them.';
