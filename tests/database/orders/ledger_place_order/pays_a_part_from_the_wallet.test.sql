begin;
select plan(15);

select tests.create_variant('mug', price => 1000);
select tests.create_customer('alice', 2500);
select tests.create_customer('bob');

select tests.authenticate_as('alice');
select results_eq(
  $$ select success, payment_status, total_amount, wallet_amount, amount_due, available_balance
     from ledger_place_order(tests.lines('mug x 4'), 'wallet_partial', 600, p_notes => 'given part') $$,
  $$ values (true, 'partially_paid', 4000::bigint, 600::bigint, 3400::bigint, 1900::bigint) $$,
  'wallet_partial takes the part that is given and leaves the rest due (DESIGN section 7)');
select results_eq(
  $$ select success, payment_status, wallet_amount, amount_due, available_balance
     from ledger_place_order(tests.lines('mug x 4'), 'wallet_partial') $$,
  $$ values (true, 'partially_paid', 1900::bigint, 2100::bigint, 0::bigint) $$,
  'wallet_partial without a part takes as much as there is');
select results_eq(
  $$ select success, payment_status, wallet_amount, amount_due from ledger_place_order(tests.lines('mug x 1'), 'wallet_partial') $$,
  $$ values (true, 'unpaid', 0::bigint, 1000::bigint) $$,
  'wallet_partial from an empty wallet takes nothing and leaves all of it due');
select results_eq(
  $$ select success, error_code from ledger_place_order(tests.lines('mug x 1'), 'wallet_partial', 1) $$,
  $$ values (false, 'insufficient_funds') $$,
  'a part that the wallet does not hold is refused');
select results_eq(
  $$ select error_code, error_message from ledger_place_order(tests.lines('mug x 1'), 'wallet_partial', 1001) $$,
  $$ values ('invalid_wallet_amount', 'The wallet''s part must be from 0 to the total, 1000, not 1001.') $$,
  'a part larger than the total is refused');
select is(
  (select error_code from ledger_place_order(tests.lines('mug x 1'), 'wallet_partial', -1)), 'invalid_wallet_amount',
  'a negative part is refused');
select is(
  (select error_code from ledger_place_order(tests.lines('mug x 1'), 'wallet', 999)), 'invalid_wallet_amount',
  'with method wallet a part other than the total is refused');
select tests.act_as_owner();

select is(tests.orders_and_available('alice'), '2500/0', 'total_orders rises by what the wallet pays, not by the total (DESIGN section 5)');
select is(tests.booked('alice', 'order_escrow'), 2500::bigint, 'escrow holds what the wallet paid');
select results_eq(
  $$ select t.amount from transactions t where t.order_id = tests.order_id('given part') $$,
  $$ values (-600::bigint) $$, 'the transaction is of minus the wallet''s part');

select tests.expect_success(c) from ledger_credit_account(tests.get_supabase_uid('alice'), 5000) c;
select tests.authenticate_as('alice');
select results_eq(
  $$ select payment_status, wallet_amount, amount_due from ledger_place_order(tests.lines('mug x 1'), 'wallet_partial') $$,
  $$ values ('paid', 1000::bigint, 0::bigint) $$,
  'wallet_partial without a part pays all of it from a wallet that holds more');

select tests.authenticate_as('bob');
select results_eq(
  $$ select success, wallet_amount, amount_due, available_balance from ledger_place_order(tests.lines('mug x 1'), 'wallet_partial') $$,
  $$ values (true, 0::bigint, 1000::bigint, 0::bigint) $$,
  'a first order without money opens the account');
select tests.act_as_owner();

select is((select returned_amount from tests.change_status('given part', 'cancelled')), 600::bigint, 'cancelling returns the wallet''s part only');
select results_eq(
  $$ select o.payment_status, o.amount_due, o.refunded_amount from tests.order_named('given part') o $$,
  $$ values ('refunded', 0::bigint, 600::bigint) $$, 'then nothing is due any more');
select is_empty('select * from ledger.book_differences()', 'the books are in order');

select * from finish();
rollback;
