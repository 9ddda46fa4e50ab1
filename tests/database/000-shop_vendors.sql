-- A marketplace for the tests: vendors, whose goods they are, and what of an order is whose. Needs the
-- shop of 000-shop.sql and, like it, stays when the file is done.

/* A vendor, owned by this user or by nobody; the platform takes rate_bp of what they sell. */
create or replace function tests.create_vendor(name text, owner text default null, rate_bp integer default 1000) returns uuid
language sql set search_path = '' as $$
  insert into public.vendors (name, owner_user_id, platform_rate_bp)
  values (create_vendor.name, case when owner is not null then tests.get_supabase_uid(owner) end, rate_bp)
  returning id;
$$;

create or replace function tests.vendor_id(name text) returns uuid
language sql stable security definer set search_path = '' as $$
  select v.id from public.vendors v where v.name = vendor_id.name;
$$;

/* A variant as tests.create_variant makes it, of a vendor's. */
create or replace function tests.create_vendor_variant(
  vendor text, sku text, stock bigint default 100, price bigint default 1000, currency text default 'USD', tax_rate_bp integer default null
) returns uuid language plpgsql set search_path = '' as $$
declare
  v_variant_id uuid := tests.create_variant(sku, stock, price, create_vendor_variant.currency, create_vendor_variant.tax_rate_bp);
begin
  update public.products p set vendor_id = tests.vendor_id(vendor)
  from public.variants v
  where v.id = v_variant_id and p.id = v.product_id;
  return v_variant_id;
end $$;

/* What a vendor has of an order of this name: base, share and what was clawed back, as "900/810/0"; null when nothing. */
create or replace function tests.earned(order_name text, vendor text) returns text
language sql volatile security definer set search_path = '' as $$
  select e.base_amount || '/' || e.share_amount || '/' || e.clawed_back_amount
  from public.vendor_earnings e
  where e.order_id = tests.order_id(order_name) and e.vendor_id = tests.vendor_id(vendor);
$$;

/*
 * Vendors beside the shop of tests.open_shop: Weaver, owned by the user "vendor", Dyer, owned by
 * nobody, and Potter, who sold nothing; and dora, who has a delivered order of two rugs and a pot of dye.
 */
create or replace function tests.open_market() returns void
language plpgsql set search_path = '' as $$
begin
  perform tests.create_vendor('Weaver', 'vendor'), tests.create_vendor('Dyer'), tests.create_vendor('Potter');
  perform tests.create_vendor_variant('Weaver', 'RUG', 10, 5000), tests.create_vendor_variant('Dyer', 'DYE', 10, 300);
  perform tests.create_customer('dora', 20000);
  perform tests.move_order(
    tests.place_named_order('market', 'dora', tests.lines('RUG x 2', 'DYE x 1')), 'processing', 'delivered');
end $$;

begin;
select plan(1);
select has_function('tests', 'open_market', 'the helpers for vendors are in place');
select * from finish();
rollback;
