/* What an order line names: a product in one size, colour, ... with its price. Stock has its own table. */
create table public.variants (
  id uuid primary key default ledger.uuid_v7(),
  product_id uuid not null references public.products (id) on delete restrict,
  sku text not null unique,
  name text not null,
  price_amount bigint not null,
  currency text not null references public.currencies (code) on delete restrict,
  low_stock_threshold bigint,
  is_active boolean not null default true,
  created_at timestamptz not null default clock_timestamp(),
  backorder_allowed boolean not null default false,
  stock_slots smallint not null default 1,
  constraint sku_and_name_are_short check (length(sku) between 1 and 100 and length(name) between 1 and 255),
  constraint price_is_exact_and_not_negative check (price_amount between 0 and 9007199254740991),
  constraint threshold_is_not_negative check (low_stock_threshold >= 0),
  constraint stock_lies_in_1_to_64_slots check (stock_slots between 1 and 64)
);
alter table public.variants enable row level security;
revoke all on public.variants from anon, authenticated, service_role;
grant select on public.variants to anon, authenticated;
grant select, insert, update on public.variants to service_role;
create policy variants_for_sale_are_public on public.variants for select to anon using (is_active);
create policy variants_are_seen_when_for_sale_or_by_staff on public.variants for select to authenticated
  using (is_active or (select ledger.caller_may('stock.read')));
-- the variants of a product
create index variants_by_product on public.variants (product_id);
select ledger.audit_hand_edits_of('public.variants', 'id');
create trigger stock_slots_come_from_procedures
  before update of stock_slots on public.variants
  for each statement execute function ledger.refuse_hand_edit('variants', 'ledger_spread_stock');
select ledger.enable_always('public.variants', array['stock_slots_come_from_procedures']);
comment on table public.variants is 'Product variants. price_amount is in minor units of currency.';
comment on column public.variants.low_stock_threshold is 'Overrides the setting low_stock_threshold.';
comment on column public.variants.backorder_allowed is 'Whether it can be ordered beyond what is in stock; the rest waits in backorders.';
comment on column public.variants.stock_slots is 'Over how many rows of stock_levels its stock is spread; ledger_spread_stock changes it.';
