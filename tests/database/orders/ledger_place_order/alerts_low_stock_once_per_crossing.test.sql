begin;
select plan(9);

select tests.create_variant('mug', price => 100, stock => 8);
select tests.create_variant('cup', price => 100, stock => 8);
update variants set low_stock_threshold = 2 where sku = 'cup';
select tests.create_customer('alice', 10000);
create function pg_temp.alerts(p_sku text) returns bigint language sql as $$
  select count(*) from tests.messages('stock.low', jsonb_build_object('sku', p_sku));
$$;

select tests.place_named_order('8 to 6', 'alice', tests.lines('mug x 2', 'cup x 2'));
select is(pg_temp.alerts('mug'), 0::bigint, 'above the threshold of 5 there is no alert');
select tests.place_named_order('6 to 5', 'alice', tests.lines('mug x 1', 'cup x 1'));
select results_eq(
  $$ select (m ->> 'on_hand')::int, (m ->> 'threshold')::int, m ->> 'name' from tests.messages('stock.low', '{"sku": "mug"}') m $$,
  $$ values (5, 5, 'Variant mug') $$, 'reaching the threshold queues an alert with the numbers (source 004)');
select is(pg_temp.alerts('cup'), 0::bigint, 'a variant with a threshold of its own goes by that');
select tests.place_named_order('5 to 4', 'alice', tests.lines('mug x 1', 'cup x 1'));
select is(pg_temp.alerts('mug'), 1::bigint, 'below the threshold there is no second alert');

select tests.expect_success(c) from tests.change_status('8 to 6', 'cancelled') c;
select is(tests.stock('mug'), 6::bigint, 'a cancellation takes the stock above the threshold again');
select is(pg_temp.alerts('mug'), 1::bigint, 'rising is no crossing');
select tests.place_named_order('6 to 3', 'alice', tests.lines('mug x 1', 'mug x 1', 'mug x 1'));
select is(pg_temp.alerts('mug'), 2::bigint, 'the next crossing queues one alert, however many lines make it');

select tests.place_named_order('6 to 2', 'alice', tests.lines('cup x 4'));
select is(pg_temp.alerts('cup'), 1::bigint, 'the variant with a threshold of 2 is reported at 2');
select tests.set_setting('low_stock_threshold', '1');
select tests.place_named_order('3 to 2', 'alice', tests.lines('mug x 1'));
select tests.place_named_order('2 to 1', 'alice', tests.lines('mug x 1'));
select is(pg_temp.alerts('mug'), 3::bigint, 'the threshold comes from the setting (source 004, LOW_STOCK_THRESHOLD)');

select * from finish();
rollback;
