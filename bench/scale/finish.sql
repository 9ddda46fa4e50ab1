/* Balances, stock and sequences end where the loaded records say. */
select set_config('ledger.procedure', 'scale', false);

insert into public.accounts as a (id, user_id, currency, total_earned, total_orders, version, created_at, updated_at)
select p.account_id, p.user_id, z.currency,
       coalesce(sum(p.amount) filter (where p.what = 'deposit'), 0),
       coalesce(-sum(p.amount) filter (where p.what <> 'deposit'), 0), count(*), min(p.at), max(p.at)
from scale.operations p cross join scale.size z
group by p.account_id, p.user_id, z.currency
on conflict (id) do update set
  total_earned = a.total_earned + excluded.total_earned,
  total_orders = a.total_orders + excluded.total_orders,
  version = a.version + excluded.version;

update public.stock_levels s set on_hand = s.on_hand + m.quantity, version = s.version + m.movements
from (select m.variant_id, sum(m.quantity) as quantity, count(*) as movements from scale.movements m group by m.variant_id) m
where s.variant_id = m.variant_id and s.slot = 0;

select setval('ledger.order_number_seq', z.last_number + z.orders),
       setval('ledger.event_id_seq', z.last_event + p.operations), setval('ledger.audit_id_seq', z.last_audit + p.operations)
from scale.size z, (select count(*) as operations from scale.operations) p;

-- what was received is an event of its variant, of nobody's books
insert into public.immutable_events (occurred_at, event_type, stream_type, stream_id, payload, correlation_id)
select m.at, 'stock.adjusted', 'variant', m.variant_id,
       jsonb_build_object('quantity', m.quantity, 'reason', m.reason, 'notes', null, 'on_hand_after', m.on_hand_after), scale.id_at(m.at, m.number, 8)
from scale.movements m
where m.reason = 'received'
order by m.number;

select set_config('ledger.procedure', '', false);
drop schema scale cascade;
