/* What the stock says, beside its movements, what orders sold, what reservations hold and what is backordered. */
create function ledger.differences_of_stock()
returns table (check_code text, subject text, expected text, found text)
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  with ordered as (
    select i.order_id, i.variant_id, sum(i.quantity) as quantity
    from public.order_items i
    group by i.order_id, i.variant_id),
  moved as (
    select m.order_id, m.variant_id, -sum(m.quantity) as quantity
    from public.stock_movements m
    where m.reason in ('order_placed', 'order_edited', 'backorder_filled')
    group by m.order_id, m.variant_id),
  held as (
    select l.variant_id, l.slot, sum(l.quantity) as quantity
    from public.stock_reservation_lines l
    join public.stock_reservations r on r.id = l.reservation_id
    where r.status = 'active'
    group by l.variant_id, l.slot),
  filled as (
    select m.order_id, m.variant_id, -sum(m.quantity) as quantity
    from public.stock_movements m
    where m.reason = 'backorder_filled'
    group by m.order_id, m.variant_id)
  select 'stock_equals_movements', format('%s/%s', s.variant_id, s.slot), s.on_hand::text, coalesce(sum(m.quantity), 0)::text
  from public.stock_levels s left join public.stock_movements m on m.variant_id = s.variant_id and m.slot = s.slot
  group by s.variant_id, s.slot, s.on_hand, s.version
  having s.on_hand <> coalesce(sum(m.quantity), 0) or s.version <> count(m.variant_id)
  union all
  -- what an order has now: what left for it, and what it waits for or has given up waiting for
  select 'sold_equals_order_movements', format('%s/%s', coalesce(o.order_id, m.order_id), coalesce(o.variant_id, m.variant_id)),
         coalesce(o.quantity, 0)::text, format('%s, backordered %s', coalesce(m.quantity, 0), coalesce(b.open_quantity + b.dropped_quantity, 0))
  from ordered o
  full join moved m on m.order_id = o.order_id and m.variant_id = o.variant_id
  left join public.backorders b on b.order_id = coalesce(o.order_id, m.order_id) and b.variant_id = coalesce(o.variant_id, m.variant_id)
  where coalesce(o.quantity, 0) <> coalesce(m.quantity, 0) + coalesce(b.open_quantity + b.dropped_quantity, 0)
  union all
  select 'no_more_came_back_than_had_left', format('%s/%s', b.order_id, b.variant_id), coalesce(m.quantity, 0)::text, b.quantity::text
  from (select r.order_id, r.variant_id, sum(r.quantity) as quantity
        from public.stock_movements r
        where r.reason in ('order_cancelled', 'order_refunded', 'return_restocked')
        group by r.order_id, r.variant_id) b
  left join moved m on m.order_id = b.order_id and m.variant_id = b.variant_id
  where b.quantity > coalesce(m.quantity, 0)
  union all
  select 'movement_refers_to_what_is_there', format('%s/%s/%s', m.variant_id, m.slot, m.slot_version), 'stock of a variant', 'none'
  from public.stock_movements m
  left join public.stock_levels s on s.variant_id = m.variant_id and s.slot = m.slot
  where s.variant_id is null
  union all
  select 'variant_has_stock', v.id::text, format('%s rows in stock_levels', v.stock_slots), count(s.slot)::text
  from public.variants v left join public.stock_levels s on s.variant_id = v.id and s.slot < v.stock_slots
  group by v.id, v.stock_slots
  having count(s.slot) <> v.stock_slots
  union all
  select 'spread_moves_nothing', m.variant_id::text, '0', sum(m.quantity)::text
  from public.stock_movements m
  where m.reason = 'slots_spread'
  group by m.variant_id
  having sum(m.quantity) <> 0
  union all
  -- in a slot that is no longer in use nobody would look
  select 'unused_slot_holds_reserved_units_only', format('%s/%s', s.variant_id, s.slot), s.held::text, s.on_hand::text
  from public.stock_levels s join public.variants v on v.id = s.variant_id
  where s.slot >= v.stock_slots and s.on_hand <> s.held
  union all
  select 'held_equals_active_reservations', format('%s/%s', s.variant_id, s.slot), coalesce(h.quantity, 0)::text, s.held::text
  from public.stock_levels s left join held h on h.variant_id = s.variant_id and h.slot = s.slot
  where s.held <> coalesce(h.quantity, 0)
  union all
  select 'backorder_filled_by_movements', format('%s/%s', b.order_id, b.variant_id), b.filled_quantity::text, coalesce(f.quantity, 0)::text
  from public.backorders b left join filled f on f.order_id = b.order_id and f.variant_id = b.variant_id
  where b.filled_quantity <> coalesce(f.quantity, 0)
  union all
  select 'backorder_waits_for_a_living_order', format('%s/%s', b.order_id, b.variant_id), 'an order of its account that has not ended',
         coalesce(o.status, 'none')
  from public.backorders b left join public.orders o on o.id = b.order_id and o.account_id = b.account_id
  where o.id is null or (b.open_quantity > 0 and o.status in ('cancelled', 'refunded'))
  union all
  -- open units wait only while nothing is available
  select 'backorder_waits_for_nothing_that_is_there', b.variant_id::text, '0', s.available_quantity::text
  from (select distinct w.variant_id
        from public.backorders w
        join public.orders o on o.id = w.order_id and o.status <> 'rejected'
        where w.open_quantity > 0) b
  join public.variant_stock s on s.variant_id = b.variant_id
  where s.available_quantity > 0;
$$;
comment on function ledger.differences_of_stock() is
  'Stock that differs from its movements, movements from the orders, holds from the reservations, or backorders from what they say.';
