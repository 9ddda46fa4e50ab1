insert into public.shipment_lines (shipment_id, line_number, account_id, order_id, quantity)
select scale.id_at(o.delivered_at, o.n, 6), l.line + 1, o.account_id, o.order_id, l.quantity
from scale.orders o
join scale.lines l using (n)
where l.chunk = $1::int and o.delivered_at is not null
order by o.n, l.line
