begin;
select plan(12);

select tests.create_variant('mug', price => 1000);
select tests.create_customer('alice', 600);
select tests.place_named_order('open', 'alice', tests.lines('mug x 2'), 'wallet_partial');

select results_eq(
  $$ select applied_amount, credit_amount, payment_status, outstanding_amount, available_balance from ledger_record_payment(tests.order_id('open'), 1450) $$,
  $$ values (1400::bigint, 50::bigint, 'overpaid', 0::bigint, 50::bigint) $$, 'of 1450 the order takes the 1400 it needs, 50 are wallet credit');
select is(tests.orders_and_available('alice'), '600/50', 'which can be spent');
select is(
  array[tests.booked('alice', 'order_escrow'), tests.booked('alice', 'wallet'), tests.booked('alice', 'bank')], array[2000, 50, 2050]::bigint[],
  'escrow holds the order''s total and no more');
select results_eq(
  $$ select credit_amount, applied_amount from ledger_record_payment(tests.order_id('open'), 30, 'card', 'c-1') $$,
  $$ values (30::bigint, 0::bigint) $$, 'a payment for what is paid already is all credit');

-- a transfer that arrives when the order is no more
select tests.place_named_order('late', 'alice', tests.lines('mug x 1'), 'bank_transfer');
select is((select error_code from tests.change_status('late', 'cancelled')), null, 'an order is cancelled before its transfer arrives');
select results_eq(
  $$ select success, applied_amount, credit_amount, order_status, payment_status, outstanding_amount from ledger_record_payment(tests.order_id('late'), 1000) $$,
  $$ select true, 0::bigint, 1000::bigint, 'cancelled', o.payment_status, 0::bigint from tests.order_named('late') o $$,
  'a late transfer on a cancelled order is not lost: it is wallet credit');
select results_eq(
  $$ select o.paid_amount, o.refunded_amount from tests.order_named('late') o $$, $$ values (0::bigint, 0::bigint) $$, 'and no part of the order');
select tests.place_named_order('rejected', 'alice', tests.lines('mug x 1'), 'bank_transfer');
select is((select error_code from tests.change_status('rejected', 'rejected')), null, 'an order is rejected');
select is((select credit_amount from ledger_record_payment(tests.order_id('rejected'), 700)), 700::bigint, 'what comes in for it is credit too');
select is(tests.orders_and_available('alice'), '600/1780', 'all of the credit is in the wallet');
select is(
  (select sum(t.amount)::bigint from transactions t where t.type = 'payment_recorded'), 1780::bigint, 'by transactions of its amount');
select is_empty('select * from ledger.book_differences()', 'the books are in order');

select * from finish();
rollback;
