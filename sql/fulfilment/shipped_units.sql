/* What of an order is out. */
create function ledger.shipped_units(p_order_id uuid)
returns table (line_number integer, shipped_quantity bigint)
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  return query
    select l.line_number, sum(l.quantity)::bigint
    from public.shipment_lines l
    where l.order_id = p_order_id
    group by l.line_number;
end $$;
comment on function ledger.shipped_units(uuid) is 'Units of each line of an order that were shipped; lines of which nothing was are left out.';

create function ledger.units_under_way(p_order_id uuid)
returns table (line_number integer, quantity bigint)
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  return query
    select l.line_number, sum(l.quantity)::bigint
    from public.shipment_lines l
    join public.shipments s on s.id = l.shipment_id
    where l.order_id = p_order_id and s.delivered_at is null
    group by l.line_number;
end $$;
comment on function ledger.units_under_way(uuid) is
  'Units of each line of an order in shipments that have not arrived; lines without any are left out.';

/* A line of an order, and what of it can go out now. */
create type ledger.shippable_line as (
  line_number integer,
  name text,
  quantity bigint,
  shipped_quantity bigint,
  backordered_quantity bigint,
  shippable_quantity bigint
);

/*
 * The lines of an order with what is to be sent (all but what was refunded before it went out), what is out
 * and what can still go. A backorder is one figure for all
 * lines of a variant: it counts against the last of them, so what there is goes out by line number.
 */
create function ledger.shippable_lines(p_order public.orders)
returns setof ledger.shippable_line
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  return query
    with lines as (
      select i.line_number, i.variant_id, ledger.item_name(i.product_name, i.variant_name) as name, i.quantity - coalesce(r.unshipped_quantity, 0) as quantity,
             coalesce(s.shipped_quantity, 0) as shipped, coalesce(b.quantity, 0) as open_backorder
      from public.order_items i
      left join ledger.shipped_units(p_order.id) s on s.line_number = i.line_number
      left join ledger.refunded_units(p_order.id) r on r.line_number = i.line_number
      left join ledger.open_backorders(p_order.id) b on b.variant_id = i.variant_id
      where i.account_id = p_order.account_id and i.order_id = p_order.id),
    waiting as (
      select l.*, least(l.quantity - l.shipped, greatest(0, l.open_backorder - coalesce(sum(l.quantity - l.shipped) over (
               partition by l.variant_id order by l.line_number desc
               rows between unbounded preceding and 1 preceding), 0)))::bigint as backordered
      from lines l)
    select w.line_number, w.name, w.quantity, w.shipped, w.backordered, w.quantity - w.shipped - w.backordered
    from waiting w
    order by w.line_number;
end $$;
comment on function ledger.shippable_lines(public.orders) is
  'Each line of an order with its units: to be sent in all, shipped, on backorder, and shippable now.';

/* The same for who sends all that can go, as ledger.ship_units takes it. */
create function ledger.units_left(p_order public.orders)
returns jsonb
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  return (
    select jsonb_agg(jsonb_build_object('line_number', s.line_number, 'quantity', s.shippable_quantity) order by s.line_number)
    from ledger.shippable_lines(p_order) s
    where s.shippable_quantity > 0);
end $$;
comment on function ledger.units_left(public.orders) is
  'Units of an order that can go out now: [{"line_number", "quantity"}], null when none can.';
