/* Credit notes of free invoices: units of lines, or an amount. */

/* Units of lines, with their share of the line's discount and tax: cumulative, so all units together are the line. */
create function ledger.draft_of_credited_lines(p_invoice public.invoices, p_lines jsonb)
returns ledger.invoice_draft
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_draft ledger.invoice_draft;
  v_bad record;
begin
  v_draft.refusal := ledger.refuse_line_list(p_lines, '{quantity}');
  if v_draft.refusal is not null then
    return v_draft;
  end if;
  select a.line_number, a.quantity, i.line_number is null as is_unknown, i.quantity - coalesce(c.quantity, 0) as creditable into v_bad
  from (select (e.line ->> 'line_number')::numeric::integer as line_number, (e.line ->> 'quantity')::numeric::bigint as quantity
        from jsonb_array_elements(p_lines) e (line)) a
  left join public.invoice_lines i on i.invoice_id = p_invoice.id and i.line_number = a.line_number
  left join ledger.credited_units(p_invoice) c on c.line_number = a.line_number
  where i.line_number is null or a.quantity > i.quantity - coalesce(c.quantity, 0)
  order by a.line_number
  limit 1;
  if found then
    v_draft.refusal := case
      when v_bad.is_unknown then ledger.refuse('invoice_line_not_found', jsonb_build_object(
        'invoice_number', p_invoice.invoice_number, 'line', v_bad.line_number))
      else ledger.refuse('units_not_creditable', jsonb_build_object('invoice_number', p_invoice.invoice_number, 'line', v_bad.line_number,
        'creditable', v_bad.creditable, 'requested', v_bad.quantity)) end;
    return v_draft;
  end if;
  return ledger.draft_of((
    select array_agg(row(i.line_number, i.description, i.sku, a.quantity, i.unit_price_amount, z.goods_amount - b.goods_amount,
                         z.discount_amount - b.discount_amount, i.tax_rate_bp, z.tax_amount - b.tax_amount)::ledger.invoice_draft_line
                     order by i.line_number)
    from (select (e.line ->> 'line_number')::numeric::integer as line_number, (e.line ->> 'quantity')::numeric::bigint as quantity
          from jsonb_array_elements(p_lines) e (line)) a
    join public.invoice_lines i on i.invoice_id = p_invoice.id and i.line_number = a.line_number
    left join ledger.credited_units(p_invoice) c on c.line_number = a.line_number
    -- a line of an invoice is divided as one of an order
    cross join lateral (select jsonb_populate_record(null::public.order_items, to_jsonb(i)) as item) o
    cross join lateral ledger.line_part(o.item, p_invoice.prices_include_tax, coalesce(c.quantity, 0)) b
    cross join lateral ledger.line_part(o.item, p_invoice.prices_include_tax, coalesce(c.quantity, 0) + a.quantity) z
    where a.quantity > 0), p_invoice.prices_include_tax);
end $$;
comment on function ledger.draft_of_credited_lines(public.invoices, jsonb) is
  'A credit note of p_lines [{"line_number", "quantity"}] of a free invoice, or the refusal.';

/* An amount, shared out over the tax rates by what is left of each, so that its tax is that of the invoice. */
create function ledger.draft_of_credited_amount(p_invoice public.invoices, p_amount bigint)
returns ledger.invoice_draft
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_left bigint := p_invoice.total_amount - p_invoice.credited_amount;
  v_last integer := (select max(l.line_number) from public.invoice_lines l where l.invoice_id = p_invoice.id);
  v_draft ledger.invoice_draft;
begin
  if p_amount > v_left then
    v_draft.refusal := ledger.refuse('credit_exceeds_invoice', jsonb_build_object('invoice_number', p_invoice.invoice_number,
      'currency', p_invoice.currency, 'left', v_left, 'requested', p_amount));
    return v_draft;
  end if;
  return ledger.draft_of((
    select array_agg(row(v_last + s.place, 'Reduction of invoice ' || p_invoice.invoice_number, null, 1, s.net, s.net, 0, s.tax_rate_bp,
                         s.tax)::ledger.invoice_draft_line order by s.place)
    from (
      select t.*, row_number() over (order by t.tax_rate_bp) as place,
             t.share - case when p_invoice.prices_include_tax then 0 else t.tax end as net
      from (
        select r.tax_rate_bp, r.share,
               case when r.gross_amount = 0 then 0 else ledger.divide_half_up(r.tax_amount::numeric * r.share, r.gross_amount)::bigint end as tax
        from (
          select g.tax_rate_bp, g.gross_amount, g.tax_amount,
                 (div(p_amount * g.so_far, v_left) - div(p_amount * (g.so_far - g.gross_amount), v_left))::bigint as share
          from (select f.*, sum(f.gross_amount) over (order by f.tax_rate_bp) as so_far from ledger.left_by_rate(p_invoice) f) g) r
        where r.share > 0) t) s), p_invoice.prices_include_tax);
end $$;
comment on function ledger.draft_of_credited_amount(public.invoices, bigint) is
  'A credit note of an amount (with its tax, minor units, above zero) of a free invoice, or the refusal.';

/* The draft of a credit note of a locked free invoice, or why there is none. */
create function ledger.draft_of_credit(p_invoice public.invoices, p_lines jsonb, p_amount bigint)
returns ledger.invoice_draft
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_draft ledger.invoice_draft;
begin
  v_draft.refusal := case
    when p_lines is not null and p_amount is not null then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_lines, p_amount', 'problem', 'either lines or an amount'))
    when p_amount < 0 then ledger.refuse('invalid_amount', jsonb_build_object('amount', p_amount, 'expected', 'above zero'))
    when p_lines is null and coalesce(p_amount, 0) = 0 then
      ledger.refuse('nothing_to_credit', jsonb_build_object('invoice_number', p_invoice.invoice_number))
  end;
  if v_draft.refusal is not null then
    return v_draft;
  end if;
  v_draft := case when p_lines is not null then ledger.draft_of_credited_lines(p_invoice, p_lines)
                  else ledger.draft_of_credited_amount(p_invoice, p_amount) end;
  if v_draft.refusal is null then
    v_draft.refusal := case
      when v_draft.total_amount = 0 then ledger.refuse('nothing_to_credit', jsonb_build_object('invoice_number', p_invoice.invoice_number))
      -- no rate gives back more than it took, its tax neither
      when exists (
        select from (select l.tax_rate_bp, sum(l.total_price_amount - l.discount_amount + case when p_invoice.prices_include_tax then 0 else l.tax_amount end) as gross,
                            sum(l.tax_amount) as tax
                     from unnest(v_draft.lines) l group by l.tax_rate_bp) d
        left join ledger.left_by_rate(p_invoice) r on r.tax_rate_bp = d.tax_rate_bp
        where d.gross > coalesce(r.gross_amount, 0) or d.tax > coalesce(r.tax_amount, 0)) then
        ledger.refuse('credit_exceeds_invoice', jsonb_build_object('invoice_number', p_invoice.invoice_number, 'currency', p_invoice.currency,
          'left', p_invoice.total_amount - p_invoice.credited_amount, 'requested', v_draft.total_amount))
    end;
  end if;
  return v_draft;
end $$;
comment on function ledger.draft_of_credit(public.invoices, jsonb, bigint) is
  'The credit note of a locked free invoice: of lines [{"line_number", "quantity"}] or of an amount in minor units; or the refusal.';
