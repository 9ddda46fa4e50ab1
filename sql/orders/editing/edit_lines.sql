/* An order as an edit would leave it: its lines, its totals, and what they take from or give back to the stock. */
create type ledger.edited_order as (
  refusal jsonb,
  lines_before ledger.priced_line[],
  lines ledger.priced_line[],
  last_line_number integer,
  subtotal_amount bigint,
  discount_amount bigint,
  tax_amount bigint,
  total_amount bigint,
  keeps_discount boolean,
  variant_ids uuid[],
  quantities bigint[],
  changes jsonb
);
comment on type ledger.edited_order is
  'last_line_number: the highest that the order ever had; keeps_discount: its code still applies; quantities: signed, below zero leaves the stock; changes: [{line_number, variant_id, product_sku, old_quantity, new_quantity, unit_price_amount}].';

/*
 * The lines of an order after changes. Lines keep their number and the price, tax rate and platform
 * rate they were sold at; added ones get the catalogue's of today and numbers that were never used.
 */
create function ledger.edited_lines(p_order public.orders, p_changes ledger.order_changes, p_settings jsonb)
returns ledger.edited_order
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_edit ledger.edited_order;
  v_added ledger.order_pricing;
  v_max_lines integer := (p_settings ->> 'max_order_lines')::integer;
begin
  select array_agg(row(i.line_number, i.variant_id, i.vendor_id, i.product_name, i.product_sku, i.variant_name, i.quantity,
                       i.unit_price_amount, i.total_price_amount, i.discount_amount, i.tax_rate_bp, i.tax_amount,
                       i.platform_rate_bp)::ledger.priced_line order by i.line_number),
         greatest(max(i.line_number), (select max((t.metadata ->> 'last_line_number')::integer) from public.transactions t
                                       where t.order_id = p_order.id and t.type = 'order_edited'))
  into v_edit.lines_before, v_edit.last_line_number
  from public.order_items i
  where i.account_id = p_order.account_id and i.order_id = p_order.id;

  -- what is added, priced like a new order
  if p_changes.added_items is not null then
    v_added := ledger.price_order(p_order.user_id, p_changes.added_items, null, null, p_settings);
    v_edit.refusal := case
      when v_added.refusal is not null then v_added.refusal
      when v_added.currency <> p_order.currency then
        ledger.refuse('currency_mismatch', jsonb_build_object('currencies', p_order.currency || ', ' || v_added.currency))
      when v_added.prices_include_tax <> p_order.prices_include_tax then
        ledger.refuse('edit_not_allowed', jsonb_build_object('order_number', p_order.order_number,
          'reason', 'prices contain tax now and did not when it was placed, or the other way round, so nothing can be added'))
    end;
    if v_edit.refusal is not null then
      return v_edit;
    end if;
  end if;

  -- a line's total that is too large is null
  select array_agg(row(n.line_number, n.variant_id, n.vendor_id, n.product_name, n.product_sku, n.variant_name, n.quantity, n.unit_price_amount,
                       case when n.unit_price_amount <= 9007199254740991 / n.quantity then n.unit_price_amount * n.quantity end,
                       0, n.tax_rate_bp, 0, n.platform_rate_bp)::ledger.priced_line order by n.line_number)
  into v_edit.lines
  from (select l.line_number, l.variant_id, l.vendor_id, l.product_name, l.product_sku, l.variant_name,
               coalesce(c.quantity, l.quantity) as quantity, l.unit_price_amount, l.tax_rate_bp, l.platform_rate_bp
        from unnest(v_edit.lines_before) l
        left join unnest(p_changes.line_numbers, p_changes.quantities) c (line_number, quantity) on c.line_number = l.line_number
        union all
        select v_edit.last_line_number + a.line_number, a.variant_id, a.vendor_id, a.product_name, a.product_sku, a.variant_name,
               a.quantity, a.unit_price_amount, a.tax_rate_bp, a.platform_rate_bp
        from unnest(v_added.lines) a) n
  where n.quantity > 0;

  v_edit.last_line_number := v_edit.last_line_number + coalesce(cardinality(v_added.lines), 0);
  if v_edit.lines is null then
    v_edit.refusal := ledger.refuse('empty_order');
  elsif cardinality(v_edit.lines) > greatest(v_max_lines, cardinality(v_edit.lines_before)) then
    v_edit.refusal := ledger.refuse('too_many_lines', jsonb_build_object('maximum', v_max_lines, 'lines', cardinality(v_edit.lines)));
  elsif exists (select from unnest(v_edit.lines) l where l.total_price_amount is null) then
    v_edit.refusal := ledger.refuse('amount_too_large', jsonb_build_object('maximum', 9007199254740991));
  end if;
  return v_edit;
end $$;
comment on function ledger.edited_lines(public.orders, ledger.order_changes, jsonb) is
  'The lines of a locked order before and after changes, without discount and tax, or the refusal.';

/* The state of an order as the event of an edit keeps it. */
create function ledger.order_state(p_order public.orders, p_lines ledger.priced_line[])
returns jsonb
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  return jsonb_build_object(
    'subtotal_amount', p_order.subtotal_amount, 'discount_amount', p_order.discount_amount, 'tax_amount', p_order.tax_amount,
    'total_amount', p_order.total_amount, 'payment_status', p_order.payment_status,
    'lines', (select jsonb_agg(jsonb_build_object(
                'line_number', l.line_number, 'variant_id', l.variant_id, 'quantity', l.quantity, 'unit_price_amount', l.unit_price_amount,
                'discount_amount', l.discount_amount, 'tax_amount', l.tax_amount) order by l.line_number)
              from unnest(p_lines) l));
end $$;
comment on function ledger.order_state(public.orders, ledger.priced_line[]) is
  'Totals, payment status and lines of an order as JSON: [{line_number, variant_id, quantity, unit_price_amount, discount_amount, tax_amount}].';
