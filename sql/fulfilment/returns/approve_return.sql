/* How much of a return is approved: all that was asked, or by line less. */

/* Why these lines cannot be approved, as a refusal, or null. */
create function ledger.refuse_approval(p_order public.orders, p_return_id uuid, p_lines jsonb)
returns jsonb
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_answer jsonb;
begin
  if p_lines is null then
    return null;
  end if;
  v_answer := ledger.refuse_line_list(p_lines, '{quantity}');
  if v_answer is null then
    v_answer := ledger.refuse_unknown_line(p_order, p_lines);
  end if;
  if v_answer is null then
    v_answer := (
      select ledger.refuse('units_not_returnable', jsonb_build_object('line', i.line_number,
        'name', ledger.item_name(i.product_name, i.variant_name), 'returnable', coalesce(l.quantity, 0), 'requested', e.line -> 'quantity'))
      from jsonb_array_elements(p_lines) e (line)
      join public.order_items i on i.account_id = p_order.account_id and i.order_id = p_order.id
        and i.line_number = (e.line ->> 'line_number')::numeric
      left join public.return_lines l on l.account_id = p_order.account_id and l.return_id = p_return_id and l.line_number = i.line_number
      where (e.line ->> 'quantity')::numeric > coalesce(l.quantity, 0)
      order by i.line_number
      limit 1);
  end if;
  return v_answer;
end $$;
comment on function ledger.refuse_approval(public.orders, uuid, jsonb) is
  'The refusal for approving more of a return than was asked, or a list of the wrong shape, or null.';

create function ledger.approve_lines(p_order public.orders, p_return_id uuid, p_lines jsonb)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  update public.return_lines l set
    approved_quantity = case when p_lines is null then l.quantity
      else coalesce((select (e.line ->> 'quantity')::numeric::bigint
                     from jsonb_array_elements(p_lines) e (line)
                     where (e.line ->> 'line_number')::numeric = l.line_number), 0) end
  where l.account_id = p_order.account_id and l.return_id = p_return_id;
end $$;
comment on function ledger.approve_lines(public.orders, uuid, jsonb) is
  'Approves the lines of a return: all that was asked, or what a checked list says.';
