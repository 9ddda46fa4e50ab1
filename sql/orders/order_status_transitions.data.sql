insert into public.order_status_transitions (from_status, to_status, permission, needs_payment, customer_may) values
  ('pending', 'confirmed', 'orders.confirm', true, false),
  ('pending', 'processing', 'orders.process', true, false),
  ('pending', 'rejected', 'orders.reject', false, false),
  ('pending', 'cancelled', 'orders.cancel', false, true),
  ('confirmed', 'processing', 'orders.process', true, false),
  ('confirmed', 'cancelled', 'orders.cancel', false, true),
  ('processing', 'shipped', 'orders.ship', true, false),
  ('processing', 'delivered', 'orders.deliver', true, false),
  ('processing', 'cancelled', 'orders.cancel', false, false),
  -- what went out arrives, whatever became of its payment: the rest is a receivable
  ('shipped', 'delivered', 'orders.deliver', false, false),
  ('shipped', 'cancelled', 'orders.cancel', false, false),
  ('delivered', 'cancelled', 'orders.cancel_delivered', false, false),
  ('delivered', 'refunded', 'orders.refund', false, false),
  ('rejected', 'cancelled', 'orders.cancel', false, true)
on conflict (from_status, to_status) do nothing;
