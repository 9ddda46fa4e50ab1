/* What is for sale. Edited in the dashboard or by a backend; prices of placed orders are snapshots. */
create table public.products (
  id uuid primary key default ledger.uuid_v7(),
  vendor_id uuid references public.vendors (id) on delete restrict,
  name text not null,
  description text,
  tax_rate_bp integer,
  is_active boolean not null default true,
  created_at timestamptz not null default clock_timestamp(),
  constraint name_is_short check (length(name) between 1 and 255),
  constraint tax_rate_is_a_share check (tax_rate_bp between 0 and 10000)
);
alter table public.products enable row level security;
revoke all on public.products from anon, authenticated, service_role;
grant select on public.products to anon, authenticated;
grant select, insert, update on public.products to service_role;
create policy products_for_sale_are_public on public.products for select to anon using (is_active);
create policy products_are_seen_when_for_sale_or_by_staff on public.products for select to authenticated
  using (is_active or (select ledger.caller_may('stock.read')));
-- the foreign key to vendors
create index products_by_vendor on public.products (vendor_id);
select ledger.audit_hand_edits_of('public.products', 'id');
comment on table public.products is 'Products. tax_rate_bp overrides the setting of the same name, in basis points.';
