insert into public.refund_lines
  (refund_id, line_number, account_id, order_id, quantity, unshipped_quantity, restocked_quantity, goods_amount, discount_amount,
   tax_amount, total_amount, base_amount, vendor_amount)
select scale.id_at(o.cancelled_at, o.n, 7), l.line + 1, o.account_id, o.order_id, l.quantity, l.quantity, l.quantity, l.total_price_amount, 0, l.tax_amount,
       l.total_price_amount + l.tax_amount, l.total_price_amount, 0
from scale.orders o
join scale.lines l using (n)
where l.chunk = $1::int and o.cancelled_at is not null
order by o.n, l.line
