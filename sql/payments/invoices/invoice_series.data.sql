insert into public.invoice_series (code, kind, prefix, digits, description) values
  ('invoice', 'invoice', 'INV-', 6, 'Invoices.'),
  ('credit_note', 'credit_note', 'CN-', 6, 'Credit notes.')
on conflict (code) do nothing;
