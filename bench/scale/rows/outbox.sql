-- delivered long ago
insert into ledger.outbox (id, account_id, type, event_id, status, next_retry_at, created_at)
select scale.id_at(p.at, p.number, 4), p.account_id, scale.event_type_of(p.what), z.last_event + p.number, 'sent', p.at, p.at
from scale.operations p cross join scale.size z
where p.chunk = $1::int
order by p.number
