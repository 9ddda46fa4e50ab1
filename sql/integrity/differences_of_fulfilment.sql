/* What shipments and returns say, beside the orders, refunds and stock they belong to. */
create function ledger.differences_of_fulfilment()
returns table (check_code text, subject text, expected text, found text)
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  with shipped as (
    select l.order_id, l.line_number, sum(l.quantity) as quantity
    from public.shipment_lines l
    group by l.order_id, l.line_number),
  returned as (
    select l.order_id, l.line_number, sum(l.received_quantity) as received, sum(l.refunded_quantity) as refunded
    from public.return_lines l
    group by l.order_id, l.line_number),
  refunded as (
    select r.order_id, r.line_number, sum(r.quantity) as quantity, sum(r.unshipped_quantity) as unshipped
    from public.refund_lines r
    group by r.order_id, r.line_number)
  select 'shipped_at_most_what_was_ordered', format('%s/%s', s.order_id, s.line_number), format('at most %s', i.quantity), s.quantity::text
  from shipped s join public.order_items i on i.order_id = s.order_id and i.line_number = s.line_number
  where s.quantity > i.quantity
  union all
  select 'shipped_order_is_out', format('%s/%s', i.order_id, i.line_number), (i.quantity - coalesce(f.unshipped, 0))::text, coalesce(s.quantity, 0)::text
  from public.orders o
  join public.order_items i on i.order_id = o.id
  left join shipped s on s.order_id = i.order_id and s.line_number = i.line_number
  left join refunded f on f.order_id = i.order_id and f.line_number = i.line_number
  where o.status in ('shipped', 'delivered') and i.quantity - coalesce(f.unshipped, 0) <> coalesce(s.quantity, 0)
  union all
  select 'delivered_order_has_arrived', s.id::text, 'delivered', s.status
  from public.shipments s join public.orders o on o.id = s.order_id
  where o.status = 'delivered' and s.delivered_at is null
  union all
  select 'shipments_count_from_one', s.order_id::text, count(*)::text, max(s.shipment_number)::text
  from public.shipments s
  group by s.order_id
  having count(*) <> max(s.shipment_number)
  union all
  select 'shipment_has_lines_of_its_order', s.id::text, 'lines, in the books of its order', 'other or none'
  from public.shipments s
  join public.orders o on o.id = s.order_id
  where s.account_id <> o.account_id
     or not exists (select from public.shipment_lines l where l.shipment_id = s.id)
     or exists (select from public.shipment_lines l
                where l.shipment_id = s.id and (l.order_id, l.account_id) <> (s.order_id, s.account_id))
  union all
  select 'return_has_lines_of_its_order', r.id::text, 'lines, in the books of its order', 'other or none'
  from public.returns r
  join public.orders o on o.id = r.order_id
  where (r.account_id, r.user_id) <> (o.account_id, o.user_id)
     or not exists (select from public.return_lines l where l.return_id = r.id)
     or exists (select from public.return_lines l
                where l.return_id = r.id and (l.order_id, l.account_id) <> (r.order_id, r.account_id))
  union all
  select 'return_status_follows_its_lines', r.id::text, r.status, format('%s approved, %s received', l.approved, l.received)
  from public.returns r
  cross join lateral (select sum(n.approved_quantity) as approved, sum(n.received_quantity) as received
                      from public.return_lines n where n.return_id = r.id) l
  where case r.status
          when 'approved' then l.approved <= l.received
          when 'received' then l.approved = 0 or l.approved <> l.received
          when 'closed' then false
          else l.approved <> 0 end
  union all
  -- goods of a delivered order that was refunded ahead of them may still come
  select 'ended_order_has_no_open_return', r.id::text, 'closed', r.status
  from public.returns r join public.orders o on o.id = r.order_id
  where (o.status = 'refunded' and r.status = 'requested') or (o.status = 'cancelled' and r.status in ('requested', 'approved'))
  union all
  select 'received_at_most_what_was_shipped', format('%s/%s', r.order_id, r.line_number), format('at most %s', coalesce(s.quantity, 0)), r.received::text
  from returned r left join shipped s on s.order_id = r.order_id and s.line_number = r.line_number
  where r.received > coalesce(s.quantity, 0)
  union all
  select 'refunded_returns_are_refunded_units', format('%s/%s', r.order_id, r.line_number), format('at most %s', coalesce(f.quantity, 0)), r.refunded::text
  from returned r left join refunded f on f.order_id = r.order_id and f.line_number = r.line_number
  where r.refunded > coalesce(f.quantity, 0)
  union all
  select 'restocked_returns_equal_movements', format('%s/%s', coalesce(b.order_id, m.order_id), coalesce(b.variant_id, m.variant_id)),
         coalesce(b.quantity, 0)::text, coalesce(m.quantity, 0)::text
  from (select l.order_id, i.variant_id, sum(l.restocked_quantity) as quantity
        from public.return_lines l join public.order_items i on i.order_id = l.order_id and i.line_number = l.line_number
        where l.restocked_quantity > 0
        group by l.order_id, i.variant_id) b
  full join (select m.order_id, m.variant_id, sum(m.quantity) as quantity
             from public.stock_movements m
             where m.reason = 'return_restocked'
             group by m.order_id, m.variant_id) m on m.order_id = b.order_id and m.variant_id = b.variant_id
  where coalesce(b.quantity, 0) <> coalesce(m.quantity, 0);
$$;
comment on function ledger.differences_of_fulfilment() is 'Differences between shipments and returns and the orders, refunds and stock they belong to.';
