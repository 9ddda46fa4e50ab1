insert into public.refunds
  (id, account_id, order_id, currency, goods_amount, tax_amount, credited_amount, wallet_amount, destination, created_at)
select scale.id_at(o.cancelled_at, o.n, 7), o.account_id, o.order_id, z.currency, o.subtotal, o.tax, o.total, o.total, 'wallet', o.cancelled_at
from scale.orders o cross join scale.size z
where o.chunk = $1::int and o.cancelled_at is not null
order by o.n
