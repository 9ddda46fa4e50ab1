begin;
select plan(14);

select tests.create_variant('mug', stock => 50, price => 1000);
select tests.create_customer('alice', 1500);
select tests.place_named_order('order', 'alice', tests.lines('mug x 5'), 'wallet_partial');
select tests.expect_success(r) from ledger_record_payment(tests.order_id('order'), 3500) r;
select is(tests.orders_and_available('alice'), '1500/0', 'the wallet paid 15.00, a transfer 35.00');

select results_eq(
  $$ select returned_amount, outstanding_amount, payment_status from ledger_edit_order(tests.order_id('order'), '[{"line_number": 1, "quantity": 3}]') $$,
  $$ values (2000::bigint, 0::bigint, 'paid') $$, 'two mugs less give 20.00 back');
select is(tests.orders_and_available('alice'), '0/2000', 'first what the wallet paid, then credit for what came from outside');
select results_eq(
  $$ select r.credited_amount, r.wallet_amount, r.credit_amount, r.payout_amount, r.payout_status, r.destination, r.reason from refunds r $$,
  $$ values (0::bigint, 1500::bigint, 500::bigint, 0::bigint, 'none', 'wallet', 'order edited') $$, 'which is kept as a refund that takes nothing back');
select results_eq(
  $$ select t.amount, t.reference_id from transactions t where t.type = 'order_edited' $$, $$ select 2000::bigint, r.id from refunds r $$, 'with its transaction');

create temp table edited as select * from ledger_edit_order(tests.order_id('order'), '[{"line_number": 1, "quantity": 2}]', p_to => 'original');
select is((select returned_amount from edited), 1000::bigint, 'another one gives 10.00 back to where it came from');
select results_eq(
  $$ select r.wallet_amount, r.credit_amount, r.payout_amount, r.payout_status, r.destination from refunds r where r.id = (select refund_id from edited) $$,
  $$ values (0::bigint, 0::bigint, 1000::bigint, 'pending', 'original') $$, 'a payout that waits for finance');
select is(
  array[tests.booked('alice', 'refunds_payable'), tests.booked('alice', 'order_escrow'), tests.booked('alice', 'wallet')], array[1000, 2000, 2000]::bigint[],
  'the house owes it');
select results_eq(
  $$ select o.paid_amount, o.refunded_amount, o.wallet_refunded_amount, o.outstanding_amount, o.payment_status from tests.order_named('order') o $$,
  $$ values (5000::bigint, 3000::bigint, 1500::bigint, 0::bigint, 'paid') $$, 'the order says what went back, and what of it to the wallet');
select is((select error_code from ledger_settle_refund((select refund_id from edited), 'paid', 'B-1')), null, 'finance pays it out');
select is(array[tests.booked('alice', 'refunds_payable'), tests.booked('alice', 'bank')], array[0, 4000]::bigint[], 'then nothing is owed');
select is((select error_code from ledger_edit_order(tests.order_id('order'), '[{"line_number": 1, "quantity": 1}]', p_to => 'cash')), 'invalid_argument', 'there is no third way');
select is(tests.outcome(null, format('ledger_void_payment(%L)', p.id)), 'payment_already_used', 'a payment of which some went back is not voided') from payments p;
select is_empty('select * from ledger.book_differences()', 'the books are in order');

select * from finish();
rollback;
