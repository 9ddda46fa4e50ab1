-- DESIGN sections 1 and 3: clients call procedures and read; nobody writes a table of money or stock directly.
begin;
select plan(12);
select tests.create_customer('ann', 10000), tests.create_variant('MUG', 10);
select tests.place_order('ann', 'MUG');
insert into public.variants (product_id, sku, name, price_amount, currency, is_active)
select v.product_id, 'OLD', 'Old', 100, 'USD', false from public.variants v where v.sku = 'MUG';
insert into public.products (name, is_active) values ('Archived', false);
insert into public.shipping_methods (code, currency, name, price_amount, is_active) values ('PIGEON', 'USD', 'Pigeon', 1, false);
create temp table before as select tests.state() as state;

-- every function in public, called by a visitor with nulls of the right types
create temp table calls as
  select p.proname::text as name,
         format('select * from public.%I(%s)', p.proname,
                (select string_agg('null::' || format_type(t, null), ', ' order by n) from unnest(p.proargtypes::oid[]) with ordinality a (t, n))) as call
  from pg_proc p where p.pronamespace = 'public'::regnamespace;
select is_empty($$ select name from calls where name <> 'order_quote' and tests.outcome_as('anon', call) <> '42501' $$,
  'a visitor is refused every procedure but order_quote');
select is_empty($$ select name from calls where name <> 'my_permissions' and tests.outcome_as('nobody', call) not in ('42501')
                   and name <> 'order_quote' $$,
  'a request with the role authenticated and no user in its token is refused every procedure but order_quote');
select is(tests.outcome_as('anon', format('select * from public.order_quote(%L)', tests.items('MUG'))), 'success',
  'a visitor may ask what an order would cost');
select is(tests.outcome_as('anon', format('select * from public.order_quote(%L, p_user_id => %L)', tests.items('MUG'), tests.get_supabase_uid('ann'))),
  '42501', 'a visitor may not ask in a customer''s name');

-- every table and view, with every kind of write; 55000: the view cannot be written by anybody
create temp table writes as
  select c.relname::text as name, w.kind,
         format(w.statement, c.relname, (select a.attname from pg_attribute a where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped limit 1)) as statement
  from pg_class c
  cross join (values ('insert', 'insert into public.%1$I default values'),
                     ('update', 'update public.%1$I set %2$I = %2$I'),
                     ('delete', 'delete from public.%1$I'),
                     ('truncate', 'truncate public.%1$I cascade')) w (kind, statement)
  where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p', 'v') and not (c.relkind = 'v' and w.kind = 'truncate');
select is_empty($$ select r, name, kind from writes, unnest('{anon,nobody,ann}'::text[]) r where tests.outcome_as(r, statement) not in ('42501', '55000') $$,
  'no client can insert into, update, delete from or truncate any table or view');
select is_empty($$ select name, kind from writes where tests.outcome_as('service_role', statement) not in ('42501', '55000')
                   and not (kind in ('insert', 'update') and name in ('discount_codes', 'products', 'shipping_methods', 'variants', 'vendors')) $$,
  'a backend can write nothing but inserts and updates of the catalogue');
select is_empty($$ select statement from (values
    ('insert into public.vendors (name) values (''Potter'')'), ('insert into public.products (name) values (''Bowl'')'),
    ('insert into public.variants (product_id, sku, name, price_amount, currency) select id, ''BOWL'', ''Bowl'', 100, ''USD'' from public.products limit 1'),
    ('insert into public.shipping_methods (code, currency, name, price_amount) values (''POST'', ''USD'', ''Post'', 100)'),
    ('insert into public.discount_codes (code, kind, percent_bp) values (''TEN'', ''percent'', 1000)'),
    ('update public.vendors set name = name'), ('update public.products set name = name'), ('update public.variants set price_amount = 1300'),
    ('update public.shipping_methods set price_amount = 2'), ('update public.discount_codes set is_active = false')) s (statement)
  where tests.try_as('service_role', statement) <> 'done' $$, 'a backend can insert and update the catalogue');

-- what a visitor reads
select is_empty($$ select c.relname from pg_class c
                   where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p', 'v')
                     and (tests.count_as('anon', 'public.' || c.relname) <> '42501')
                         <> (c.relname in ('currencies', 'error_codes', 'payment_methods', 'products', 'shipping_methods', 'stock_levels',
                                           'variant_stock', 'variants')) $$,
  'a visitor reads the catalogue, currencies, methods and error codes, and nothing else');
select is_empty($$ select c.relname from pg_class c, unnest('{anon,nobody,ann,service_role}'::text[]) r
                   where c.relnamespace = 'ledger'::regnamespace and c.relkind in ('r', 'p', 'S')
                     and tests.count_as(r, 'ledger.' || c.relname) <> '42501' $$,
  'nobody from outside reads schema ledger');
select is(tests.count_as('anon', $$(select from public.variants where sku in ('MUG', 'OLD'))$$), '1', 'a visitor sees no variant that is not for sale');
select is(tests.count_as('anon', $$(select from public.products where name = 'Archived' union all
                                    select from public.shipping_methods where code = 'PIGEON')$$),
  '0', 'a visitor sees no archived product and no shipping method that is not offered');

select is(tests.changes((select state from before), tests.state()), null, 'none of all this changed anything');
select * from finish();
rollback;
