begin;
select plan(5);

select tests.create_variant('mug', price => 1000);
select tests.create_variant('dinar mug', price => 1500, currency => 'IQD');
select tests.create_variant('yen mug', price => 15, currency => 'JPY');
select tests.create_customer('alice', 5000);
select tests.expect_success(c) from ledger_credit_account(tests.get_supabase_uid('alice'), 2000, p_currency => 'iqd') c;

select tests.authenticate_as('alice');
select results_eq(
  $$ select error_code, error_message from ledger_place_order(tests.lines('mug x 1', 'dinar mug x 1')) $$,
  $$ values ('currency_mismatch', 'One order has one currency; these items are priced in IQD, USD.') $$,
  'items of two currencies are refused');
select results_eq(
  $$ select success, currency, available_balance from ledger_place_order(tests.lines('dinar mug x 1')) $$,
  $$ values (true, 'IQD', 500::bigint) $$,
  'an order is paid from the account in its currency');
select results_eq(
  $$ select success, currency, amount_due from ledger_place_order(tests.lines('yen mug x 2'), 'bank_transfer') $$,
  $$ values (true, 'JPY', 30::bigint) $$,
  'a first order in a currency opens the account in it');
select tests.act_as_owner();
select results_eq(
  $$ select a.currency, a.total_orders, a.available_balance from accounts a where a.user_id = tests.get_supabase_uid('alice') order by 1 $$,
  $$ values ('IQD', 1500::bigint, 500::bigint), ('JPY', 0, 0), ('USD', 0, 5000) $$,
  'each currency has its own totals');
select is_empty('select * from ledger.book_differences()', 'the books are in order');

select * from finish();
rollback;
