begin;
select plan(10);

select tests.create_variant('mug', stock => 3, price => 1250);
select tests.create_variant('cup', stock => 1, price => 100);
select tests.create_variant('bowl', stock => 0, price => 100);
select tests.create_customer('alice', 10000);

select tests.authenticate_as('alice');
select results_eq(
  $$ select success, error_code, error_message, order_id from ledger_place_order(tests.lines('mug x 4')) $$,
  $$ values (false, 'insufficient_stock', 'Only 3 of "Product mug, Variant mug" left, 4 asked.', null::uuid) $$,
  'an order for 4 of 3 is refused, with a message a customer can read (source 003)');
select results_eq(
  $$ select (error_details ->> 'available')::int, (error_details ->> 'requested')::int, (error_details ->> 'variant_id')::uuid
     from ledger_place_order(tests.lines('mug x 4')) $$,
  $$ values (3, 4, tests.get_variant_id('mug')) $$,
  'the details carry the numbers (DESIGN section 4, rule 11)');
select is(
  (select error_details -> 'shortages' from ledger_place_order(tests.lines('cup x 2', 'mug x 3', 'bowl x 1'))),
  jsonb_build_array(
    jsonb_build_object('variant_id', tests.get_variant_id('cup'), 'available', 1, 'requested', 2),
    jsonb_build_object('variant_id', tests.get_variant_id('bowl'), 'available', 0, 'requested', 1)),
  'the details list every variant that is short, in the order of the lines, and no other (source 004)');
select is(
  (select error_code from ledger_place_order(tests.lines('mug x 100'))), 'insufficient_stock',
  'where stock and money are both short, the stock is what the customer reads about (source 003)');
select tests.act_as_owner();

select is(array[tests.stock('mug'), tests.stock('cup')], array[3, 1]::bigint[], 'a refused order takes nothing from stock');
select is(tests.orders_and_available('alice'), '0/10000', 'a refused order takes no money');
select is_empty($$ select from orders o where o.user_id = tests.get_supabase_uid('alice') $$, 'a refused order leaves no order');
select is(
  (select count(*) from transactions t where t.account_id = (select id from tests.account('alice'))), 1::bigint,
  'a refused order leaves no transaction beside the deposit');

select tests.authenticate_as('alice');
select is((select success from ledger_place_order(tests.lines('mug x 3'))), true, 'the last 3 of 3 can be ordered');
select tests.act_as_owner();
select is(tests.stock('mug'), 0::bigint, 'then none is left');

select * from finish();
rollback;
