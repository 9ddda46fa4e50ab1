begin;
select plan(5);

select tests.create_variant('mug', price => 1000);
select tests.create_customer('alice', 5000);

select tests.authenticate_as('alice');
select is(
  (select success from ledger_place_order(tests.lines('mug x 2'), p_expected_total => 2000)), true,
  'the total that the customer was shown is charged');
select tests.act_as_owner();
update variants set price_amount = 1100 where sku = 'mug';

select tests.authenticate_as('alice');
select results_eq(
  $$ select success, error_code, error_message from ledger_place_order(tests.lines('mug x 2'), p_expected_total => 2000) $$,
  $$ values (false, 'price_changed',
       'The total is 22.00 USD, not 20.00 USD: a price, tax, shipping cost or discount has changed.') $$,
  'a total that is no longer right is refused (DESIGN section 4, rule 1)');
select is(
  (select error_code from ledger_place_order(tests.lines('mug x 2'), p_expected_total => 2400)), 'price_changed',
  'a total that is too high is refused as well');
select is(
  (select total_amount from ledger_place_order(tests.lines('mug x 2'))), 2200::bigint,
  'without a total from the client the present price is charged');
select tests.act_as_owner();
select is(tests.orders_and_available('alice'), '4200/800', 'only what succeeded was charged');

select * from finish();
rollback;
