-- Source 004: an alert when stock reaches the threshold; not one more for each unit below it.
begin;
select plan(9);

select tests.create_variant('mug', stock => 10);
select tests.create_variant('cup', stock => 10);
update variants set low_stock_threshold = 0 where sku = 'cup';
create function pg_temp.adjust(p_sku text, p_quantity bigint) returns bigint language sql as $$
  select (tests.expect_success(s)).stock_quantity
  from ledger_adjust_stock(tests.get_variant_id(p_sku), p_quantity, case when p_quantity > 0 then 'received' else 'damaged' end) s;
$$;
create function pg_temp.alerts(p_sku text) returns text language sql as $$
  select coalesce(string_agg(format('%s at %s', m ->> 'on_hand', m ->> 'threshold'), ', '), 'none')
  from tests.messages('stock.low', jsonb_build_object('sku', p_sku)) m;
$$;

select pg_temp.adjust('mug', -4), pg_temp.adjust('cup', -4);
select is(pg_temp.alerts('mug'), 'none', 'above the threshold of 5 nobody is alerted');
select pg_temp.adjust('mug', -1), pg_temp.adjust('cup', -5);
select is(pg_temp.alerts('mug'), '5 at 5', 'reaching the threshold of the settings queues an alert with the numbers');
select is(pg_temp.alerts('cup'), 'none', 'a variant with a threshold of its own goes by that');
select pg_temp.adjust('mug', -1), pg_temp.adjust('mug', 1), pg_temp.adjust('mug', 2);
select is(pg_temp.alerts('mug'), '5 at 5', 'neither sinking further nor rising again queues another');
select pg_temp.adjust('mug', -7), pg_temp.adjust('cup', -1);
select is(pg_temp.alerts('mug'), '5 at 5, 0 at 5', 'the next crossing queues the next');
select is(pg_temp.alerts('cup'), '0 at 0', 'a threshold of 0 is one: it is reached when nothing is left');
select pg_temp.adjust('mug', 3), pg_temp.adjust('mug', -3);
select is(pg_temp.alerts('mug'), '5 at 5, 0 at 5', 'what never rose above the threshold crosses nothing');
select tests.set_setting('low_stock_threshold', '1');
select pg_temp.adjust('mug', 2), pg_temp.adjust('mug', -1);
select is(pg_temp.alerts('mug'), '5 at 5, 0 at 5, 1 at 1', 'a changed setting counts from the next adjustment on');
select is_empty('select * from ledger.book_differences()', 'the books are in order');

select * from finish();
rollback;
