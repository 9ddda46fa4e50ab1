insert into public.settings (key, value, kind, minimum, maximum, allowed, description) values
  ('default_currency', '"USD"', 'text', null, null, null, 'Currency of calls that name none.'),
  ('order_number_prefix', '"ORD"', 'text', null, null, null, 'Before the digits of an order number (source 004).'),
  ('order_number_length', '8', 'integer', 4, 18, null, 'Digits of an order number, zero-padded (source 004).'),
  ('default_order_status', '"pending"', 'text', null, null, '{pending,confirmed,processing}', 'Status of a new order (source 004).'),
  ('auto_confirm_when_paid', 'false', 'boolean', null, null, null, 'A covered order becomes confirmed at once (source 004, AUTO_CONFIRM_ORDERS).'),
  ('low_stock_threshold', '5', 'integer', 0, 1000000000, null, 'Stock at or below which an alert is queued, for variants without their own threshold (source 004).'),
  ('grace_hours', '72', 'integer', 1, 8760, null, 'Hours until a bank_transfer_grace order is due.'),
  ('tax_rate_bp', '0', 'integer', 0, 10000, null, 'Tax rate in basis points for products without their own; 1900 is 19 %.'),
  ('prices_include_tax', 'false', 'boolean', null, null, null, 'Whether catalogue prices contain the tax.'),
  ('cancellation_window_minutes', '1440', 'integer', 0, 525600, null, 'Minutes after placing within which customers may cancel themselves.'),
  ('max_order_lines', '500', 'integer', 1, 5000, null, 'Lines an order may have.'),
  ('max_line_quantity', '1000000', 'integer', 1, 2147483647, null, 'Largest quantity of one line.'),
  ('referral_rate_bp', '500', 'integer', 0, 10000, null, 'Commission on a referred customer''s delivered orders, in basis points, for referrals registered from now on.'),
  ('idempotency_retention_days', '30', 'integer', 1, 3650, null, 'Days that idempotency keys and their answers are kept.'),
  ('audit_retention_days', '180', 'integer', 30, 3650, null, 'Days that audit_log is kept.')
on conflict (key) do nothing;
