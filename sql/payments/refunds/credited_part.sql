/* What was taken back of an order so far. */
create function ledger.refunded_units(p_order_id uuid)
returns table (line_number integer, quantity bigint, unshipped_quantity bigint, restocked_quantity bigint)
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  return query
    select l.line_number, sum(l.quantity)::bigint, sum(l.unshipped_quantity)::bigint,
           sum(least(l.restocked_quantity, l.quantity - l.unshipped_quantity))::bigint
    from public.refund_lines l
    where l.order_id = p_order_id
    group by l.line_number;
end $$;
comment on function ledger.refunded_units(uuid) is
  'Units of each line of an order that were refunded: in all, those that were never shipped, and those that were shipped and put back in stock. Lines without any are left out. Of an order that ended the last may count too much.';

create function ledger.credited_part(p_order public.orders)
returns ledger.order_part
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_line_numbers integer[];
  v_units bigint[];
  v_part ledger.order_part;
begin
  select coalesce(array_agg(r.line_number), '{}'), array_agg(r.quantity) into v_line_numbers, v_units
  from ledger.refunded_units(p_order.id) r;
  v_part := ledger.part_of_lines(p_order, v_line_numbers, v_units);
  select coalesce(sum(f.shipping_amount), 0), coalesce(sum(f.allowance_amount), 0), coalesce(sum(f.allowance_tax_amount), 0)
  into v_part.shipping_amount, v_part.allowance_amount, v_part.allowance_tax_amount
  from public.refunds f
  where f.order_id = p_order.id;
  return v_part;
end $$;
comment on function ledger.credited_part(public.orders) is 'The part of an order that was taken back: refunded units, shipping and allowances.';
