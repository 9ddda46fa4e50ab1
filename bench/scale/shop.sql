/*
 * People and goods. Whoever and whatever is there already is part of it, the rest is added. All
 * guards and foreign keys are off while this runs, so what triggers would add is added here.
 */
insert into auth.users (id, aud, role, email, raw_user_meta_data)
select md5('scale customer ' || n)::uuid, 'authenticated', 'authenticated', format('scale-%s@example.com', n), '{}'
from scale.size z,
  generate_series(1, z.customers - (select count(*) from public.profiles p
                                    where not exists (select from public.user_roles r where r.user_id = p.id))) n;

insert into public.profiles (id, display_name)
select u.id, 'Customer of scale' from auth.users u
on conflict (id) do nothing;

-- number 1 buys most; which person that is follows from the ids alone
create unlogged table scale.customers as
  select row_number() over (order by md5(p.id::text))::int as number, p.id as user_id, i.account_id,
         coalesce(a.version, 0) as opening_version, coalesce(a.available_balance, 0) as opening_balance
  from public.profiles p
  cross join scale.size z
  cross join lateral (select ledger.account_id(p.id, z.currency) as account_id) i
  left join public.accounts a on a.id = i.account_id
  where not exists (select from public.user_roles r where r.user_id = p.id);
create unique index on scale.customers (number);

insert into public.products (id, name, tax_rate_bp)
select md5('scale product ' || n)::uuid, 'Product ' || n, 1000
from scale.size z, generate_series(0, z.variants / 5) n;

insert into public.variants (id, product_id, sku, name, price_amount, currency)
select md5('scale variant ' || n)::uuid, md5('scale product ' || n / 5)::uuid, 'SCALE-' || n, 'size ' || n % 5,
       100 + floor(scale.share(n, 11) * 9900)::bigint, z.currency
from scale.size z,
  generate_series(1, z.variants - (select count(*) from public.variants v where v.currency = z.currency)) n;

insert into public.stock_levels (variant_id, slot)
select v.id, 0 from public.variants v
on conflict (variant_id, slot) do nothing;

create unlogged table scale.variants as
  select row_number() over (order by md5(v.id::text))::int - 1 as number, v.id as variant_id, p.vendor_id,
         p.name as product_name, v.sku, v.name, v.price_amount, coalesce(p.tax_rate_bp, 0) as tax_rate_bp,
         s.on_hand as opening_on_hand, s.version as opening_version
  from public.variants v
  join public.products p on p.id = v.product_id
  join public.stock_levels s on s.variant_id = v.id and s.slot = 0
  cross join scale.size z
  where v.currency = z.currency;
create unique index on scale.variants (number);
analyze scale.customers, scale.variants;
