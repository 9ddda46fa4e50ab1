/* Invoices that something remains to be paid of, with how late they are. */
create view public.open_invoices
with (security_invoker = true)
as
  select i.id as invoice_id, i.invoice_number, i.user_id, i.account_id, i.order_id, i.currency, i.issued_at, i.due_at,
         i.total_amount, i.prepaid_amount, i.credited_amount, i.amount, b.allocated_total, b.remaining_amount, b.status_cached as status,
         greatest(floor(extract(epoch from clock_timestamp() - i.due_at) / 86400), 0)::integer as days_overdue,
         i.reference, i.version, b.version as balance_version
  from public.invoices i
  join public.invoice_balance_cache b on b.account_id = i.account_id and b.invoice_id = i.id
  where i.amount > 0 and b.remaining_amount > 0;
revoke all on public.open_invoices from anon, authenticated, service_role;
grant select on public.open_invoices to authenticated, service_role;
comment on view public.open_invoices is
  'Invoices with something left to pay, in minor units; days_overdue counts whole days since due_at. version is the invoice''s, balance_version that of what is allocated.';
