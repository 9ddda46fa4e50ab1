/*
 * Goods that come back. A customer asks, staff approve or reject, the warehouse receives what arrives
 * (in several parcels, if need be) and puts it back in stock or writes it off.
 */
create table public.returns (
  id uuid primary key default ledger.uuid_v7(),
  account_id uuid not null,
  order_id uuid not null references public.orders (id) on delete restrict,
  user_id uuid not null,
  status text not null default 'requested',
  reason text,
  requested_by uuid,
  reviewed_by uuid,
  review_notes text,
  created_at timestamptz not null default clock_timestamp(),
  updated_at timestamptz not null default clock_timestamp(),
  constraint status_is_known check (status in ('requested', 'approved', 'received', 'rejected', 'closed')),
  constraint texts_are_short check (length(reason) <= 2000 and length(review_notes) <= 2000)
) with (fillfactor = 80);
alter table public.returns enable row level security;
revoke all on public.returns from anon, authenticated, service_role;
grant select on public.returns to authenticated, service_role;
create policy returns_are_seen_by_their_customer_and_staff on public.returns for select to authenticated
  using (account_id >= (select ledger.first_account_seen('orders.read'))
         and account_id <= (select ledger.last_account_seen('orders.read'))
         and (user_id = (select auth.uid()) or (select ledger.caller_may('orders.read'))));
-- a customer's returns, newest first
create index returns_by_account on public.returns (account_id, id);
-- the returns of an order, and the foreign key to it
create index returns_by_order on public.returns (order_id);
-- the review queue
create index returns_open on public.returns (id) where status in ('requested', 'approved');
select ledger.protect_from_hands('public.returns', 'ledger_request_return or ledger_review_return');
comment on table public.returns is 'Returns of orders: requested, then approved or rejected; received when all that was approved has arrived, closed when the rest of it was given up.';
comment on column public.returns.requested_by is 'Who asked: the customer, or staff on their behalf; null for a backend.';

create table public.return_lines (
  return_id uuid not null references public.returns (id) on delete restrict,
  line_number integer not null,
  account_id uuid not null,
  order_id uuid not null,
  quantity bigint not null,
  reason text,
  approved_quantity bigint not null default 0,
  restocked_quantity bigint not null default 0,
  written_off_quantity bigint not null default 0,
  received_quantity bigint not null generated always as (restocked_quantity + written_off_quantity) stored,
  refunded_quantity bigint not null default 0,
  primary key (return_id, line_number),
  foreign key (order_id, line_number) references public.order_items (order_id, line_number) on delete restrict,
  constraint quantity_is_positive check (quantity > 0),
  constraint approved_at_most_what_was_asked check (approved_quantity between 0 and quantity),
  constraint received_at_most_what_was_approved check (
    least(restocked_quantity, written_off_quantity) >= 0 and restocked_quantity + written_off_quantity <= approved_quantity),
  constraint refunded_at_most_what_was_received check (refunded_quantity between 0 and restocked_quantity + written_off_quantity),
  constraint reason_is_short check (length(reason) <= 500)
) with (fillfactor = 80);
alter table public.return_lines enable row level security;
revoke all on public.return_lines from anon, authenticated, service_role;
grant select on public.return_lines to authenticated, service_role;
create policy return_lines_are_seen_by_their_customer_and_staff on public.return_lines for select to authenticated
  using (account_id >= (select ledger.first_account_seen('orders.read'))
         and account_id <= (select ledger.last_account_seen('orders.read'))
         and (account_id in (select a.id from public.accounts a where a.user_id = (select auth.uid()))
              or (select ledger.caller_may('orders.read'))));
-- what of an order's lines comes back, and the foreign key to them
create index return_lines_by_order_line on public.return_lines (order_id, line_number);
-- a customer's own
create index return_lines_by_account on public.return_lines (account_id);
select ledger.protect_from_hands('public.return_lines', 'ledger_request_return or ledger_review_return');
comment on table public.return_lines is 'Units of an order''s line in a return.';
comment on column public.return_lines.quantity is 'Units that were asked to be returned.';
comment on column public.return_lines.received_quantity is 'Units that have arrived: back in stock or written off.';
comment on column public.return_lines.refunded_quantity is 'Of the units that arrived, those whose money has gone back.';

alter table public.refunds
  add constraint refunds_return_id_fkey foreign key (return_id) references public.returns (id) on delete restrict;
