insert into public.transactions
  (id, account_id, account_version, type, amount, balance_after, order_id, actor_id, actor_action, metadata, correlation_id, created_at)
select scale.id_at(p.at, p.number, 2), p.account_id, p.account_version,
       case p.what when 'deposit' then 'deposit' when 'placed' then 'order_created' when 'cancelled' then 'order_cancelled'
                   else 'order_status_changed' end,
       p.amount, p.balance_after, o.order_id, case p.what when 'placed' then p.user_id end,
       case p.what when 'deposit' then 'deposit' when 'placed' then 'order placed' else 'order to ' || p.what end,
       case p.what when 'placed' then jsonb_build_object('order_number', o.order_number) else '{}' end,
       scale.id_at(p.at, p.number, 5), p.at
from scale.operations p left join scale.orders o on o.n = p.n
where p.chunk = $1::int
order by p.number
