/*
 * Why these lines of an order cannot be changed now, or null; the order is locked. Customers edit while
 * the order is pending, and buy more of a line only at the price it was sold at: what costs something
 * else by now is added as a new line.
 */
create function ledger.refuse_edit(p_order public.orders, p_changes ledger.order_changes, p_by_staff boolean)
returns jsonb
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_reason text := case
    when p_order.status not in ('pending', 'confirmed', 'processing') then format('it is already %s', p_order.status)
    when p_order.status <> 'pending' and not p_by_staff then format('it is %s, customers edit while it is pending', p_order.status)
    -- also units that cost nothing: they would cost something by the edit, and count as taken back for good
    when p_order.credited_amount > 0 or exists (
      select from public.refund_lines l where l.order_id = p_order.id) then 'a part of it was refunded'
  end;
  v_invoice_number text := ledger.live_invoice_number(p_order.account_id, p_order.id);
  v_bad record;
begin
  if v_invoice_number is not null then
    return ledger.refuse('order_invoiced', jsonb_build_object('order_number', p_order.order_number, 'invoice_number', v_invoice_number));
  end if;
  if v_reason is not null then
    return ledger.refuse('edit_not_allowed', jsonb_build_object('order_number', p_order.order_number, 'reason', v_reason));
  end if;

  select l.* into v_bad
  from (
    select c.line_number, c.quantity, coalesce(s.shipped_quantity, 0) as shipped, i.variant_id, i.unit_price_amount,
           ledger.item_name(i.product_name, i.variant_name) as name, v.price_amount, v.currency,
           case
             when i.line_number is null then 'unknown'
             when c.quantity < s.shipped_quantity then 'shipped'
             when p_by_staff or c.quantity <= i.quantity then null
             when not (v.is_active and p.is_active) then 'unavailable'
             when v.price_amount <> i.unit_price_amount or v.currency <> p_order.currency then 'price'
           end as problem
    from unnest(p_changes.line_numbers, p_changes.quantities) c (line_number, quantity)
    left join public.order_items i on i.account_id = p_order.account_id and i.order_id = p_order.id and i.line_number = c.line_number
    left join ledger.shipped_units(p_order.id) s on s.line_number = i.line_number
    left join public.variants v on v.id = i.variant_id
    left join public.products p on p.id = v.product_id) l
  where l.problem is not null
  order by l.line_number
  limit 1;
  return case v_bad.problem
    when 'unknown' then ledger.refuse('line_not_found', jsonb_build_object('order_number', p_order.order_number, 'line', v_bad.line_number))
    when 'shipped' then ledger.refuse('line_shipped', jsonb_build_object('order_number', p_order.order_number, 'line', v_bad.line_number,
      'name', v_bad.name, 'shipped', v_bad.shipped, 'quantity', v_bad.quantity))
    when 'unavailable' then ledger.refuse('variant_unavailable', jsonb_build_object('line', v_bad.line_number, 'variant_id', v_bad.variant_id,
      'name', v_bad.name))
    when 'price' then ledger.refuse('price_changed', jsonb_build_object('line', v_bad.line_number, 'variant_id', v_bad.variant_id,
      'total', v_bad.price_amount, 'expected', v_bad.unit_price_amount, 'currency', v_bad.currency))
  end;
end $$;
comment on function ledger.refuse_edit(public.orders, ledger.order_changes, boolean) is
  'The refusal for changes to a locked order, or null. In price_changed, total is the unit price of today and expected the one of the line.';
