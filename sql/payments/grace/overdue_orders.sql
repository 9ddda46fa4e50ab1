/* What finance looks after: orders whose time to be paid is over. */
create view public.overdue_orders
with (security_invoker = true)
as
  select o.id as order_id, o.order_number, o.user_id, o.account_id, o.status, o.payment_status, o.payment_method, o.currency,
         o.total_amount, o.paid_amount, o.outstanding_amount, d.due_at, d.extensions, d.expired_at, o.created_at, o.version
  from public.payment_deadlines d
  join public.orders o on o.account_id = d.account_id and o.id = d.order_id
  where d.status = 'overdue';
revoke all on public.overdue_orders from anon, authenticated, service_role;
grant select on public.overdue_orders to authenticated, service_role;
comment on view public.overdue_orders is
  'Orders whose grace period passed with something due, or that owe again after it; amounts in minor units. ledger_extend_grace gives them more time.';
