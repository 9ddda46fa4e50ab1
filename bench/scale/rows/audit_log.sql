-- older lines have been purged by then
insert into public.audit_log
  (id, occurred_at, action, target_type, target_id, account_id, actor_id, actor_role, ip_address, user_agent, correlation_id)
select z.last_audit + p.number, p.at, scale.event_type_of(p.what), case p.what when 'deposit' then 'account' else 'order' end,
       coalesce(o.order_id, p.account_id)::text, p.account_id, case p.what when 'placed' then p.user_id end,
       case p.what when 'placed' then 'authenticated' else 'service_role' end, '203.0.113.7', 'bench', scale.id_at(p.at, p.number, 5)
from scale.operations p
cross join scale.size z
left join scale.orders o on o.n = p.n
where p.chunk = $1::int and p.at > z.ended_at - make_interval(days => z.audit_days)
order by p.number
