begin;
select plan(6);

select tests.create_variant('mug');
select tests.create_customer('alice', 100000);

select tests.place_named_order('first', 'alice', tests.lines('mug x 1'));
select matches((select order_number from tests.order_named('first')), '^ORD\d{8}$', 'as shipped, ORD and 8 digits (source 004)');
select tests.place_named_order('second', 'alice', tests.lines('mug x 1'));
select is(
  (select substr(order_number, 4)::bigint from tests.order_named('second')),
  (select substr(order_number, 4)::bigint + 1 from tests.order_named('first')), 'the next order has the next number');

select tests.set_setting('order_number_prefix', '"INV-"');
select tests.set_setting('order_number_length', '12');
select tests.place_named_order('third', 'alice', tests.lines('mug x 1'));
select matches((select order_number from tests.order_named('third')), '^INV-\d{12}$', 'prefix and length come from the settings (source 004)');

select tests.set_setting('order_number_length', '4');
select setval('ledger.order_number_seq', 9999);
select tests.place_named_order('fourth', 'alice', tests.lines('mug x 1'));
select is((select order_number from tests.order_named('fourth')), 'INV-10000', 'a number longer than the setting is not cut off');
select matches((select order_number from tests.order_named('first')), '^ORD\d{8}$', 'a changed setting leaves earlier numbers as they are');
select throws_ok(
  $$ update settings set value = '3' where key = 'order_number_length' $$, '23514', null,
  'a length that would repeat numbers soon is refused by the settings');

select * from finish();
rollback;
