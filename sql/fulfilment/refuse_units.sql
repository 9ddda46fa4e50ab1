/* The refusal for more units of a line than can go out. */
create function ledger.refuse_units(p_line ledger.shippable_line, p_requested bigint)
returns jsonb
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  return ledger.refuse('units_not_shippable', jsonb_build_object(
    'line', p_line.line_number, 'name', p_line.name, 'requested', p_requested, 'shippable', p_line.shippable_quantity,
    'quantity', p_line.quantity, 'shipped', p_line.shipped_quantity, 'backordered', p_line.backordered_quantity));
end $$;
comment on function ledger.refuse_units(ledger.shippable_line, bigint) is 'The refusal for shipping more units of a line than can go out.';

/*
 * A status change straight to shipped or delivered sends what is left in one shipment, so that what is out
 * is always the sum of shipment lines, whichever way an order went. It cannot send what is not there.
 */
create function ledger.refuse_backordered(p_order public.orders)
returns jsonb
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_line ledger.shippable_line;
begin
  select s.* into v_line
  from ledger.shippable_lines(p_order) s
  where s.backordered_quantity > 0
  order by s.line_number
  limit 1;
  if not found then
    return null;
  end if;
  return ledger.refuse_units(v_line, v_line.quantity - v_line.shipped_quantity);
end $$;
comment on function ledger.refuse_backordered(public.orders) is
  'The refusal for shipping all that is left of an order with open backorders; null when no line of it waits.';
