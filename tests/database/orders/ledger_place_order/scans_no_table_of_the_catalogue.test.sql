-- Placing, cancelling and adjusting find their variants by index, in a session whose plans were made when the shop was small.
begin;
select plan(6);

select tests.create_variant('mug', price => 100, stock => 100);
select tests.create_customer('alice', 1000000);
insert into discount_codes (code, kind, percent_bp) values ('TEN', 'percent', 1000);
select tests.place_named_order('small shop', 'alice', tests.lines('mug x 1'), discount_code => 'TEN');
select tests.expect_success(c) from ledger_cancel_order(tests.order_id('small shop'), p_user_id => tests.get_supabase_uid('alice')) c;

-- 20,000 variants, of which the first 60 have stock
select set_config('ledger.procedure', 'test', true);
with product as (insert into products (name) select format('Product %s', n) from generate_series(1, 20000) n returning id, name)
insert into variants (product_id, sku, name, price_amount, currency)
select p.id, replace(p.name, 'Product ', 'V'), 'Default', 100, 'USD' from product p;
select set_config('ledger.procedure', '', true);
select count(tests.expect_success(s)) from generate_series(1, 60) n, ledger_adjust_stock(tests.get_variant_id('V' || n), 10) s;
analyze products, variants, stock_levels;

create temp table baskets as
  select n, case when n % 5 = 0 then 'TEN' end as discount_code,
         tests.lines(format('V%s x 1', n), format('V%s x 2', n + 20), format('V%s x 1', n + 40), format('V%s x 1', n)) as items
  from generate_series(1, 20) n;
create temp table scans (step text, name text, seq_scan bigint, idx_scan bigint);
create function pg_temp.note(p_step text) returns void language sql as $$
  insert into scans select p_step, s.relname, s.seq_scan, s.idx_scan from pg_stat_xact_user_tables s
  where s.schemaname = 'public' and s.relname in ('products', 'variants', 'stock_levels');
$$;
/* The tables that were read as a whole since the step before. */
create function pg_temp.scanned(p_before text, p_after text) returns setof text language sql as $$
  select a.name from scans b join scans a using (name) where b.step = p_before and a.step = p_after and a.seq_scan <> b.seq_scan;
$$;

select pg_temp.note('begin');
select is(
  (select count(tests.expect_success(o)) from baskets b,
     ledger_place_order(b.items, p_discount_code => b.discount_code, p_user_id => tests.get_supabase_uid('alice')) o),
  20::bigint, '20 orders are placed in one session, of 20,000 variants');
select pg_temp.note('placed');
select is_empty($$ select pg_temp.scanned('begin', 'placed') $$, 'placing them scanned neither products nor variants nor stock');
select is_empty($$ select a.name from scans b join scans a using (name) where b.step = 'begin' and a.step = 'placed' and a.idx_scan < b.idx_scan + 20 $$,
  'but looked each of these up by index, in each order');
select is(
  (select count(tests.expect_success(c)) from orders o, ledger_cancel_order(o.id, p_user_id => o.user_id) c where o.status = 'pending'),
  20::bigint, 'all of them are cancelled');
select count(tests.expect_success(s)) from generate_series(1, 20) n, ledger_adjust_stock(tests.get_variant_id('V' || n), 1) s;
select pg_temp.note('cancelled and adjusted');
select is_empty($$ select pg_temp.scanned('placed', 'cancelled and adjusted') $$, 'nor did cancelling them, or adjusting stock');
select is_empty('select * from ledger.book_differences()', 'the books are in order');

select * from finish();
rollback;
