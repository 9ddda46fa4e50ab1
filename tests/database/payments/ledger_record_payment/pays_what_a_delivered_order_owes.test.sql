begin;
select plan(6);

select tests.create_variant('mug', price => 1000);
select tests.create_customer('alice');
update order_status_transitions set needs_payment = false;
select tests.place_named_order('owed', 'alice', tests.lines('mug x 3'), 'bank_transfer');
select tests.move_order(tests.order_id('owed'), 'confirmed', 'processing', 'delivered');
select is(tests.booked('alice', 'receivable'), 3000::bigint, 'what is delivered unpaid is owed');

select results_eq(
  $$ select applied_amount, payment_status, outstanding_amount from ledger_record_payment(tests.order_id('owed'), 1000) $$,
  $$ values (1000::bigint, 'partially_paid', 2000::bigint) $$, 'a payment lowers what is owed');
select is(
  array[tests.booked('alice', 'receivable'), tests.booked('alice', 'order_escrow'), tests.booked('alice', 'bank')], array[2000, 0, 1000]::bigint[],
  'it goes against the receivable, a delivered order leaves nothing in escrow');
select results_eq(
  $$ select applied_amount, credit_amount, payment_status from ledger_record_payment(tests.order_id('owed'), 2500) $$,
  $$ values (2000::bigint, 500::bigint, 'overpaid') $$, 'more than is owed is credit');
select is(
  array[tests.booked('alice', 'receivable'), tests.booked('alice', 'wallet'), tests.booked('alice', 'revenue')], array[0, 500, 3000]::bigint[], 'nothing is owed any more');
select is_empty('select * from ledger.book_differences()', 'the books are in order');

select * from finish();
rollback;
