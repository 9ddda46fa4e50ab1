/*
 * The totals of an edited order: the discount reckoned anew from its code, or dropped when the goods
 * no longer reach what the code asks for; shipping as it was. Source 004 (totals arithmetic).
 */
create function ledger.price_edit(p_order public.orders, p_changes ledger.order_changes, p_settings jsonb)
returns ledger.edited_order
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_edit ledger.edited_order := ledger.edited_lines(p_order, p_changes, p_settings);
  v_max_amount bigint := 9007199254740991;
  v_subtotal numeric;
  v_tax numeric;
  v_total numeric;
  v_code public.discount_codes;
begin
  if v_edit.refusal is not null then
    return v_edit;
  end if;
  v_subtotal := (select sum(l.total_price_amount) from unnest(v_edit.lines) l);
  if v_subtotal > v_max_amount then
    v_edit.refusal := ledger.refuse('amount_too_large', jsonb_build_object('maximum', v_max_amount));
    return v_edit;
  end if;
  v_edit.subtotal_amount := v_subtotal;

  -- discount
  select c.* into v_code from public.discount_codes c where c.id = p_order.discount_code_id;
  v_edit.keeps_discount := v_code.id is not null and v_subtotal >= v_code.minimum_subtotal_amount
                           and coalesce(v_code.currency = p_order.currency, true);
  v_edit.discount_amount := case
    when not v_edit.keeps_discount then 0
    when v_code.kind = 'percent' then ledger.divide_half_up(v_subtotal * v_code.percent_bp, 10000)
    else least(v_code.fixed_amount, v_edit.subtotal_amount) end;

  -- its shares, tax, total
  v_edit.lines := ledger.share_discount(v_edit.lines, v_edit.discount_amount, greatest(v_edit.subtotal_amount, 1), p_order.prices_include_tax);
  v_tax := (select sum(l.tax_amount) from unnest(v_edit.lines) l);
  v_total := v_subtotal - v_edit.discount_amount + p_order.shipping_amount + case when p_order.prices_include_tax then 0 else v_tax end;
  if v_total > v_max_amount then
    v_edit.refusal := ledger.refuse('amount_too_large', jsonb_build_object('maximum', v_max_amount));
    return v_edit;
  end if;
  v_edit.tax_amount := v_tax;
  v_edit.total_amount := v_total;

  -- what moves: lines of the same variant together
  select array_agg(w.variant_id order by w.line_number), array_agg(w.quantity order by w.line_number)
  into v_edit.variant_ids, v_edit.quantities
  from (select m.variant_id, sum(m.quantity)::bigint as quantity, min(m.line_number) as line_number
        from (select b.variant_id, b.quantity, b.line_number from unnest(v_edit.lines_before) b
              union all
              select a.variant_id, -a.quantity, a.line_number from unnest(v_edit.lines) a) m
        group by m.variant_id
        having sum(m.quantity) <> 0) w;
  v_edit.changes := (
    select coalesce(jsonb_agg(jsonb_build_object(
             'line_number', coalesce(b.line_number, a.line_number), 'variant_id', coalesce(b.variant_id, a.variant_id),
             'product_sku', coalesce(b.product_sku, a.product_sku), 'old_quantity', coalesce(b.quantity, 0),
             'new_quantity', coalesce(a.quantity, 0), 'unit_price_amount', coalesce(b.unit_price_amount, a.unit_price_amount))
             order by coalesce(b.line_number, a.line_number)), '[]')
    from unnest(v_edit.lines_before) b
    full join unnest(v_edit.lines) a on a.line_number = b.line_number
    where b.quantity is distinct from a.quantity);
  return v_edit;
end $$;
comment on function ledger.price_edit(public.orders, ledger.order_changes, jsonb) is
  'What a locked order would be after changes, or the refusal. Minor units, rounded like a new order.';
