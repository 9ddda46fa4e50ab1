/*
 * Until when an order that may go out unpaid has to be paid: one row per order that was ever given time.
 *
 * open      the order is in_grace (or receipt_uploaded, while a receipt for it is looked at)
 * overdue   the time is over and something is due: an order that was flagged, or that owes again
 * settled   nothing is due, or the order has ended
 *
 * A row is written by who has locked its order; reminders alone mark it without that.
 */
create table public.payment_deadlines (
  order_id uuid primary key references public.orders (id) on delete restrict,
  account_id uuid not null,
  status text not null default 'open',
  due_at timestamptz not null,
  granted_by uuid,
  extensions integer not null default 0,
  reminded_at timestamptz,
  expired_at timestamptz,
  settled_at timestamptz,
  created_at timestamptz not null default clock_timestamp(),
  updated_at timestamptz not null default clock_timestamp(),
  constraint status_is_known check (status in ('open', 'overdue', 'settled')),
  constraint overdue_says_since_when check (status <> 'overdue' or expired_at is not null),
  constraint settled_says_when check ((status = 'settled') = (settled_at is not null)),
  constraint extensions_are_not_negative check (extensions >= 0)
) with (fillfactor = 80);
alter table public.payment_deadlines enable row level security;
revoke all on public.payment_deadlines from anon, authenticated, service_role;
grant select on public.payment_deadlines to authenticated, service_role;
create policy deadlines_are_seen_by_their_customer_and_staff on public.payment_deadlines for select to authenticated
  using (account_id >= (select ledger.first_account_seen('orders.read'))
         and account_id <= (select ledger.last_account_seen('orders.read'))
         and (account_id in (select a.id from public.accounts a where a.user_id = (select auth.uid()))
              or (select ledger.caller_may('orders.read'))));
-- what expires or is to be reminded of next
create index payment_deadlines_open on public.payment_deadlines (due_at) where status = 'open';
-- how many a customer has, for their limit; a customer's own
create index payment_deadlines_by_account on public.payment_deadlines (account_id, status);
-- public.overdue_orders, the longest overdue first
create index payment_deadlines_overdue on public.payment_deadlines (due_at) where status = 'overdue';
select ledger.protect_from_hands('public.payment_deadlines', 'ledger_place_order (by bank_transfer_grace) or ledger_extend_grace');
comment on table public.payment_deadlines is
  'Until when orders that may go out unpaid have to be paid. While one is open its order is in_grace.';
comment on column public.payment_deadlines.granted_by is 'Who gave the time last; null for a backend.';
comment on column public.payment_deadlines.extensions is 'How often it was put off by ledger_extend_grace.';
comment on column public.payment_deadlines.reminded_at is 'When the reminder of this due_at was queued.';
comment on column public.payment_deadlines.expired_at is 'When it passed last with something due, or when something was due again after it.';
