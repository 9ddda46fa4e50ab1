/*
 * The invoice of an order is about what is left of it: units that were refunded before are not on it. An
 * allowance that was granted before lowers its lines, each in proportion, and only then the shipping. Total
 * and prices agree with the order to the minor unit.
 */
create function ledger.draft_of_order(p_order public.orders)
returns ledger.invoice_draft
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_includes_tax boolean := p_order.prices_include_tax;
  v_shipping bigint;
  v_allowance bigint;
  v_allowance_tax bigint;
  v_net bigint;
  v_tax bigint;
  v_off_lines bigint;
  v_lines ledger.invoice_draft_line[];
  v_draft ledger.invoice_draft;
begin
  select p_order.shipping_amount - coalesce(sum(f.shipping_amount), 0), coalesce(sum(f.allowance_amount), 0), coalesce(sum(f.allowance_tax_amount), 0)
  into v_shipping, v_allowance, v_allowance_tax
  from public.refunds f
  where f.order_id = p_order.id;

  -- units that are left, each line with what is left of its discount and tax
  select array_agg(row(i.line_number, ledger.invoice_text(ledger.item_name(i.product_name, i.variant_name), i.product_sku), i.product_sku,
                       i.quantity - coalesce(r.quantity, 0), i.unit_price_amount, i.total_price_amount - b.goods_amount,
                       i.discount_amount - b.discount_amount, i.tax_rate_bp, i.tax_amount - b.tax_amount)::ledger.invoice_draft_line
                   order by i.line_number),
         coalesce(sum(i.total_price_amount - i.discount_amount - b.goods_amount + b.discount_amount), 0), coalesce(sum(i.tax_amount - b.tax_amount), 0)
  into v_lines, v_net, v_tax
  from public.order_items i
  left join ledger.refunded_units(p_order.id) r on r.line_number = i.line_number
  cross join lateral ledger.line_part(i, v_includes_tax, coalesce(r.quantity, 0)) b
  where i.account_id = p_order.account_id and i.order_id = p_order.id and i.quantity > coalesce(r.quantity, 0);

  -- the allowance, by cumulative rounding so that its parts add up to it
  if v_allowance > 0 then
    v_off_lines := least(v_allowance - case when v_includes_tax then 0 else v_allowance_tax end, v_net);
    v_shipping := v_shipping - (v_allowance - case when v_includes_tax then 0 else v_allowance_tax end - v_off_lines);
    select array_agg(row(s.line_number, s.description, s.sku, s.quantity, s.unit_price_amount, s.total_price_amount,
                         s.discount_amount + case when v_net = 0 then 0
                           else div(v_off_lines * s.net_to, v_net) - div(v_off_lines * (s.net_to - s.net), v_net) end,
                         s.tax_rate_bp,
                         s.tax_amount - case when v_tax = 0 then 0
                           else div(v_allowance_tax * s.tax_to, v_tax) - div(v_allowance_tax * (s.tax_to - s.tax_amount), v_tax) end
                        )::ledger.invoice_draft_line order by s.line_number)
    into v_lines
    from (select l.*, l.total_price_amount - l.discount_amount as net,
                 sum(l.total_price_amount - l.discount_amount) over (order by l.line_number) as net_to,
                 sum(l.tax_amount) over (order by l.line_number) as tax_to
          from unnest(v_lines) l) s;
  end if;

  v_draft := ledger.draft_of(v_lines, v_includes_tax, v_shipping);
  v_draft.prepaid_amount := v_draft.total_amount - p_order.amount_due;
  v_draft.billing_address := coalesce(p_order.billing_address, p_order.shipping_address);
  return v_draft;
end $$;
comment on function ledger.draft_of_order(public.orders) is
  'The invoice of a locked order: what is left of its lines and shipping; prepaid is what of it is not due any more.';

/* A line says something, and no more than fits. */
create function ledger.invoice_text(p_description text, p_sku text)
returns text
language sql immutable
return left(coalesce(nullif(trim(p_description), ''), nullif(trim(p_sku), ''), '-'), 1000);
comment on function ledger.invoice_text(text, text) is 'The description of an invoice''s line.';
