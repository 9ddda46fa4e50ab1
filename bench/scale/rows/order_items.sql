insert into public.order_items
  (account_id, order_id, line_number, variant_id, vendor_id, product_name, product_sku, variant_name, quantity,
   unit_price_amount, total_price_amount, discount_amount, tax_rate_bp, tax_amount, created_at)
select o.account_id, o.order_id, l.line + 1, l.variant_id, l.vendor_id,
       l.product_name, l.sku, l.name, l.quantity, l.price_amount, l.total_price_amount, 0, l.tax_rate_bp, l.tax_amount, o.created_at
from scale.orders o
join scale.lines l using (n)
where l.chunk = $1::int
order by o.n, l.line
