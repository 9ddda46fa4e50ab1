/* The customer's and the management's view of the same row: they cannot disagree (source 000). */
create view public.customer_orders
with (security_invoker = true)
as
  select o.id as order_id, o.order_number, o.user_id, o.status, o.payment_status, o.payment_method, o.currency,
         o.subtotal_amount, o.discount_amount, o.shipping_amount, o.tax_amount, o.total_amount,
         o.wallet_amount, o.paid_amount, o.refunded_amount, o.amount_due,
         o.shipping_method, o.shipping_address, o.billing_address, o.notes, o.created_at, o.updated_at,
         o.credited_amount, o.outstanding_amount
  from public.orders o
  -- a customer's orders come from orders_by_customer, whatever they are sorted by: the bounds are
  -- what the index is entered with; the last line says the first once more, for the planner to
  -- expect one customer's rows and not a part of everybody's
  where o.user_id >= (select ledger.first_user_seen('orders.read', current_user))
    and o.user_id <= (select ledger.last_user_seen('orders.read', current_user))
    and o.user_id = greatest(o.user_id, (select ledger.first_user_seen('orders.read', current_user)));
revoke all on public.customer_orders from anon, authenticated, service_role;
grant select on public.customer_orders to authenticated, service_role;
comment on view public.customer_orders is 'Orders as their customer sees them; amounts in minor units.';

create view public.order_management
with (security_invoker = true)
as
  select o.id as order_id, o.order_number, o.user_id, o.account_id, o.status, o.payment_status, o.payment_method,
         case
           when o.status = 'pending' and o.payment_status = 'receipt_uploaded' then 'finance_review'
           when o.status = 'pending' and o.payment_status = 'in_grace' then 'bank_transfer_grace'
           when o.status = 'pending' and o.payment_status in ('paid', 'overpaid') then 'awaiting_confirmation'
           when o.status = 'pending' then 'finance_pending'
           when o.status = 'confirmed' then 'warehouse_ready'
           when o.status = 'processing' then 'warehouse_processing'
           when o.status = 'shipped' then 'logistics_dispatched'
           else o.status
         end as stage,
         o.currency, o.total_amount, o.paid_amount, o.refunded_amount, o.amount_due, o.placed_by, o.metadata,
         o.version, o.created_at, o.updated_at, o.credited_amount, o.outstanding_amount
  from public.orders o;
revoke all on public.order_management from anon, authenticated, service_role;
grant select on public.order_management to authenticated, service_role;
comment on view public.order_management is 'Orders as the management sees them; stage is derived from status and payment_status.';

create view public.order_status_history
with (security_invoker = true)
as
  select e.id as event_id, e.stream_id as order_id, e.payload ->> 'from_status' as from_status,
         e.payload ->> 'to_status' as status,
         coalesce(t.texts ->> 'notes',
                  case when e.payload ? 'notes' and not ledger.is_of_erased(e.account_id) then e.payload ->> 'notes' end) as notes,
         e.actor_id as created_by,
         (e.payload ->> 'transaction_id')::uuid as transaction_id, e.occurred_at as created_at
  from public.immutable_events e
  left join public.event_texts t on t.event_id = e.id
  where e.stream_type = 'order' and e.event_type in ('order.placed', 'order.status_changed');
revoke all on public.order_status_history from anon, authenticated, service_role;
grant select on public.order_status_history to authenticated, service_role;
comment on view public.order_status_history is 'Every status an order has had, from its events (source 004); order by event_id.';
