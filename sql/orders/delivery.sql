/* What a delivery means for the books, and what taking it back means. */

/*
 * The postings of a delivery: what was held in escrow becomes revenue, tax and shipping income; what
 * is not paid yet becomes a receivable; the discount shows as such beside the full revenue.
 */
create function ledger.delivery_legs(p_order public.orders)
returns ledger.posting_leg[]
language sql immutable
return array[
  row('receivable', 'order_escrow', p_order.total_amount - p_order.paid_amount),
  row('order_escrow', 'revenue', p_order.total_amount - p_order.tax_amount - p_order.shipping_amount),
  row('order_escrow', 'tax_payable', p_order.tax_amount),
  row('order_escrow', 'shipping_income', p_order.shipping_amount),
  row('discounts', 'revenue', p_order.discount_amount)
]::ledger.posting_leg[];
comment on function ledger.delivery_legs(public.orders) is 'Postings that recognise a delivered order.';

create function ledger.reversed(p_legs ledger.posting_leg[])
returns ledger.posting_leg[]
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  return (select array_agg(row(l.credit_account, l.debit_account, l.amount)::ledger.posting_leg order by l.ordinality desc)
          from unnest(p_legs) with ordinality l);
end $$;
comment on function ledger.reversed(ledger.posting_leg[]) is 'The same postings with sides exchanged, last first.';

/* Goods after discount, without tax and shipping: what commissions are reckoned from. */
create function ledger.commission_base(p_order public.orders)
returns bigint
language sql immutable
return p_order.subtotal_amount - p_order.discount_amount
       - case when p_order.prices_include_tax then p_order.tax_amount else 0 end;
comment on function ledger.commission_base(public.orders) is 'Base of referral commissions on an order, minor units.';
