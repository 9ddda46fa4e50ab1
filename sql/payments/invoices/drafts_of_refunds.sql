/* Credit notes of orders: each takes its invoice, by tax rate, to what is left of the order. */

/*
 * What a refund credits of each tax rate: what the invoice and its notes say of the rate, less what is left of
 * it in the order, where an allowance lowers all lines in proportion. Parts are not below zero, and add up to
 * what the refund credits; a minor unit that rounding leaves over goes to the next rate.
 */
create function ledger.refund_by_rate(p_invoice public.invoices, p_left ledger.invoice_draft_line[], p_price_amount bigint, p_tax_amount bigint)
returns table (tax_rate_bp integer, price_amount bigint, tax_amount bigint)
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  return query
    with moves as (
      select m.rate, sum(m.price) as price, sum(m.tax) as tax
      from (select r.tax_rate_bp as rate, r.gross_amount - case when p_invoice.prices_include_tax then 0 else r.tax_amount end as price, r.tax_amount as tax
            from ledger.left_by_rate(p_invoice) r
            union all
            select l.tax_rate_bp, l.discount_amount - l.total_price_amount, -l.tax_amount from unnest(p_left) l) m
      group by m.rate),
    sums as (
      select m.rate, sum(m.price) over w as price, sum(m.tax) over w as tax, lead(m.rate) over w is null as is_last
      from moves m window w as (order by m.rate)),
    risen as (
      select s.rate, case when s.is_last then p_price_amount else least(p_price_amount, greatest(max(s.price) over w, 0)) end as price,
             case when s.is_last then p_tax_amount else least(p_tax_amount, greatest(max(s.tax) over w, 0)) end as tax
      from sums s window w as (order by s.rate))
    select r.rate, (r.price - lag(r.price, 1, 0::numeric) over w)::bigint, (r.tax - lag(r.tax, 1, 0::numeric) over w)::bigint
    from risen r window w as (order by r.rate);
end $$;
comment on function ledger.refund_by_rate(public.invoices, ledger.invoice_draft_line[], bigint, bigint) is
  'Price (as lines say it) and tax that a refund credits of each tax rate of an order''s invoice; p_left: lines left of the order by now. Minor units.';

create function ledger.lines_of_refund(p_refund public.refunds)
returns ledger.invoice_draft_line[]
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  return (
    select array_agg(row(l.line_number, ledger.invoice_text(ledger.item_name(i.product_name, i.variant_name), i.product_sku), i.product_sku,
                         l.quantity, i.unit_price_amount, l.goods_amount, l.discount_amount, i.tax_rate_bp, l.tax_amount)::ledger.invoice_draft_line
                     order by l.line_number)
    from public.refund_lines l
    join public.order_items i on i.account_id = l.account_id and i.order_id = l.order_id and i.line_number = l.line_number
    where l.account_id = p_refund.account_id and l.refund_id = p_refund.id);
end $$;
comment on function ledger.lines_of_refund(public.refunds) is 'The units of a refund as lines of its credit note.';

/*
 * The credit note of a refund that is written: its units, its shipping, and an allowance as a line for each tax
 * rate. Units that meet an earlier allowance are worth less by then: the note has one line for each rate with
 * what they credit.
 */
create function ledger.draft_of_refund(p_invoice public.invoices, p_order public.orders, p_refund public.refunds)
returns ledger.invoice_draft
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_left ledger.invoice_draft := ledger.draft_of_order(p_order);
  v_shipping bigint;
  v_tax bigint;
  v_price bigint;
  v_units ledger.invoice_draft_line[] := coalesce(ledger.lines_of_refund(p_refund), '{}');
  v_last integer := (select max(u.line_number) from unnest(v_units) u);
  v_rests ledger.invoice_draft_line[];
  v_wholes ledger.invoice_draft_line[];
  v_is_worth_less boolean;
begin
  select p_invoice.shipping_amount - coalesce(sum(n.shipping_amount), 0) - v_left.shipping_amount into v_shipping
  from public.invoices n
  where n.account_id = p_invoice.account_id and n.credits_invoice_id = p_invoice.id;
  v_shipping := least(greatest(v_shipping, 0), p_refund.credited_amount);
  v_tax := least(greatest(p_refund.tax_amount + p_refund.allowance_tax_amount, 0), p_refund.credited_amount - v_shipping);
  v_price := p_refund.credited_amount - v_shipping - case when p_order.prices_include_tax then 0 else v_tax end;

  select array_agg(row(coalesce(v_last, 0) + s.place, 'Reduction of order ' || p_order.order_number, null, 1, s.rest, s.rest, 0, s.tax_rate_bp,
                       s.tax_rest)::ledger.invoice_draft_line order by s.place) filter (where s.rest > 0 or s.tax_rest > 0),
         array_agg(row(s.place, s.description, null, 1, s.price_amount, s.price_amount, 0, s.tax_rate_bp,
                       s.tax_amount)::ledger.invoice_draft_line order by s.place) filter (where s.price_amount > 0 or s.tax_amount > 0),
         coalesce(bool_or(s.rest < 0 or s.tax_rest < 0), false)
  into v_rests, v_wholes, v_is_worth_less
  from (select r.*, r.price_amount - coalesce(u.price, 0) as rest, r.tax_amount - coalesce(u.tax, 0) as tax_rest,
               (row_number() over (order by r.tax_rate_bp))::integer as place,
               ledger.invoice_text(case when u.names is null then 'Reduction of order ' || p_order.order_number
                                        else format('Taken back of order %s, after a reduction: %s', p_order.order_number, u.names) end, null) as description
        from ledger.refund_by_rate(p_invoice, v_left.lines, v_price, v_tax) r
        left join (select l.tax_rate_bp, sum(l.total_price_amount - l.discount_amount)::bigint as price, sum(l.tax_amount)::bigint as tax,
                          string_agg(format('%s x %s', l.quantity, l.description), '; ' order by l.line_number) as names
                   from unnest(v_units) l
                   group by l.tax_rate_bp) u on u.tax_rate_bp = r.tax_rate_bp) s;
  return ledger.draft_of(case when v_is_worth_less then v_wholes else v_units || coalesce(v_rests, '{}') end, p_order.prices_include_tax, v_shipping);
end $$;
comment on function ledger.draft_of_refund(public.invoices, public.orders, public.refunds) is
  'The credit note of a refund of an order, which is as it is after it, with a live invoice: its total is what the refund credited.';
