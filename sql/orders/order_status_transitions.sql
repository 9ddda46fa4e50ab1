/* Which status may follow which, who may do it, and whether it needs the money first. Editable by an admin. */
create table public.order_status_transitions (
  from_status text not null,
  to_status text not null,
  permission text not null references public.permissions (code) on delete restrict,
  needs_payment boolean not null,
  customer_may boolean not null default false,
  primary key (from_status, to_status),
  constraint statuses_are_known check (
    from_status in ('pending', 'confirmed', 'processing', 'shipped', 'delivered', 'rejected')
    and to_status in ('confirmed', 'processing', 'shipped', 'delivered', 'rejected', 'cancelled', 'refunded')),
  constraint status_changes check (from_status <> to_status),
  constraint customers_only_cancel check (not customer_may or to_status = 'cancelled'),
  constraint refund_follows_delivery check (to_status <> 'refunded' or from_status = 'delivered'),
  constraint delivery_is_not_undone check (from_status <> 'delivered' or to_status in ('cancelled', 'refunded'))
);
alter table public.order_status_transitions enable row level security;
revoke all on public.order_status_transitions from anon, authenticated, service_role;
grant select on public.order_status_transitions to authenticated, service_role;
create policy transitions_are_seen_by_members on public.order_status_transitions for select to authenticated using (true);
-- the foreign key to permissions
create index order_status_transitions_by_permission on public.order_status_transitions (permission);
select ledger.audit_hand_edits_of('public.order_status_transitions', 'from_status');
comment on table public.order_status_transitions is
  'Allowed status changes (union of sources 003 and 004). Cancelled and refunded are final: nothing can lead out of them.';
comment on column public.order_status_transitions.needs_payment is 'Only when the order is paid, the time it was given is not over, or it is on an invoice that is not overdue.';
comment on column public.order_status_transitions.customer_may is 'Customers may do it themselves through ledger_cancel_order.';
