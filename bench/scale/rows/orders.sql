insert into public.orders
  (id, account_id, user_id, order_number, currency, status, payment_status, payment_method, prices_include_tax,
   subtotal_amount, discount_amount, shipping_amount, tax_amount, total_amount, wallet_amount, paid_amount, refunded_amount,
   wallet_refunded_amount, credited_amount, placed_by, version, created_at, updated_at)
select o.order_id, o.account_id, o.user_id, o.order_number, z.currency,
       case when o.cancelled_at is not null then 'cancelled' when o.delivered_at is not null then 'delivered'
            when o.processing_at is not null then 'processing' else 'pending' end,
       case when o.cancelled_at is not null then 'refunded' else 'paid' end, 'wallet', false,
       o.subtotal, 0, 0, o.tax, o.total, o.total, o.total, r.amount, r.amount, r.amount,
       o.user_id, 1 + num_nonnulls(o.processing_at, o.delivered_at, o.cancelled_at), o.created_at,
       coalesce(o.cancelled_at, o.delivered_at, o.processing_at, o.created_at)
from scale.orders o
cross join scale.size z
cross join lateral (select case when o.cancelled_at is not null then o.total else 0 end as amount) r
where o.chunk = $1::int
order by o.n
