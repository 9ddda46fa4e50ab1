/* What a delivery means for the books, and what taking it back means. */

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

/* A posting has a positive amount: one that came out negative goes the other way. */
create function ledger.forward(p_legs ledger.posting_leg[])
returns ledger.posting_leg[]
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  return (select array_agg(case when l.amount < 0 then row(l.credit_account, l.debit_account, -l.amount)::ledger.posting_leg
                                else row(l.debit_account, l.credit_account, l.amount)::ledger.posting_leg end order by l.ordinality)
          from unnest(p_legs) with ordinality l);
end $$;
comment on function ledger.forward(ledger.posting_leg[]) is 'The same postings with no amount below zero.';

/*
 * What a part of an order means once it is delivered: its money leaves escrow as revenue, vendors'
 * shares, tax and shipping income. A discount shows as such beside the full revenue, and so does an
 * allowance, without the tax in it.
 */
create function ledger.recognition_legs(p_part ledger.order_part)
returns ledger.posting_leg[]
language sql immutable
return array[
  row('order_escrow', 'revenue', (p_part).base_amount - (p_part).vendor_amount),
  row('order_escrow', 'vendor_payable', (p_part).vendor_amount),
  row('order_escrow', 'tax_payable', (p_part).tax_amount + (p_part).allowance_tax_amount),
  row('order_escrow', 'shipping_income', (p_part).shipping_amount),
  row('order_escrow', 'discounts', (p_part).allowance_amount - (p_part).allowance_tax_amount),
  row('discounts', 'revenue', (p_part).discount_amount)
]::ledger.posting_leg[];
comment on function ledger.recognition_legs(ledger.order_part) is
  'Postings that recognise a part of a delivered order; amounts may be below zero (ledger.forward). They take ledger.cost_of(p_part) out of escrow.';

/* The postings of a delivery: what was not taken back is recognised, what of it is not paid yet becomes a receivable. */
create function ledger.delivery_legs(p_outstanding_amount bigint, p_left ledger.order_part)
returns ledger.posting_leg[]
language sql immutable
return ledger.forward(
  row('receivable', 'order_escrow', p_outstanding_amount)::ledger.posting_leg || ledger.recognition_legs(p_left));
comment on function ledger.delivery_legs(bigint, ledger.order_part) is
  'Postings of the delivery of an order of which p_left was not taken back and this much is not paid.';

/* Goods after discount, without tax and shipping, that came back or were allowed for: what commissions are taken back by. */
create function ledger.credited_base(p_whole ledger.order_part, p_credited ledger.order_part)
returns bigint
language sql immutable
return (p_credited).base_amount
       + ledger.share_of_allowance((p_whole).base_amount - (p_credited).base_amount, p_whole, p_credited);
comment on function ledger.credited_base(ledger.order_part, ledger.order_part) is
  'How much of an order''s goods (the base of its commission) was taken back in all, minor units.';
