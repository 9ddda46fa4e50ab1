/* The streams in which events of these variants are: what moved or held them. */
create function ledger.streams_of_variants(p_variant_ids uuid[])
returns table (stream_id uuid)
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  return query
    select v.id from unnest(p_variant_ids) v (id)
    union
    select m.order_id from public.stock_movements m where m.variant_id = any (p_variant_ids) and m.order_id is not null
    union
    -- those that ended hold nothing
    select l.reservation_id
    from public.stock_reservations r
    join public.stock_reservation_lines l on l.reservation_id = r.id
    where r.status = 'active' and l.variant_id = any (p_variant_ids);
end $$;
comment on function ledger.streams_of_variants(uuid[]) is 'Streams that events about units of these variants can be of: themselves, orders and reservations.';

create type ledger.replayed_variant as (
  variant_id uuid, on_hand bigint, held bigint, exact_after_event_id bigint
);
comment on type ledger.replayed_variant is 'The stock of a variant as events have left it, in units.';

/*
 * Stock per variant, all its slots together, as events have left it, from nothing but events. What was sold
 * left, but for what had to wait (backordered) and as far as imported orders did not bring their goods along; what
 * waited left when it was filled; what came back came by a refund, an ending or a return. Held is
 * what reservations took that did not end. Of events from before they said all that: units that came back without
 * their variant make every variant of their order null, and so does a backorder the variant that waited, which only
 * its row tells of.
 */
create function ledger.replayed_stock(p_variant_ids uuid[] default null)
returns setof ledger.replayed_variant
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  return query execute format($query$
    with units as (
      select e.id, e.stream_id, e.event_type, u.unit, e.event_type = 'order.placed' and e.payload ? 'imported' and not e.payload ? 'stock' as is_untold
      from %1$s e
      cross join lateral jsonb_array_elements(case e.event_type
        when 'stock.adjusted' then jsonb_build_array(e.payload || jsonb_build_object('variant_id', e.stream_id))
        when 'backorder.filled' then jsonb_build_array(e.payload)
        when 'order.placed' then case e.payload ->> 'stock' when 'kept' then '[]' else e.payload -> 'items' end || coalesce(e.payload -> 'backordered', '[]')
        when 'order.edited' then (e.payload -> 'changes') || coalesce(e.payload -> 'backordered', '[]')
        when 'order.return_received' then coalesce(e.payload -> 'restocked', '[{}]')
        else e.payload -> 'lines' end) u (unit)
      where e.event_type in ('stock.adjusted', 'backorder.filled', 'order.placed', 'order.edited', 'order.return_received', 'order.refunded')
         -- a change of status that took nothing back is most of all events
         or (e.event_type = 'order.status_changed' and e.payload ? 'lines')),
    held as (
      select (l.line ->> 'variant_id')::uuid as variant_id, (l.line ->> 'quantity')::bigint as quantity
      from %1$s e
      cross join lateral jsonb_array_elements(e.payload -> 'lines') l (line)
      where e.event_type = 'stock.reserved'
        and not exists (select from %1$s n
                        where n.stream_id = e.stream_id
                          and n.event_type in ('stock.reservation_consumed', 'stock.reservation_released', 'stock.reservation_expired'))),
    waited as (
      -- not all that an order waits for is in its events, and the one that placed it says nothing of it
      select b.variant_id, e.id
      from public.backorders b
      join %1$s e on e.stream_id = b.order_id and e.event_type = 'order.placed'
      cross join lateral (select jsonb_build_array(jsonb_build_object('variant_id', b.variant_id)) as variant) v
      where not coalesce(e.payload -> 'backordered' @> v.variant, false)
        and b.quantity <> coalesce((
          select sum((u.unit ->> 'backordered')::bigint)
          from public.immutable_events n
          cross join lateral jsonb_array_elements(n.payload -> 'backordered') u (unit)
          where n.stream_id = b.order_id and n.event_type = 'order.edited' and u.unit ->> 'variant_id' = b.variant_id::text), 0)),
    moved as (
      select (u.unit ->> 'variant_id')::uuid as variant_id, u.stream_id, u.id,
             case when u.is_untold then null
                  when u.unit ? 'backordered' then (u.unit ->> 'backordered')::bigint
                  when u.event_type in ('stock.adjusted', 'order.return_received') then (u.unit ->> 'quantity')::bigint
                  when u.event_type in ('order.placed', 'backorder.filled') then -(u.unit ->> 'quantity')::bigint
                  when u.event_type = 'order.edited' then (u.unit ->> 'old_quantity')::bigint - (u.unit ->> 'new_quantity')::bigint
                  else (u.unit ->> 'restocked_quantity')::bigint end as quantity, 0 as held
      from units u
      union all
      -- an ending of before there were refunds put all of it back, or nothing
      select (i.unit ->> 'variant_id')::uuid, e.stream_id, e.id, (i.unit ->> 'quantity')::bigint, 0
      from %1$s e
      join %1$s p on p.stream_id = e.stream_id and p.event_type = 'order.placed'
      cross join lateral jsonb_array_elements(p.payload -> 'items') i (unit)
      where e.event_type = 'order.status_changed' and e.payload ->> 'restocked' = 'true' and not e.payload ? 'refund_id'
      union all
      select h.variant_id, null, 0, 0, h.quantity from held h
      union all
      select w.variant_id, null, w.id, null, 0 from waited w),
    summed as (
      select m.variant_id, case when m.variant_id is null then m.stream_id end as order_id, coalesce(sum(m.quantity), 0) as on_hand, sum(m.held) as held,
             max(m.id) filter (where m.quantity is null or (m.variant_id is null and m.quantity <> 0)) as untold
      from moved m
      where $1 is null or m.variant_id = any ($1) or m.variant_id is null
      group by m.variant_id, order_id),
    open as (
      -- what an event did not name the variant of may be of each that its order ever had
      select (u.unit ->> 'variant_id')::uuid as variant_id, max(n.untold) as untold
      from summed n
      join public.immutable_events e on e.stream_id = n.order_id and e.event_type in ('order.placed', 'order.edited')
      cross join lateral jsonb_array_elements((case e.event_type when 'order.placed' then e.payload -> 'items' else e.payload -> 'changes' end) || '[]') u (unit)
      where n.untold is not null
      group by 1),
    told as (
      select s.variant_id, s.on_hand, s.held, greatest(s.untold, o.untold) as untold
      from summed s
      left join open o on o.variant_id = s.variant_id
      where s.variant_id is not null)
    select t.variant_id, case when t.untold is null then t.on_hand::bigint end, t.held::bigint, t.untold
    from told t
  $query$, case when p_variant_ids is null then 'public.immutable_events'
                else '(select i.* from ledger.streams_of_variants($1) s join public.immutable_events i on i.stream_id = s.stream_id)' end)
  using p_variant_ids;
end $$;
comment on function ledger.replayed_stock(uuid[]) is
  'Units on hand and held of these variants, or of all, replayed from events alone. exact_after_event_id: the last event that did not say enough of the variant; on_hand is null then. A variant without events has no row.';
