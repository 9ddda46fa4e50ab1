/*
 * Why these units cannot be refunded, or null: only what was shipped and not refunded can be or, where the line
 * says "unshipped", what was neither. The order is locked.
 */
create function ledger.refuse_refund_lines(p_order public.orders, p_lines jsonb, p_past ledger.order_past)
returns jsonb
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_are_plain boolean;
  v_refusal jsonb;
begin
  -- most lists name shipped units of an order of which nothing was refunded: one statement sees that nothing is wrong with them
  if not p_past.is_refunded and jsonb_typeof(p_lines) = 'array' then
    select count(*) = jsonb_array_length(p_lines) and count(*) = count(distinct i.line_number) and count(*) between 1 and 5000 into v_are_plain
    from jsonb_array_elements(p_lines) e (line)
    join public.order_items i on i.account_id = p_order.account_id and i.order_id = p_order.id
      and e.line -> 'line_number' = to_jsonb(i.line_number)
    join ledger.shipped_units(p_order.id) s on s.line_number = i.line_number
    where case when jsonb_typeof(e.line) = 'object' then
                 e.line - '{line_number,quantity}'::text[] in ('{}', '{"restock": true}', '{"restock": false}') end
      and case when jsonb_typeof(e.line -> 'quantity') = 'number' and e.line ->> 'quantity' ~ '^[1-9][0-9]{0,8}$' then
                 (e.line ->> 'quantity')::bigint <= s.shipped_quantity end;
    if v_are_plain then
      return null;
    end if;
  end if;

  v_refusal := ledger.refuse_line_list(p_lines, '{quantity}');
  if v_refusal is null and exists (
    select from jsonb_array_elements(p_lines) e (line)
    where jsonb_typeof(e.line -> 'restock') <> 'boolean' or jsonb_typeof(e.line -> 'unshipped') <> 'boolean') then
    v_refusal := ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_lines', 'problem', 'restock and unshipped are true or false'));
  end if;
  v_refusal := coalesce(v_refusal, ledger.refuse_unknown_line(p_order, p_lines));
  if v_refusal is not null then
    return v_refusal;
  end if;
  return (
    select ledger.refuse('units_not_refundable', jsonb_build_object('order_number', p_order.order_number, 'line', l.line_number,
      'name', l.name, 'requested', l.requested, 'refundable', l.refundable, 'shipped', l.shipped, 'refunded', l.refunded))
    from (
      select i.line_number, ledger.item_name(i.product_name, i.variant_name) as name, a.quantity as requested,
             coalesce(s.shipped_quantity, 0) as shipped, coalesce(r.quantity, 0) as refunded,
             case when a.unshipped then i.quantity - coalesce(s.shipped_quantity, 0) - coalesce(r.unshipped_quantity, 0)
                  else coalesce(s.shipped_quantity, 0) - coalesce(r.quantity - r.unshipped_quantity, 0) end as refundable
      from jsonb_to_recordset(p_lines) a (line_number numeric, quantity numeric, unshipped boolean)
      join public.order_items i on i.account_id = p_order.account_id and i.order_id = p_order.id and i.line_number = a.line_number
      left join ledger.shipped_units(p_order.id) s on s.line_number = i.line_number
      left join ledger.refunded_units(p_order.id) r on r.line_number = i.line_number) l
    where l.requested > l.refundable
    order by l.line_number
    limit 1);
end $$;
comment on function ledger.refuse_refund_lines(public.orders, jsonb, ledger.order_past) is
  'The refusal for lines to be refunded, [{"line_number", "quantity", "restock", "unshipped"}], or null.';
