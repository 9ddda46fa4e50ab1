/* What of an order a call of ledger_ship_order asks for. */

/* Why these lines cannot go out, as a refusal, or null. Null for p_lines asks for all that can. */
create function ledger.refuse_shipping(p_order public.orders, p_lines jsonb)
returns jsonb
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_answer jsonb;
begin
  if p_lines is null then
    return (
      select ledger.refuse('nothing_to_ship', jsonb_build_object('order_number', p_order.order_number,
        'quantity', sum(s.quantity), 'shipped', sum(s.shipped_quantity), 'backordered', sum(s.backordered_quantity)))
      from ledger.shippable_lines(p_order) s
      having sum(s.shippable_quantity) = 0);
  end if;
  v_answer := ledger.refuse_line_list(p_lines, '{quantity}');
  if v_answer is null then
    v_answer := ledger.refuse_unknown_line(p_order, p_lines);
  end if;
  if v_answer is null then
    v_answer := (
      select ledger.refuse_units(s, (e.line ->> 'quantity')::numeric::bigint)
      from ledger.shippable_lines(p_order) s
      join jsonb_array_elements(p_lines) e (line) on (e.line ->> 'line_number')::numeric = s.line_number
      where (e.line ->> 'quantity')::numeric > s.shippable_quantity
      order by s.line_number
      limit 1);
  end if;
  return v_answer;
end $$;
comment on function ledger.refuse_shipping(public.orders, jsonb) is 'The refusal for lines of an order that cannot go out, or null.';

/* Every line of the order with the units that go out by this call, none for most. */
create function ledger.lines_to_ship(p_order public.orders, p_lines jsonb)
returns table (line_number integer, quantity bigint, shipped_quantity bigint, asked bigint)
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  return query
    select s.line_number, s.quantity, s.shipped_quantity,
           case when p_lines is null then s.shippable_quantity
                else coalesce((select (e.line ->> 'quantity')::numeric::bigint
                               from jsonb_array_elements(p_lines) e (line)
                               where (e.line ->> 'line_number')::numeric = s.line_number), 0) end
    from ledger.shippable_lines(p_order) s;
end $$;
comment on function ledger.lines_to_ship(public.orders, jsonb) is
  'Lines of an order with what is out and what a checked p_lines (null: all that can go) sends now.';
