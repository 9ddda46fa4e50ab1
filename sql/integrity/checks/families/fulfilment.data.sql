-- what shipments and returns say, beside the orders, refunds and stock they belong to
insert into public.integrity_checks (family, code, severity, repair, proves, query) values
  ('fulfilment', 'shipped_at_most_what_was_ordered', 'critical', null, 'No more units of a line went out than were ordered.', $$
    select format('%s/%s', s.order_id, s.line_number), i.account_id, format('at most %s', i.quantity), s.quantity, s.quantity - i.quantity
    from shipped_units s join order_items i on i.order_id = s.order_id and i.line_number = s.line_number
    where s.quantity > i.quantity
  $$),
  ('fulfilment', 'shipped_order_is_out', 'error', null, 'Of an order that is shipped or delivered every unit went out that was not given up.', $$
    select format('%s/%s', i.order_id, i.line_number), o.account_id, i.quantity - coalesce(f.unshipped, 0), coalesce(s.quantity, 0),
           coalesce(s.quantity, 0) - (i.quantity - coalesce(f.unshipped, 0))
    from orders o
    join order_items i on i.order_id = o.id
    left join shipped_units s on s.order_id = i.order_id and s.line_number = i.line_number
    left join refunded_units f on f.order_id = i.order_id and f.line_number = i.line_number
    where o.status in ('shipped', 'delivered') and i.quantity - coalesce(f.unshipped, 0) <> coalesce(s.quantity, 0)
  $$),
  ('fulfilment', 'delivered_order_has_arrived', 'error', null, 'All shipments of a delivered order have arrived.', $$
    select s.id, o.account_id, 'delivered', s.status, null
    from shipments s join orders o on o.id = s.order_id
    where o.status = 'delivered' and s.delivered_at is null
  $$),
  ('fulfilment', 'shipments_count_from_one', 'error', null, 'Shipments of an order are numbered from one without a gap.', $$
    select s.order_id, min(s.account_id::text), count(*), max(s.shipment_number), null
    from shipments s
    group by s.order_id
    having count(*) <> max(s.shipment_number)
  $$),
  ('fulfilment', 'shipment_has_lines_of_its_order', 'critical', null, 'Each shipment holds lines of its order, in the order''s account.', $$
    select s.id, o.account_id, 'lines, in the books of its order', 'other or none', null
    from shipments s
    join orders o on o.id = s.order_id
    left join (select l.shipment_id, bool_and((l.order_id, l.account_id) = (n.order_id, n.account_id)) as are_its
               from shipment_lines l join shipments n on n.id = l.shipment_id group by l.shipment_id) l on l.shipment_id = s.id
    where s.account_id <> o.account_id or l.are_its is not true
  $$),
  ('fulfilment', 'return_has_lines_of_its_order', 'critical', null, 'Each return is of lines of its order, in the order''s account.', $$
    select r.id, o.account_id, 'lines, in the books of its order', 'other or none', null
    from returns r
    join orders o on o.id = r.order_id
    left join (select l.return_id, bool_and((l.order_id, l.account_id) = (n.order_id, n.account_id)) as are_its
               from return_lines l join returns n on n.id = l.return_id group by l.return_id) l on l.return_id = r.id
    where (r.account_id, r.user_id) <> (o.account_id, o.user_id) or l.are_its is not true
  $$),
  ('fulfilment', 'return_status_follows_its_lines', 'error', null, 'The status of each return follows from what of it was approved and has arrived.', $$
    select r.id, r.account_id, r.status, format('%s approved, %s received', l.approved, l.received), null
    from returns r
    left join (select n.return_id, sum(n.approved_quantity) as approved, sum(n.received_quantity) as received
               from return_lines n group by n.return_id) l on l.return_id = r.id
    where case r.status
            when 'approved' then l.approved <= l.received
            when 'received' then l.approved = 0 or l.approved <> l.received
            when 'closed' then false
            else l.approved <> 0 end
  $$),
  -- goods of a delivered order that was refunded ahead of them may still come
  ('fulfilment', 'ended_order_has_no_open_return', 'error', null, 'No return of an order that ended waits for anything but goods that were refunded ahead.', $$
    select r.id, r.account_id, 'closed', r.status, null
    from returns r join orders o on o.id = r.order_id
    where (o.status = 'refunded' and r.status = 'requested') or (o.status = 'cancelled' and r.status in ('requested', 'approved'))
  $$),
  ('fulfilment', 'received_at_most_what_was_shipped', 'critical', null, 'No more units of a line came back than went out.', $$
    select format('%s/%s', r.order_id, r.line_number), o.account_id, format('at most %s', coalesce(s.quantity, 0)), r.received, r.received - coalesce(s.quantity, 0)
    from lines_returned r
    left join shipped_units s on s.order_id = r.order_id and s.line_number = r.line_number
    left join orders o on o.id = r.order_id
    where r.received > coalesce(s.quantity, 0)
  $$),
  ('fulfilment', 'refunded_returns_are_refunded_units', 'critical', null, 'Units that came back and were refunded are among the refunded ones.', $$
    select format('%s/%s', r.order_id, r.line_number), o.account_id, format('at most %s', coalesce(f.quantity, 0)), r.refunded, r.refunded - coalesce(f.quantity, 0)
    from lines_returned r
    left join refunded_units f on f.order_id = r.order_id and f.line_number = r.line_number
    left join orders o on o.id = r.order_id
    where r.refunded > coalesce(f.quantity, 0)
  $$),
  ('fulfilment', 'restocked_returns_equal_movements', 'critical', null, 'Returns that put units back in stock have the movements that did so.', $$
    select format('%s/%s', coalesce(b.order_id, m.order_id), coalesce(b.variant_id, m.variant_id)), b.account_id, coalesce(b.quantity, 0), coalesce(m.quantity, 0),
           coalesce(m.quantity, 0) - coalesce(b.quantity, 0)
    from (select l.order_id, i.variant_id, min(i.account_id::text) as account_id, sum(l.restocked_quantity) as quantity
          from return_lines l join order_items i on i.order_id = l.order_id and i.line_number = l.line_number
          where l.restocked_quantity > 0
          group by l.order_id, i.variant_id) b
    full join (select n.order_id, n.variant_id, sum(n.quantity) as quantity
               from order_movements n
               where n.reason = 'return_restocked'
               group by n.order_id, n.variant_id) m on m.order_id = b.order_id and m.variant_id = b.variant_id
    where coalesce(b.quantity, 0) <> coalesce(m.quantity, 0)
  $$)
on conflict (code) do update set
  family = excluded.family, severity = excluded.severity, proves = excluded.proves, query = excluded.query, repair = excluded.repair, scopes = excluded.scopes;
