-- Issue: a vendor sees the lines of their products only; DESIGN rule 9: somebody else's vendor is not there.
begin;
select plan(16);

select tests.create_supabase_user(name) from unnest('{wendy,derek,nobody}'::text[]) name;
select tests.create_staff('logistics', 'logistics'), tests.create_staff('vendor', 'vendor');
select tests.create_vendor('Weaver', 'wendy', 1000), tests.create_vendor('Dyer', 'derek', 0), tests.create_vendor('Spinner', 'wendy', 0);
select tests.create_vendor_variant('Weaver', 'rug', price => 1000), tests.create_vendor_variant('Dyer', 'dye', price => 300),
       tests.create_vendor_variant('Spinner', 'yarn', price => 200);
select tests.create_variant('mug', price => 500);
select tests.create_customer('alice', 20000), tests.create_customer('bob', 20000);
select tests.place_named_order('first', 'alice', tests.lines('rug x 2', 'mug x 1', 'dye x 1'));
select tests.place_named_order('second', 'bob', tests.lines('mug x 1', 'yarn x 1', 'rug x 1'));
select tests.place_named_order('third', 'bob', tests.lines('mug x 1'));

/* Who asks, and the lines as "order line: SKU x quantity". */
create function pg_temp.lines_of(p_who text, p_vendor text default null) returns text[] language plpgsql as $$
declare
  v_vendor_id uuid := tests.vendor_id(p_vendor);
  v_lines text[];
begin
  if p_who is not null then
    perform tests.authenticate_as(p_who);
  end if;
  v_lines := array(select format('%s: %s x %s', l.line_number, l.product_sku, l.quantity) from public.vendor_order_lines(v_vendor_id) l);
  perform tests.act_as_owner();
  return v_lines;
end $$;

select is(pg_temp.lines_of('wendy'), '{2: yarn x 1,3: rug x 1,1: rug x 2}', 'an owner of two vendors sees the lines of both, newest order first');
select is(pg_temp.lines_of('wendy', 'Weaver'), '{3: rug x 1,1: rug x 2}', 'or of one of them');
select is(pg_temp.lines_of('derek'), '{3: dye x 1}', 'another owner sees theirs');
select is(pg_temp.lines_of('logistics', 'Dyer'), '{3: dye x 1}', 'staff with orders.read see those of the vendor they name');
select is(pg_temp.lines_of(null, 'Dyer'), '{3: dye x 1}', 'so does a backend');

select throws_ok(format('select pg_temp.lines_of(%L, %L)', who, vendor), 'PT404', null, sentence)
from (values
  ('wendy', 'Dyer', 'somebody else''s vendor is not found'),
  ('nobody', 'Dyer', 'nor is it for who owns none'),
  ('vendor', 'Dyer', 'the role "vendor" opens nothing by itself'),
  ('vendor', null, 'nor does it make one an owner'),
  ('logistics', null, 'staff who name no vendor have none of their own'),
  (null, null, 'nor has a backend')) v (who, vendor, sentence);
select tests.authenticate_as('wendy');
select throws_matching(format('select * from public.vendor_order_lines(%L)', 'ffffffff-ffff-ffff-ffff-ffffffffffff'),
  'There is no vendor ffffffff', 'one that does not exist reads the same');
select is((select count(*)::int from orders) + (select count(*)::int from order_items), 0, 'the tables show an owner nothing of others'' orders');
select tests.act_as_owner();

-- each column of a line
select tests.move_order(tests.order_id('first'), 'processing', 'shipped');
select tests.expect_success(r) from ledger_refund_order(tests.order_id('first'), '[{"line_number": 1, "quantity": 1}]') r;
select tests.authenticate_as('wendy');
create temp table line as select * from public.vendor_order_lines() l where l.quantity = 2;
select tests.act_as_owner();
select results_eq(
  $$ select order_id, order_status, product_name, variant_name, shipped_quantity, refunded_quantity, currency, unit_price_amount,
            total_price_amount, discount_amount, tax_amount, platform_rate_bp, share_amount, shipping_method, shipping_address from line $$,
  $$ select o.id, 'shipped', 'Product rug', 'Variant rug', 2::bigint, 1::bigint, 'USD', 1000::bigint, 2000::bigint, 0::bigint, 0::bigint,
            1000, 900::bigint, null::text, null::jsonb from tests.order_named('first') o $$, 'a line says what was ordered, what became of it, and what is left to earn');
select is((select array_agg(c.attname::text order by c.attnum) from pg_attribute c where c.attrelid = 'line'::regclass and c.attnum > 0),
  '{order_id,order_number,order_status,line_number,vendor_id,variant_id,product_name,product_sku,variant_name,quantity,shipped_quantity,refunded_quantity,currency,unit_price_amount,total_price_amount,discount_amount,tax_amount,platform_rate_bp,share_amount,placed_at,shipping_method,shipping_address}',
  'and nothing of who ordered or what the order costs');
select is((select placed_at from line), (select created_at from tests.order_named('first')), 'with the moment of the order');

select * from finish();
rollback;
