begin;
select plan(7);

select tests.create_variant('mug', price => 1250);
select tests.create_variant('dinar mug', price => 1250, currency => 'IQD');
select tests.create_customer('alice', 2499);
select tests.create_customer('bob');

select tests.authenticate_as('alice');
select results_eq(
  $$ select success, error_code, error_message from ledger_place_order(tests.lines('mug x 2')) $$,
  $$ values (false, 'insufficient_funds', '25.00 USD is needed, 24.99 USD is available.') $$,
  'one cent too little is refused, with both amounts (source 003)');
select is(
  (select error_message from ledger_place_order(tests.lines('dinar mug x 1'))),
  '1.250 IQD is needed, 0.000 IQD is available.',
  'money in one currency does not pay an order in another; the message shows the currency''s own decimals');

select tests.authenticate_as('bob');
select is(
  (select error_code from ledger_place_order(tests.lines('mug x 1'))), 'insufficient_funds',
  'a customer who never had money is refused for lack of it');
select tests.act_as_owner();

select is(tests.orders_and_available('alice'), '0/2499', 'a refused order takes no money');
select is(tests.stock('mug'), 100::bigint, 'a refused order takes no stock');
select is_empty($$ select from tests.account('bob') $$, 'a refused first order opens no account');

select tests.expect_success(c) from ledger_credit_account(tests.get_supabase_uid('alice'), 1) c;
select tests.place_named_order('all of it', 'alice', tests.lines('mug x 2'));
select is(tests.orders_and_available('alice'), '2500/0', 'exactly enough is enough');

select * from finish();
rollback;
