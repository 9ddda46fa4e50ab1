-- what the stock says, beside its movements, what orders sold, what reservations hold and what is backordered
insert into public.integrity_checks (family, code, severity, scopes, repair, proves, query) values
  ('stock', 'stock_equals_movements', 'critical', '{all,changed}', 'stock_levels', 'What is on hand in each slot is the sum of its movements, and each was counted.', $$
    select format('%s/%s', s.variant_id, s.slot), null, s.on_hand, coalesce(m.quantity, 0), coalesce(m.quantity, 0) - s.on_hand
    from counted_stock_levels s
    left join (select n.variant_id, n.slot, sum(n.quantity) as quantity, count(*) as movements from stock_movements n group by n.variant_id, n.slot) m
      on m.variant_id = s.variant_id and m.slot = s.slot
    where s.on_hand <> coalesce(m.quantity, 0) or s.version <> coalesce(m.movements, 0)
  $$),
  ('stock', 'stock_equals_last_movement', 'critical', '{all,changed}', 'stock_levels', 'What is on hand in each slot is what its last movement left.', $$
    select format('%s/%s', s.variant_id, s.slot), null, m.on_hand_after, s.on_hand, s.on_hand - m.on_hand_after
    from stock_levels s
    cross join lateral (select n.on_hand_after, n.slot_version from public.stock_movements n
                        where n.variant_id = s.variant_id and n.slot = s.slot order by n.slot_version desc limit 1) m
    where (s.on_hand, s.version) <> (m.on_hand_after, m.slot_version)
  $$),
  ('stock', 'held_equals_active_reservations', 'error', '{all,changed}', 'stock_levels', 'What is held in each slot is what active reservations hold there.', $$
    select format('%s/%s', s.variant_id, s.slot), null, coalesce(h.quantity, 0), s.held, s.held - coalesce(h.quantity, 0)
    from stock_levels s
    left join (select l.variant_id, l.slot, sum(l.quantity) as quantity
               from public.stock_reservations r
               join public.stock_reservation_lines l on l.reservation_id = r.id
               where r.status = 'active'
               group by l.variant_id, l.slot) h on h.variant_id = s.variant_id and h.slot = s.slot
    where s.held <> coalesce(h.quantity, 0)
  $$),
  ('stock', 'variant_has_stock', 'error', '{all,changed}', null, 'Each variant has a row of stock for each of its slots.', $$
    select v.id, null, format('%s rows in stock_levels', v.stock_slots), count(s.slot), null
    from variants v left join stock_levels s on s.variant_id = v.id and s.slot < v.stock_slots
    group by v.id, v.stock_slots
    having count(s.slot) <> v.stock_slots
  $$),
  ('stock', 'spread_moves_nothing', 'critical', '{all,changed}', null, 'Spreading stock over slots makes and loses no unit.', $$
    select m.variant_id, null, 0, sum(m.quantity), sum(m.quantity)
    from stock_movements m
    where m.reason = 'slots_spread'
    group by m.variant_id
    having sum(m.quantity) <> 0
  $$),
  -- in a slot that is no longer in use nobody would look
  ('stock', 'unused_slot_holds_reserved_units_only', 'error', '{all,changed}', null, 'Slots that are not used any more hold nothing but what is reserved in them.', $$
    select format('%s/%s', s.variant_id, s.slot), null, s.held, s.on_hand, s.on_hand - s.held
    from stock_levels s join variants v on v.id = s.variant_id
    where s.slot >= v.stock_slots and s.on_hand <> s.held
  $$),
  -- open units wait only while nothing is available
  ('stock', 'backorder_waits_for_nothing_that_is_there', 'error', '{all,changed}', null, 'No order waits for units that are there.', $$
    select b.variant_id, null, 0, s.available, s.available
    from (select distinct w.variant_id
          from public.backorders w
          join public.orders o on o.id = w.order_id and o.status <> 'rejected'
          where w.open_quantity > 0) b
    join (select n.variant_id, sum(n.on_hand - n.held) as available from stock_levels n group by n.variant_id) s on s.variant_id = b.variant_id
    where s.available > 0
  $$),
  -- a movement of stock that there is not is of no variant that a run of changes could look at
  ('stock', 'movement_refers_to_what_is_there', 'critical', '{all}', null, 'Each movement is of stock that there is.', $$
    select format('%s/%s/%s', m.variant_id, m.slot, m.slot_version), null, 'stock of a variant', 'none', m.quantity
    from stock_movements m
    left join stock_levels s on s.variant_id = m.variant_id and s.slot = m.slot
    where s.variant_id is null
  $$)
on conflict (code) do update set
  family = excluded.family, severity = excluded.severity, proves = excluded.proves, query = excluded.query, repair = excluded.repair, scopes = excluded.scopes;

-- what orders moved
insert into public.integrity_checks (family, code, severity, repair, proves, query) values
  -- what an order has now: what left for it, and what it waits for or has given up waiting for
  ('stock_of_orders', 'sold_equals_order_movements', 'critical', null, 'What each order sold has left the stock, is waited for or was given up.', $$
    select format('%s/%s', coalesce(o.order_id, m.order_id), coalesce(o.variant_id, m.variant_id)),
           (select n.account_id from orders n where n.id = coalesce(o.order_id, m.order_id)),
           coalesce(o.quantity, 0), format('%s, backordered %s', coalesce(m.quantity, 0), coalesce(b.open_quantity + b.dropped_quantity, 0)),
           coalesce(m.quantity, 0) + coalesce(b.open_quantity + b.dropped_quantity, 0) - coalesce(o.quantity, 0)
    from (select i.order_id, i.variant_id, sum(i.quantity) as quantity from order_items i group by i.order_id, i.variant_id) o
    full join units_sold m on m.order_id = o.order_id and m.variant_id = o.variant_id
    left join backorders b on b.order_id = coalesce(o.order_id, m.order_id) and b.variant_id = coalesce(o.variant_id, m.variant_id)
    where coalesce(o.quantity, 0) <> coalesce(m.quantity, 0) + coalesce(b.open_quantity + b.dropped_quantity, 0)
  $$),
  ('stock_of_orders', 'no_more_came_back_than_had_left', 'critical', null, 'No more units came back of an order than had left for it.', $$
    select format('%s/%s', b.order_id, b.variant_id), o.account_id, coalesce(m.quantity, 0), b.quantity, b.quantity - coalesce(m.quantity, 0)
    from (select r.order_id, r.variant_id, sum(r.quantity) as quantity
          from order_movements r
          where r.reason in ('order_cancelled', 'order_refunded', 'return_restocked')
          group by r.order_id, r.variant_id) b
    left join units_sold m on m.order_id = b.order_id and m.variant_id = b.variant_id
    left join orders o on o.id = b.order_id
    where b.quantity > coalesce(m.quantity, 0)
  $$),
  ('stock_of_orders', 'backorder_filled_by_movements', 'critical', 'backorders', 'What a backorder says was filled has left the stock.', $$
    select format('%s/%s', b.order_id, b.variant_id), b.account_id, b.filled_quantity, coalesce(f.quantity, 0), coalesce(f.quantity, 0) - b.filled_quantity
    from backorders b
    left join (select m.order_id, m.variant_id, -sum(m.quantity) as quantity
               from order_movements m where m.reason = 'backorder_filled' group by m.order_id, m.variant_id) f
      on f.order_id = b.order_id and f.variant_id = b.variant_id
    where b.filled_quantity <> coalesce(f.quantity, 0)
  $$),
  -- an order that ended gives up all that it waited for, which is seen by what is open
  ('stock_of_orders', 'backorder_dropped_by_refunds', 'critical', null, 'What a living order gave up waiting for was refunded before it was shipped.', $$
    select format('%s/%s', b.order_id, b.variant_id), b.account_id, coalesce(r.quantity, 0), b.dropped_quantity, b.dropped_quantity - coalesce(r.quantity, 0)
    from backorders b
    join orders o on o.id = b.order_id and o.status not in ('cancelled', 'refunded')
    left join (select l.order_id, i.variant_id, sum(l.unshipped_quantity - l.restocked_quantity) as quantity
               from refund_lines l
               join order_items i on i.order_id = l.order_id and i.line_number = l.line_number
               where l.unshipped_quantity > 0
               group by l.order_id, i.variant_id) r on r.order_id = b.order_id and r.variant_id = b.variant_id
    where b.dropped_quantity <> coalesce(r.quantity, 0)
  $$),
  ('stock_of_orders', 'backorder_waits_for_a_living_order', 'error', 'backorders', 'What waits to be filled is for an order of its account that has not ended.', $$
    select format('%s/%s', b.order_id, b.variant_id), b.account_id, 'an order of its account that has not ended', coalesce(o.status, 'none'), b.open_quantity
    from backorders b left join orders o on o.id = b.order_id and o.account_id = b.account_id
    where o.id is null or (b.open_quantity > 0 and o.status in ('cancelled', 'refunded'))
  $$)
on conflict (code) do update set
  family = excluded.family, severity = excluded.severity, proves = excluded.proves, query = excluded.query, repair = excluded.repair, scopes = excluded.scopes;
