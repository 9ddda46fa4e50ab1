insert into public.shipments (id, account_id, order_id, shipment_number, shipped_at, delivered_at)
select scale.id_at(o.delivered_at, o.n, 6), o.account_id, o.order_id, 1, o.delivered_at, o.delivered_at
from scale.orders o
where o.chunk = $1::int and o.delivered_at is not null
order by o.n
