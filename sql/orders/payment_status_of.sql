/*
 * How far an order is paid: what it costs by now, beside what was paid and did not go back. A deadline
 * that was granted, or a receipt that is looked at, stands while something is due. A surplus that went
 * into the wallet is not with the order any more, and it stays overpaid all the same.
 */
create function ledger.payment_status_of(p_total bigint, p_credited bigint, p_paid bigint, p_refunded bigint, p_present text default null)
returns text
language sql immutable parallel safe
return case
  when p_present in ('in_grace', 'receipt_uploaded') and p_paid - p_refunded < p_total - p_credited then p_present
  when p_total = p_credited and p_credited > 0 and p_paid > 0 and p_paid = p_refunded then 'refunded'
  when p_credited > 0 and p_refunded > 0 then 'partially_refunded'
  when p_paid = p_refunded and p_total > 0 and (p_credited < p_total or p_paid = 0) then 'unpaid'
  when p_paid - p_refunded < p_total - p_credited then 'partially_paid'
  when p_paid - p_refunded = p_total - p_credited and p_present is distinct from 'overpaid' then 'paid'
  else 'overpaid'
end;
comment on function ledger.payment_status_of(bigint, bigint, bigint, bigint, text) is
  'orders.payment_status from total, credited, paid and refunded amount, and the present one: in_grace and receipt_uploaded stay while something is due, overpaid while nothing is. An order taken back whole that nobody paid for is unpaid; one edited down to nothing is paid.';

/* overpaid stands as long as a payment of the order has its surplus in the wallet. */
create function ledger.payment_status_kept(p_order public.orders)
returns text
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  if p_order.payment_status <> 'overpaid' then
    return p_order.payment_status;
  end if;
  return case when exists (select from public.payments p where p.order_id = p_order.id and p.status = 'captured' and p.credit_amount > 0)
              then 'overpaid' else 'paid' end;
end $$;
comment on function ledger.payment_status_kept(public.orders) is
  'The present payment status of an order as ledger.payment_status_of takes it: overpaid only if it does not follow from the amounts alone.';
