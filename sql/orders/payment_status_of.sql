/*
 * How far an order is paid: what it costs by now, beside what was paid and did not go back. A deadline
 * that was granted, or a receipt that is looked at, stands while something is due.
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
  when p_paid - p_refunded = p_total - p_credited then 'paid'
  else 'overpaid'
end;
comment on function ledger.payment_status_of(bigint, bigint, bigint, bigint, text) is
  'orders.payment_status from total, credited, paid and refunded amount, and the present one: in_grace and receipt_uploaded stay while something is due. An order taken back whole that nobody paid for is unpaid; one edited down to nothing is paid.';
