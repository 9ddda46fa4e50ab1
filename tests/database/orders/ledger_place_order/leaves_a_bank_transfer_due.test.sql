begin;
select plan(10);

select tests.create_variant('mug', price => 1000, stock => 10);
select tests.create_customer('alice', 5000);

select tests.authenticate_as('alice');
select results_eq(
  $$ select success, status, payment_status, total_amount, wallet_amount, amount_due, available_balance
     from ledger_place_order(tests.lines('mug x 4'), 'bank_transfer', p_notes => 'transfer') $$,
  $$ values (true, 'pending', 'unpaid', 4000::bigint, 0::bigint, 4000::bigint, 5000::bigint) $$,
  'a bank transfer leaves all of it due and the wallet untouched (DESIGN section 7)');
select is(
  (select error_code from ledger_place_order(tests.lines('mug x 1'), 'bank_transfer', 1)), 'invalid_wallet_amount',
  'a wallet''s part of a bank transfer is refused');
select is(
  (select success from ledger_place_order(tests.lines('mug x 1'), 'bank_transfer', 0)), true,
  'a wallet''s part of 0 of a bank transfer is none');
select tests.act_as_owner();

select is(tests.stock('mug'), 5::bigint, 'the goods are taken from stock at once');
select results_eq(
  $$ select t.type, t.amount, t.balance_after from transactions t where t.order_id = tests.order_id('transfer') $$,
  $$ values ('order_created', 0::bigint, 5000::bigint) $$,
  'placing leaves a transaction, of 0, also when no money moves (source 000)');
select is_empty(
  $$ select from postings p join transactions t on t.id = p.transaction_id where t.order_id = tests.order_id('transfer') $$,
  'nothing is posted before money moves');

select results_eq(
  $$ select success, payment_status, returned_amount, available_balance from tests.change_status('transfer', 'cancelled') $$,
  $$ values (true, 'unpaid', 0::bigint, 5000::bigint) $$,
  'cancelling an unpaid order returns no money');
select is((select amount_due from tests.order_named('transfer')), 0::bigint, 'a cancelled order is not due any more');
select is(tests.stock('mug'), 9::bigint, 'its goods come back');
select is_empty('select * from ledger.book_differences()', 'the books are in order');

select * from finish();
rollback;
