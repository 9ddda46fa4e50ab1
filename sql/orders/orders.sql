/*
 * One row per order is the only truth; what customers and the management see are views of it (source 000).
 *
 * The tables that every order writes keep the foreign keys that give an order its shape: its lines and
 * transactions refer to it. A key to what the procedure has just read or locked, and what nobody can
 * remove (accounts, currencies, payment methods, variants with stock, the chart, ...), is left out: with
 * all of them an order made 22 look-ups and row locks more, a third of its cost, and every order of the
 * shop locked the same row of currencies.
 */
create sequence ledger.order_number_seq as bigint;

create function ledger.order_statuses()
returns text[]
language plpgsql immutable parallel safe
set search_path = pg_catalog, pg_temp
as $$
begin
  return array['pending', 'confirmed', 'processing', 'shipped', 'delivered', 'rejected', 'cancelled', 'refunded'];
end $$;
comment on function ledger.order_statuses() is 'What orders.status can be.';

create function ledger.order_payment_statuses()
returns text[]
language plpgsql immutable parallel safe
set search_path = pg_catalog, pg_temp
as $$
begin
  return array['unpaid', 'receipt_uploaded', 'in_grace', 'partially_paid', 'paid', 'overpaid', 'partially_refunded', 'refunded'];
end $$;
comment on function ledger.order_payment_statuses() is 'What orders.payment_status can be.';

create table public.orders (
  id uuid primary key default ledger.uuid_v7(),
  account_id uuid not null,
  user_id uuid not null,
  order_number text not null unique,
  currency text not null,
  status text not null,
  payment_status text not null,
  payment_method text not null,
  prices_include_tax boolean not null,
  subtotal_amount bigint not null,
  discount_amount bigint not null,
  shipping_amount bigint not null,
  tax_amount bigint not null,
  total_amount bigint not null,
  wallet_amount bigint not null,
  paid_amount bigint not null,
  refunded_amount bigint not null default 0,
  shipping_method text,
  discount_code_id uuid,
  shipping_address jsonb,
  billing_address jsonb,
  notes text,
  metadata jsonb not null default '{}',
  placed_by uuid,
  version bigint not null default 1,
  created_at timestamptz not null default clock_timestamp(),
  updated_at timestamptz not null default clock_timestamp(),
  wallet_refunded_amount bigint not null default 0,
  credited_amount bigint not null default 0,
  outstanding_amount bigint not null generated always as
    (total_amount - credited_amount - paid_amount + refunded_amount) stored,
  amount_due bigint not null generated always as
    (greatest(total_amount - credited_amount - paid_amount + refunded_amount, 0)) stored
) with (fillfactor = 70);
alter table public.orders enable row level security;
revoke all on public.orders from anon, authenticated, service_role;
grant select on public.orders to authenticated, service_role;
create policy orders_are_seen_by_their_customer_and_staff on public.orders for select to authenticated
  using (user_id = (select auth.uid()) or (select ledger.caller_may('orders.read')));
-- a customer's orders, newest first: ids are time-ordered
create index orders_by_customer on public.orders (user_id, id);
-- what is owed by orders on invoice, for the credit limit (ledger.credit_used); no update changes what it is of
create index orders_on_invoice on public.orders (account_id) where payment_method = 'invoice';
select ledger.protect_from_hands('public.orders', 'ledger_place_order, ledger_change_order_status or ledger_cancel_order',
  'id, account_id, user_id, order_number, currency, status, payment_status, payment_method, prices_include_tax,
   subtotal_amount, discount_amount, shipping_amount, tax_amount, total_amount, wallet_amount, paid_amount,
   refunded_amount, wallet_refunded_amount, credited_amount, shipping_method, discount_code_id, shipping_address, billing_address, placed_by, version, created_at, updated_at');
select ledger.audit_hand_edits_of_columns('public.orders', 'id', 'notes, metadata');

/*
 * The rules of an order's values. A trigger, because CHECKs are parsed and planned anew by every statement
 * that touches the row: each of four that stood beside it cost as much as all that is in here. It looks at every
 * update: nothing is built on an order whose amounts somebody has broken past it.
 */
create function ledger.check_order()
returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_broken text;
begin
  v_broken := case
    when new.total_amount <> new.subtotal_amount - new.discount_amount + new.shipping_amount
                             + case when new.prices_include_tax then 0 else new.tax_amount end then 'total_follows_from_its_parts'
    when least(new.subtotal_amount, new.shipping_amount, new.tax_amount, new.total_amount) < 0
      or greatest(new.subtotal_amount, new.shipping_amount, new.tax_amount, new.total_amount) > 9007199254740991
      or new.discount_amount not between 0 and new.subtotal_amount then 'amounts_are_exact_and_not_negative'
    when new.wallet_amount < 0 or new.paid_amount < new.wallet_amount then 'wallet_part_is_part_of_what_was_paid'
    when new.wallet_refunded_amount not between 0 and new.wallet_amount or new.refunded_amount < new.wallet_refunded_amount then
      'wallet_gets_back_what_it_paid'
    when new.refunded_amount > new.paid_amount then 'refunded_at_most_what_was_paid'
    when new.credited_amount not between 0 and new.total_amount then 'credited_at_most_the_total'
    when new.status <> all (ledger.order_statuses()) then 'status_is_known'
    when new.payment_status <> all (ledger.order_payment_statuses()) then 'payment_status_is_known'
    when length(new.notes) > 2000 then 'notes_are_short'
  end;
  if v_broken is not null then
    raise exception using errcode = 'check_violation', constraint = v_broken, table = 'orders', schema = 'public',
      message = format('order %s would break the rule "%s"', new.order_number, v_broken);
  end if;
  return new;
end $$;
comment on function ledger.check_order() is 'Trigger: refuses every write of an order that breaks a rule of its amounts, statuses or notes, with the rule as name of the constraint.';

create trigger order_keeps_its_rules
  before insert or update on public.orders
  for each row execute function ledger.check_order();
select ledger.enable_always('public.orders', array['order_keeps_its_rules']);
comment on table public.orders is 'Orders; all amounts in minor units of currency. Statuses and totals are written by procedures only.';
comment on column public.orders.tax_amount is 'Sum of the lines'' tax; contained in the prices when prices_include_tax.';
comment on column public.orders.wallet_amount is 'What the wallet has paid in all; part of paid_amount.';
comment on column public.orders.paid_amount is 'Everything that was ever paid for the order.';
comment on column public.orders.refunded_amount is 'Everything of it that went back.';
comment on column public.orders.wallet_refunded_amount is 'Part of refunded_amount that went back into the wallet it came from.';
comment on column public.orders.credited_amount is 'How much of the total was taken back by refunds, returns or cancellation; all of it once the order has ended.';
comment on column public.orders.outstanding_amount is 'total - credited - paid + refunded: what the customer owes for the order; negative when the house owes them.';
comment on column public.orders.amount_due is 'What is left to pay: outstanding_amount, or nothing when it is negative.';
comment on column public.orders.placed_by is 'Who called: the customer, or staff on their behalf; null for a backend.';
comment on column public.orders.shipping_address is 'Snapshot of the address at placing.';

/* Lines with what they were sold as: name, SKU and price are snapshots (source 004). */
create table public.order_items (
  account_id uuid not null,
  order_id uuid not null references public.orders (id) on delete restrict,
  line_number integer not null,
  variant_id uuid not null,
  vendor_id uuid,
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
  platform_rate_bp integer,
  primary key (order_id, line_number),
  constraint quantity_is_positive check (quantity > 0),
  constraint total_is_price_times_quantity check (total_price_amount = unit_price_amount * quantity),
  constraint discount_is_part_of_the_line check (discount_amount between 0 and total_price_amount),
  constraint tax_is_not_negative check (tax_amount >= 0 and tax_rate_bp between 0 and 10000),
  constraint platform_rate_is_a_share check (platform_rate_bp between 0 and 10000)
);
alter table public.order_items enable row level security;
revoke all on public.order_items from anon, authenticated, service_role;
grant select on public.order_items to authenticated, service_role;
create policy order_items_are_seen_by_their_customer_and_staff on public.order_items for select to authenticated
  using (account_id in (select a.id from public.accounts a where a.user_id = (select auth.uid()))
         or (select ledger.caller_may('orders.read')));
select ledger.protect_from_hands('public.order_items', 'ledger_place_order or ledger_edit_order');
comment on table public.order_items is
  'Order lines in minor units. total_price_amount is before discount_amount (the line''s share of the order''s discount) and, unless prices include it, tax_amount.';
comment on column public.order_items.platform_rate_bp is 'The platform''s share of a vendor''s line in basis points, as it was at placing; null for the house''s own goods.';

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
  using (account_id >= (select ledger.first_account_seen('orders.read'))
         and account_id <= (select ledger.last_account_seen('orders.read'))
         and (account_id in (select a.id from public.accounts a where a.user_id = (select auth.uid()))
              or (select ledger.caller_may('orders.read'))));
-- uses by a customer, and the foreign keys
create index discount_redemptions_by_code_and_account on public.discount_redemptions (discount_code_id, account_id);
create index discount_redemptions_by_account on public.discount_redemptions (account_id);
select ledger.protect_from_hands('public.discount_redemptions', 'ledger_place_order or ledger_cancel_order');
comment on table public.discount_redemptions is 'Which order used which code, and what it took off in minor units.';

alter table public.transactions
  add constraint transactions_order_id_fkey foreign key (order_id) references public.orders (id) on delete restrict;
