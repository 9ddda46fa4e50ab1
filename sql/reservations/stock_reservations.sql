/*
 * Units that a customer holds for some minutes, for a checkout. They stay on hand and are not available to
 * others; placing with the reservation consumes it, release and time free it. Its row is locked
 * before accounts and stock.
 */
create function ledger.reservation_statuses()
returns text[]
language plpgsql immutable parallel safe
set search_path = pg_catalog, pg_temp
as $$
begin
  return array['active', 'consumed', 'released', 'expired'];
end $$;
comment on function ledger.reservation_statuses() is 'What stock_reservations.status can be.';

create table public.stock_reservations (
  id uuid primary key default ledger.uuid_v7(),
  account_id uuid not null,
  user_id uuid not null,
  status text not null default 'active',
  order_id uuid references public.orders (id) on delete restrict,
  expires_at timestamptz not null,
  created_at timestamptz not null default clock_timestamp(),
  ended_at timestamptz,
  constraint status_is_known check (status = any (ledger.reservation_statuses())),
  constraint consumed_by_an_order check ((status = 'consumed') = (order_id is not null)),
  constraint ended_unless_active check ((status = 'active') = (ended_at is null))
);
alter table public.stock_reservations enable row level security;
revoke all on public.stock_reservations from anon, authenticated, service_role;
grant select on public.stock_reservations to authenticated, service_role;
create policy reservations_are_seen_by_their_customer_and_staff on public.stock_reservations for select to authenticated
  using (user_id >= (select ledger.first_user_seen('orders.read'))
         and user_id <= (select ledger.last_user_seen('orders.read')));
-- how many a customer has, and a customer's own; ledger.expire_reservations; the order's foreign key
create index stock_reservations_by_customer on public.stock_reservations (user_id, id);
create index stock_reservations_to_expire on public.stock_reservations (expires_at) where status = 'active';
create index stock_reservations_by_order on public.stock_reservations (order_id) where order_id is not null;
select ledger.protect_from_hands('public.stock_reservations', 'order_reserve or order_release_reservation');
comment on table public.stock_reservations is 'Stock held for a customer until expires_at; one order at most consumes it.';
comment on column public.stock_reservations.account_id is 'The account in the currency of what is held; it may open with the first order.';

create table public.stock_reservation_lines (
  reservation_id uuid not null references public.stock_reservations (id) on delete restrict,
  variant_id uuid not null,
  slot smallint not null,
  account_id uuid not null,
  quantity bigint not null,
  primary key (reservation_id, variant_id, slot),
  constraint quantity_is_positive check (quantity > 0)
);
alter table public.stock_reservation_lines enable row level security;
revoke all on public.stock_reservation_lines from anon, authenticated, service_role;
grant select on public.stock_reservation_lines to authenticated, service_role;
create policy reservation_lines_are_seen_by_their_customer_and_staff on public.stock_reservation_lines for select to authenticated
  using (reservation_id in (select r.id from public.stock_reservations r where r.user_id = (select auth.uid()))
         or (select ledger.caller_may('orders.read')));
select ledger.make_immutable('public.stock_reservation_lines', 'order_reserve');
comment on table public.stock_reservation_lines is 'Units that a reservation holds per variant and slot; part of stock_levels.held while it is active. Read them by reservation_id: a customer may have no account yet to find them by.';
