-- Goods that come back never run low, also where there are few of them still.
begin;
select plan(6);

select tests.create_variant('mug', price => 100, stock => 8);
select tests.create_variant('cup', price => 100, stock => 8);
update variants set low_stock_threshold = 100 where sku = 'cup';
select tests.create_customer('alice', 10000);
create function pg_temp.alerts(p_sku text) returns bigint language sql as $$
  select count(*) from tests.messages('stock.low', jsonb_build_object('sku', p_sku));
$$;
create function pg_temp.cancel(p_name text) returns text language sql as $$
  select (tests.expect_success(c)).order_status from ledger_cancel_order(tests.order_id(p_name), p_user_id => tests.get_supabase_uid('alice')) c;
$$;

select tests.place_named_order('8 to 4', 'alice', tests.lines('mug x 4', 'cup x 4'));
select is(array[pg_temp.alerts('mug'), pg_temp.alerts('cup')], array[1, 0]::bigint[], 'the order crosses the threshold of one variant; the other was below its own');
select is(pg_temp.cancel('8 to 4'), 'cancelled', 'the order is cancelled');
select is(array[tests.stock('mug'), tests.stock('cup')], array[8, 8]::bigint[], 'the goods come back');
select is(array[pg_temp.alerts('mug'), pg_temp.alerts('cup')], array[1, 0]::bigint[], 'and nobody is alerted of it, neither above the threshold nor below');

select tests.place_named_order('all', 'alice', tests.lines('mug x 8'));
select tests.set_setting('low_stock_threshold', '50');
select pg_temp.cancel('all');
select is(pg_temp.alerts('mug'), 2::bigint, 'each order alerted once, no cancellation did');
select is_empty('select * from ledger.book_differences()', 'the books are in order');

select * from finish();
rollback;
