/* What order_tracking tells of parcels, backorders and returns, each as an array for JSON. */
create function ledger.tracked_shipments(p_account_id uuid, p_order_id uuid)
returns jsonb
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  return (
    select coalesce(jsonb_agg(jsonb_build_object(
             'shipment_id', s.id, 'shipment_number', s.shipment_number, 'status', s.status, 'carrier', s.carrier,
             'tracking_number', s.tracking_number, 'estimated_delivery_at', s.estimated_delivery_at,
             'shipped_at', s.shipped_at, 'delivered_at', s.delivered_at,
             'lines', (select jsonb_agg(jsonb_build_object('line_number', l.line_number, 'quantity', l.quantity) order by l.line_number)
                       from public.shipment_lines l
                       where l.account_id = s.account_id and l.shipment_id = s.id)) order by s.shipment_number), '[]')
    from public.shipments s
    where s.account_id = p_account_id and s.order_id = p_order_id);
end $$;
comment on function ledger.tracked_shipments(uuid, uuid) is 'Shipments of an order as order_tracking answers them.';

create function ledger.tracked_backorders(p_account_id uuid, p_order_id uuid)
returns jsonb
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  if not exists (select from ledger.open_backorders(p_order_id)) then
    return '[]'::jsonb;
  end if;
  return (
    select coalesce(jsonb_agg(jsonb_build_object('line_number', i.line_number, 'variant_id', i.variant_id,
                                                 'quantity', s.backordered_quantity) order by i.line_number), '[]')
    from public.orders o
    cross join lateral ledger.shippable_lines(o) s
    join public.order_items i on i.account_id = o.account_id and i.order_id = o.id and i.line_number = s.line_number
    where o.account_id = p_account_id and o.id = p_order_id and s.backordered_quantity > 0);
end $$;
comment on function ledger.tracked_backorders(uuid, uuid) is 'Open backorders of an order by line, as order_tracking answers them.';

create function ledger.tracked_returns(p_account_id uuid, p_order_id uuid)
returns jsonb
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  return (
    select coalesce(jsonb_agg(jsonb_build_object(
             'return_id', r.id, 'status', r.status, 'reason', r.reason, 'created_at', r.created_at, 'updated_at', r.updated_at,
             'lines', (select jsonb_agg(jsonb_build_object('line_number', l.line_number, 'quantity', l.quantity,
                                'approved_quantity', l.approved_quantity, 'received_quantity', l.received_quantity,
                                'refunded_quantity', l.refunded_quantity) order by l.line_number)
                       from public.return_lines l
                       where l.account_id = r.account_id and l.return_id = r.id)) order by r.id), '[]')
    from public.returns r
    where r.account_id = p_account_id and r.order_id = p_order_id);
end $$;
comment on function ledger.tracked_returns(uuid, uuid) is 'Returns of an order as order_tracking answers them.';
