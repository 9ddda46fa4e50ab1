/* Parcels: an order goes out in one or in several, and what has gone out is the sum of their lines. */
create table public.shipments (
  id uuid primary key default ledger.uuid_v7(),
  account_id uuid not null,
  order_id uuid not null references public.orders (id) on delete restrict,
  shipment_number integer not null,
  carrier text,
  tracking_number text,
  estimated_delivery_at timestamptz,
  metadata jsonb not null default '{}',
  shipped_by uuid,
  shipped_at timestamptz not null default clock_timestamp(),
  delivered_at timestamptz,
  status text not null generated always as (case when delivered_at is null then 'shipped' else 'delivered' end) stored,
  unique (order_id, shipment_number),
  constraint numbers_count_from_one check (shipment_number > 0),
  constraint carrier_is_short check (length(carrier) between 1 and 100),
  constraint tracking_number_is_short check (length(tracking_number) between 1 and 200)
) with (fillfactor = 80);
alter table public.shipments enable row level security;
revoke all on public.shipments from anon, authenticated, service_role;
grant select on public.shipments to authenticated, service_role;
create policy shipments_are_seen_by_their_customer_and_staff on public.shipments for select to authenticated
  using (account_id >= (select ledger.first_account_seen('orders.read'))
         and account_id <= (select ledger.last_account_seen('orders.read'))
         and (account_id in (select a.id from public.accounts a where a.user_id = (select auth.uid()))
              or (select ledger.caller_may('orders.read'))));
-- a customer's shipments, newest first
create index shipments_by_account on public.shipments (account_id, id);
select ledger.protect_from_hands('public.shipments', 'ledger_ship_order or ledger_confirm_delivery');
comment on table public.shipments is 'Shipments of orders, numbered from 1 within the order. What each holds is in shipment_lines.';
comment on column public.shipments.status is 'shipped, and delivered once it has arrived.';
comment on column public.shipments.estimated_delivery_at is 'When the carrier expects to deliver it.';
comment on column public.shipments.shipped_by is 'Who sent it; null for a backend.';

create table public.shipment_lines (
  shipment_id uuid not null references public.shipments (id) on delete restrict,
  line_number integer not null,
  account_id uuid not null,
  order_id uuid not null,
  quantity bigint not null,
  primary key (shipment_id, line_number),
  foreign key (order_id, line_number) references public.order_items (order_id, line_number) on delete restrict,
  constraint quantity_is_positive check (quantity > 0)
);
alter table public.shipment_lines enable row level security;
revoke all on public.shipment_lines from anon, authenticated, service_role;
grant select on public.shipment_lines to authenticated, service_role;
create policy shipment_lines_are_seen_by_their_customer_and_staff on public.shipment_lines for select to authenticated
  using (account_id >= (select ledger.first_account_seen('orders.read'))
         and account_id <= (select ledger.last_account_seen('orders.read'))
         and (account_id in (select a.id from public.accounts a where a.user_id = (select auth.uid()))
              or (select ledger.caller_may('orders.read'))));
-- what of an order's lines is out, and the foreign key to them
create index shipment_lines_by_order_line on public.shipment_lines (order_id, line_number);
-- a customer's own
create index shipment_lines_by_account on public.shipment_lines (account_id);
select ledger.make_immutable('public.shipment_lines', 'ledger_ship_order or ledger_change_order_status');
comment on table public.shipment_lines is 'Immutable. Units of an order''s line in a shipment.';
