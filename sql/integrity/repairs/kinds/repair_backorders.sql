/* The backorders of an order: filled by movements, and given up where the order has ended. */
create function ledger.repair_backorders(p_subject uuid)
returns ledger.repair
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_order public.orders;
  v_history ledger.repair := ledger.repair_order_status(p_subject);
  v_has_ended boolean;
  v_repair ledger.repair;
begin
  select o.* into v_order from public.orders o where o.id = p_subject;
  if not found then
    return v_repair;
  end if;
  v_has_ended := coalesce(v_history.lines #>> '{0,to}', v_order.status) in ('cancelled', 'refunded');
  v_repair.stream_type := 'order';
  v_repair.account_id := v_order.account_id;
  with waiting as (
    select b.*, coalesce((select -sum(m.quantity) from public.stock_movements m
                          where m.order_id = p_subject and m.variant_id = b.variant_id and m.reason = 'backorder_filled'), 0)::bigint as filled
    from public.backorders b
    where b.order_id = p_subject)
  select coalesce(v_history.problem, min(format('%s units of variant %s were filled, and only %s were ever missing', w.filled, w.variant_id, w.quantity))
                                       filter (where w.filled > w.quantity)),
         jsonb_agg(l.line order by w.variant_id, l.place) filter (where l.line is not null)
  into v_repair.problem, v_repair.lines
  from waiting w
  left join lateral jsonb_array_elements(ledger.repair_lines('backorders', jsonb_build_object('order_id', p_subject, 'variant_id', w.variant_id),
    jsonb_build_object('account_id', w.account_id, 'filled_quantity', w.filled_quantity, 'dropped_quantity', w.dropped_quantity),
    jsonb_build_object('account_id', v_order.account_id, 'filled_quantity', w.filled,
                       'dropped_quantity', case when v_has_ended then w.quantity - w.filled else w.dropped_quantity end)))
    with ordinality l (line, place) on true;
  return v_repair;
end $$;
comment on function ledger.repair_backorders(uuid) is 'What brings an order''s backorders to the movements that filled them, and gives up those of an ended order.';
