/* One row per order is the only truth; what customers and the management see are views of it (source 000). */
create sequence ledger.order_number_seq as bigint;

create table public.orders (
  id uuid primary key default ledger.uuid_v7(),
  account_id uuid not null references public.accounts (id) on delete restrict,
  user_id uuid not null,
  order_number text not null unique,
  currency text not null references public.currencies (code) on delete restrict,
  status text not null,
  payment_status text not null,
  payment_method text not null references public.payment_methods (code) on delete restrict,
  prices_include_tax boolean not null,
  subtotal_amount bigint not null,
  discount_amount bigint not null,
  shipping_amount bigint not null,
  tax_amount bigint not null,
  total_amount bigint not null,
  wallet_amount bigint not null,
  paid_amount bigint not null,
  refunded_amount bigint not null default 0,
  amount_due bigint not null generated always as
    (case when status in ('cancelled', 'refunded') then 0 else total_amount - paid_amount end) stored,
  shipping_method text,
  discount_code_id uuid references public.discount_codes (id) on delete restrict,
  shipping_address jsonb,
  billing_address jsonb,
  notes text,
  metadata jsonb not null default '{}',
  placed_by uuid,
  version bigint not null default 1,
  created_at timestamptz not null default clock_timestamp(),
  updated_at timestamptz not null default clock_timestamp(),
  constraint status_is_known check (status in
    ('pending', 'confirmed', 'processing', 'shipped', 'delivered', 'rejected', 'cancelled', 'refunded')),
  constraint payment_status_is_known check (payment_status in
    ('unpaid', 'receipt_uploaded', 'in_grace', 'partially_paid', 'paid', 'overpaid', 'partially_refunded', 'refunded')),
  constraint total_follows_from_its_parts check (
    total_amount = subtotal_amount - discount_amount + shipping_amount
                   + case when prices_include_tax then 0 else tax_amount end),
  constraint amounts_are_exact_and_not_negative check (
    subtotal_amount between 0 and 9007199254740991 and discount_amount between 0 and subtotal_amount
    and shipping_amount between 0 and 9007199254740991 and tax_amount between 0 and 9007199254740991
    and total_amount between 0 and 9007199254740991),
  constraint wallet_part_is_part_of_what_was_paid check (
    wallet_amount between 0 and total_amount and paid_amount >= wallet_amount),
  constraint refunded_at_most_what_was_paid check (refunded_amount between 0 and paid_amount),
  constraint notes_are_short check (length(notes) <= 2000)
) with (fillfactor = 70);
alter table public.orders enable row level security;
revoke all on public.orders from anon, authenticated, service_role;
grant select on public.orders to authenticated, service_role;
create policy orders_are_seen_by_their_customer_and_staff on public.orders for select to authenticated
  using (user_id = (select auth.uid()) or (select ledger.caller_may('orders.read')));
-- a customer's orders, newest first: ids are time-ordered
create index orders_by_customer on public.orders (user_id, id);
select ledger.protect_from_hands('public.orders', 'ledger_place_order, ledger_change_order_status or ledger_cancel_order',
  'id, account_id, user_id, order_number, currency, status, payment_status, payment_method, prices_include_tax,
   subtotal_amount, discount_amount, shipping_amount, tax_amount, total_amount, wallet_amount, paid_amount,
   refunded_amount, shipping_method, discount_code_id, shipping_address, billing_address, placed_by, version, created_at, updated_at');
select ledger.audit_hand_edits_of_columns('public.orders', 'id', 'notes, metadata');
comment on table public.orders is 'Orders; all amounts in minor units of currency. Statuses and totals are written by procedures only.';
comment on column public.orders.tax_amount is 'Sum of the lines'' tax; contained in the prices when prices_include_tax.';
comment on column public.orders.wallet_amount is 'What the wallet paid; part of paid_amount.';
comment on column public.orders.amount_due is 'What is left to pay; nothing once cancelled or refunded.';
comment on column public.orders.placed_by is 'Who called: the customer, or staff on their behalf; null for a backend.';
comment on column public.orders.shipping_address is 'Snapshot of the address at placing.';

/* Lines with what they were sold as: name, SKU and price are snapshots (source 004). */
create table public.order_items (
  id uuid primary key default ledger.uuid_v7(),
  account_id uuid not null references public.accounts (id) on delete restrict,
  order_id uuid not null references public.orders (id) on delete restrict,
  line_number integer not null,
  variant_id uuid not null references public.variants (id) on delete restrict,
  vendor_id uuid references public.vendors (id) on delete restrict,
  product_name text not null,
  product_sku text not null,
  variant_name text not null,
  quantity bigint not null,
  unit_price_amount bigint not null,
  total_price_amount bigint not null,
  discount_amount bigint not null,
  tax_rate_bp integer not null,
  tax_amount bigint not null,
  created_at timestamptz not null default clock_timestamp(),
  unique (order_id, line_number),
  constraint quantity_is_positive check (quantity > 0),
  constraint total_is_price_times_quantity check (total_price_amount = unit_price_amount * quantity),
  constraint discount_is_part_of_the_line check (discount_amount between 0 and total_price_amount),
  constraint tax_is_not_negative check (tax_amount >= 0 and tax_rate_bp between 0 and 10000)
);
alter table public.order_items enable row level security;
revoke all on public.order_items from anon, authenticated, service_role;
grant select on public.order_items to authenticated, service_role;
create policy order_items_are_seen_by_their_customer_and_staff on public.order_items for select to authenticated
  using (account_id in (select a.id from public.accounts a where a.user_id = (select auth.uid()))
         or (select ledger.caller_may('orders.read')));
select ledger.protect_from_hands('public.order_items', 'ledger_place_order');
comment on table public.order_items is
  'Order lines in minor units. total_price_amount is before discount_amount (the line''s share of the order''s discount) and, unless prices include it, tax_amount.';

/* Redemptions of discount codes; released_at when the order was cancelled and gave it back. */
create table public.discount_redemptions (
  order_id uuid primary key references public.orders (id) on delete restrict,
  account_id uuid not null references public.accounts (id) on delete restrict,
  discount_code_id uuid not null references public.discount_codes (id) on delete restrict,
  amount bigint not null,
  created_at timestamptz not null default clock_timestamp(),
  released_at timestamptz,
  constraint amount_is_not_negative check (amount >= 0)
);
alter table public.discount_redemptions enable row level security;
revoke all on public.discount_redemptions from anon, authenticated, service_role;
grant select on public.discount_redemptions to authenticated, service_role;
create policy redemptions_are_seen_by_their_customer_and_staff on public.discount_redemptions for select to authenticated
  using (account_id in (select a.id from public.accounts a where a.user_id = (select auth.uid()))
         or (select ledger.caller_may('orders.read')));
-- uses by a customer, and the foreign keys
create index discount_redemptions_by_code_and_account on public.discount_redemptions (discount_code_id, account_id);
create index discount_redemptions_by_account on public.discount_redemptions (account_id);
select ledger.protect_from_hands('public.discount_redemptions', 'ledger_place_order or ledger_cancel_order');
comment on table public.discount_redemptions is 'Which order used which code, and what it took off in minor units.';

alter table public.transactions
  add constraint transactions_order_id_fkey foreign key (order_id) references public.orders (id) on delete restrict;
