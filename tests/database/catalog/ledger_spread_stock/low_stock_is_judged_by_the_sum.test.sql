-- Source 004: one alert per crossing of the threshold, wherever the units lie.
begin;
select plan(10);
select tests.create_customer('ann', 100000);
select tests.create_variant('hot', 12, 10), tests.create_variant('few', 3, 10);
update public.variants set low_stock_threshold = 8 where sku = 'hot';
select tests.expect_success(s) from public.ledger_spread_stock(tests.get_variant_id('hot'), 4) s;

create function pg_temp.alerts(sku text) returns jsonb language sql as $$
  select coalesce(jsonb_agg(m -> 'on_hand'), '[]') from tests.messages('stock.low', jsonb_build_object('sku', sku)) m;
$$;
select tests.place_order('ann', 'hot', 3);
select is(pg_temp.alerts('hot'), '[]', 'slots that are all below the threshold are not low while their sum is not');
select tests.place_order('ann', 'hot', 1);
select is(pg_temp.alerts('hot'), '[8]', 'the order that brings the sum to the threshold queues the alert');
select tests.place_order('ann', 'hot', 1), tests.place_order('ann', 'hot', 2);
select is(pg_temp.alerts('hot'), '[8]', 'orders below it queue no other');
select tests.move_order((select o.id from public.orders o order by o.id limit 1), 'cancelled');
select is(pg_temp.alerts('hot'), '[8]', 'a cancellation that stays at the threshold queues none');
select tests.expect_success(s) from public.ledger_adjust_stock(tests.get_variant_id('hot'), 2) s;
select tests.place_order('ann', 'hot', 2);
select is(pg_temp.alerts('hot'), '[8, 8]', 'after it has risen above, the next crossing queues one again');
select tests.expect_success(s) from public.ledger_adjust_stock(tests.get_variant_id('hot'), -8, 'damaged') s;
select is(pg_temp.alerts('hot'), '[8, 8]', 'taking the rest is no crossing');

select tests.expect_success(s) from public.ledger_spread_stock(tests.get_variant_id('few'), 2) s;
select tests.place_order('ann', 'few', 1);
select is(pg_temp.alerts('few'), '[]', 'stock that was low before it was spread crosses nothing');

select tests.expect_success(s) from public.ledger_adjust_stock(tests.get_variant_id('hot'), 10) s;
select tests.expect_success(s) from public.ledger_spread_stock(tests.get_variant_id('hot'), 1) s;
select tests.place_order('ann', 'hot', 3);
select is(pg_temp.alerts('hot'), '[8, 8, 7]', 'gathered in one slot, it is judged by that slot');
select tests.expect_success(s) from public.ledger_spread_stock(tests.get_variant_id('hot'), 2) s;
update public.variants set low_stock_threshold = 3 where sku = 'hot';
select tests.place_order('ann', 'hot', 5);
select is(pg_temp.alerts('hot'), '[8, 8, 7, 2]', 'low by a threshold that was lowered since, the next crossing is told again');
select is_empty('select * from ledger.book_differences()', 'the books are in order');
select * from finish();
rollback;
