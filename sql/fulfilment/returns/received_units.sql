/*
 * Units that came back through returns. Their goods are back in stock or written off whether or not
 * their money has gone back yet. A later refund of the line takes them first and restocks only what
 * it refunds beyond them: so nothing is restocked twice.
 */
create function ledger.received_units(p_order_id uuid)
returns table (line_number integer, received_quantity bigint, unrefunded_quantity bigint)
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  return query
    select l.line_number, sum(l.received_quantity)::bigint, sum(l.received_quantity - l.refunded_quantity)::bigint
    from public.return_lines l
    where l.order_id = p_order_id
    group by l.line_number;
end $$;
comment on function ledger.received_units(uuid) is
  'Units of each line that came back through returns, and how many of these are not refunded yet.';

/*
 * Marks received units as refunded, those of the oldest return first. Answers for each line how many
 * of the refunded units had come back already. The order is locked by the caller.
 */
create function ledger.settle_received_units(p_order_id uuid, p_line_numbers integer[], p_quantities bigint[])
returns bigint[]
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_settled bigint[];
begin
  with waiting as (
    select l.return_id, l.line_number, l.received_quantity - l.refunded_quantity as left_quantity,
           p_quantities[array_position(p_line_numbers, l.line_number)]
             - coalesce(sum(l.received_quantity - l.refunded_quantity) over (
                 partition by l.line_number order by l.return_id rows between unbounded preceding and 1 preceding), 0) as wanted
    from public.return_lines l
    where l.order_id = p_order_id and l.line_number = any (p_line_numbers) and l.received_quantity > l.refunded_quantity),
  settled as (
    update public.return_lines l set refunded_quantity = l.refunded_quantity + least(w.left_quantity, w.wanted)
    from waiting w
    where l.return_id = w.return_id and l.line_number = w.line_number and w.wanted > 0
    returning l.line_number, least(w.left_quantity, w.wanted) as quantity)
  select array_agg(coalesce((select sum(s.quantity) from settled s where s.line_number = a.line_number), 0)::bigint order by a.place)
  into v_settled
  from unnest(p_line_numbers) with ordinality a (line_number, place);
  return v_settled;
end $$;
comment on function ledger.settle_received_units(uuid, integer[], bigint[]) is
  'Marks up to these quantities of received units as refunded; answers per line how many there were.';

/* A line of an order and what of it can come back. */
create type ledger.returnable_line as (
  line_number integer,
  variant_id uuid,
  name text,
  shipped_quantity bigint,
  outside_quantity bigint,
  returnable_quantity bigint
);

/*
 * The lines of an order with the units that are outside (shipped and not back), and those of them that a
 * new return may name: neither refunded, nor in an open return, nor in a shipment that arrived before p_since.
 */
create function ledger.returnable_lines(p_order public.orders, p_since timestamptz default null)
returns setof ledger.returnable_line
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  return query
    with shipped as (
      select l.line_number, sum(l.quantity)::bigint as quantity,
             coalesce(sum(l.quantity) filter (where p_since is null or s.delivered_at is null or s.delivered_at >= p_since), 0)::bigint as recent
      from public.shipment_lines l
      join public.shipments s on s.id = l.shipment_id
      where l.order_id = p_order.id
      group by l.line_number),
    in_returns as (
      select l.line_number, sum(case r.status when 'requested' then l.quantity else l.approved_quantity - l.received_quantity end)::bigint as quantity
      from public.returns r
      join public.return_lines l on l.return_id = r.id
      where r.account_id = p_order.account_id and r.order_id = p_order.id and r.status in ('requested', 'approved')
      group by l.line_number)
    select i.line_number, i.variant_id, ledger.item_name(i.product_name, i.variant_name), coalesce(s.quantity, 0),
           coalesce(s.quantity, 0) - coalesce(b.received_quantity, 0) - coalesce(f.restocked_quantity, 0),
           greatest(0, least(coalesce(s.recent, 0), coalesce(s.quantity, 0) - coalesce(f.quantity - f.unshipped_quantity, 0)
                             - coalesce(b.unrefunded_quantity, 0) - coalesce(o.quantity, 0)))
    from public.order_items i
    left join shipped s on s.line_number = i.line_number
    left join in_returns o on o.line_number = i.line_number
    left join ledger.received_units(p_order.id) b on b.line_number = i.line_number
    left join ledger.refunded_units(p_order.id) f on f.line_number = i.line_number
    where i.account_id = p_order.account_id and i.order_id = p_order.id;
end $$;
comment on function ledger.returnable_lines(public.orders, timestamptz) is
  'Each line of an order with its units: shipped, shipped and not back, and returnable (of shipments that have not arrived before p_since).';
