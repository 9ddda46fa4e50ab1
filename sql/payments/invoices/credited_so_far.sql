/*
 * What credit notes took of a free invoice. Their lines that credit units have the number of the invoice's line;
 * those of amounts have numbers after all of them.
 */
create function ledger.credited_units(p_invoice public.invoices)
returns table (line_number integer, quantity bigint)
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  return query
    select l.line_number, sum(l.quantity)::bigint
    from public.invoices n
    join public.invoice_lines l on l.invoice_id = n.id
    join public.invoice_lines i on i.invoice_id = p_invoice.id and i.line_number = l.line_number
    where n.account_id = p_invoice.account_id and n.credits_invoice_id = p_invoice.id
    group by l.line_number;
end $$;
comment on function ledger.credited_units(public.invoices) is 'Units of each line of a free invoice that credit notes took back.';

/* Its lines less those of its credit notes. */
create function ledger.left_by_rate(p_invoice public.invoices)
returns table (tax_rate_bp integer, gross_amount bigint, tax_amount bigint)
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  return query
    select l.tax_rate_bp,
           sum((l.total_price_amount - l.discount_amount + case when p_invoice.prices_include_tax then 0 else l.tax_amount end) * s.sign)::bigint,
           sum(l.tax_amount * s.sign)::bigint
    from public.invoices n
    join public.invoice_lines l on l.invoice_id = n.id
    cross join lateral (select case n.kind when 'invoice' then 1 else -1 end as sign) s
    where n.account_id = p_invoice.account_id and (n.id = p_invoice.id or n.credits_invoice_id = p_invoice.id)
    group by l.tax_rate_bp;
end $$;
comment on function ledger.left_by_rate(public.invoices) is 'What of a free invoice was not credited yet, by tax rate; gross with its tax, minor units.';
