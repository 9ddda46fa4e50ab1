/*
 * An order with its lines and every status it has had, in one row and so of one moment: version says
 * which. What OrderSerializer shows (source 004).
 */
create view public.order_details
with (security_invoker = true)
as
  select o.id as order_id, o.order_number, o.user_id, o.status, o.payment_status, m.stage, o.payment_method, o.currency,
         o.prices_include_tax, o.subtotal_amount, o.discount_amount, o.shipping_amount, o.tax_amount, o.total_amount,
         o.credited_amount, o.wallet_amount, o.paid_amount, o.refunded_amount, o.outstanding_amount, o.amount_due,
         o.shipping_method, o.shipping_address, o.billing_address, o.notes, o.metadata, o.placed_by, o.version,
         o.created_at, o.updated_at,
         (select jsonb_agg(jsonb_build_object(
                   'line_number', i.line_number, 'variant_id', i.variant_id, 'vendor_id', i.vendor_id,
                   'product_name', i.product_name, 'product_sku', i.product_sku, 'variant_name', i.variant_name,
                   'quantity', i.quantity, 'unit_price_amount', i.unit_price_amount, 'total_price_amount', i.total_price_amount,
                   'discount_amount', i.discount_amount, 'tax_rate_bp', i.tax_rate_bp, 'tax_amount', i.tax_amount)
                 order by i.line_number)
          from public.order_items i
          where i.order_id = o.id) as items,
         (select jsonb_agg(jsonb_build_object(
                   'event_id', h.event_id, 'from_status', h.from_status, 'status', h.status, 'notes', h.notes, 'at', h.created_at)
                 order by h.event_id)
          from public.order_status_history h
          where h.order_id = o.id) as history
  from public.orders o
  join public.order_management m on m.order_id = o.id;
revoke all on public.order_details from anon, authenticated, service_role;
grant select on public.order_details to authenticated, service_role;
comment on view public.order_details is
  'One order with items and history as arrays; amounts in minor units. To be read by order_id. version rises with every change of the order.';
