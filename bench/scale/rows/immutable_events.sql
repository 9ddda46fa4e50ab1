insert into public.immutable_events
  (id, occurred_at, event_type, stream_type, stream_id, account_id, payload, actor_id, correlation_id)
select z.last_event + p.number, p.at, e.event_type, case p.what when 'deposit' then 'account' else 'order' end,
       coalesce(o.order_id, p.account_id), p.account_id, scale.payload_of(p, o, z.currency),
       case p.what when 'placed' then p.user_id end, scale.id_at(p.at, p.number, 5)
from scale.operations p
cross join scale.size z
left join scale.orders o on o.n = p.n
cross join lateral (select scale.event_type_of(p.what) as event_type) e
where p.chunk = $1::int
order by p.number
