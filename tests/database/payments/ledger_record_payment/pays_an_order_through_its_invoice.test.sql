-- Money for an order that has an invoice is allocated to the invoice, and so pays the order; what it does not need stays with the payment.
begin;
select plan(19);

select tests.create_variant('mug', price => 1000);
select tests.create_customer('alice', 300);
select tests.offer('bank_transfer_grace');
select tests.set_setting('auto_confirm_when_paid', 'true');
select tests.place_named_order('desk', 'alice', tests.lines('mug x 2'), 'wallet_partial');
select tests.expect_success(p) from ledger_record_payment(tests.order_id('desk'), 200, p_reference => 'D-0') p;
select tests.invoice_order('desk');
select is(tests.claim('desk'), '1500/0/1500 unpaid', 'an invoice claims what was not paid before it');

select results_eq(
  $$ select order_id, invoice_id, applied_amount, credit_amount, allocated_amount, unapplied_amount, payment_status, outstanding_amount
     from ledger_record_payment(tests.order_id('desk'), 500, p_reference => 'D-1') $$,
  $$ values (tests.order_id('desk'), tests.invoice_id('desk'), 0::bigint, 0::bigint, 500::bigint, 0::bigint, 'partially_paid', 1000::bigint) $$,
  'a payment for the order goes to its invoice');
select is(tests.claim('desk'), '1500/500/1000 partial', 'which remains open by what the order owes');
select results_eq(
  $$ select order_id, allocated_amount, unapplied_amount, order_status, payment_status, outstanding_amount
     from ledger_record_payment(p_invoice_id => tests.invoice_id('desk'), p_amount => 1150, p_reference => 'D-2') $$,
  $$ values (tests.order_id('desk'), 1000::bigint, 150::bigint, 'confirmed', 'paid', 0::bigint) $$,
  'one for the invoice pays the order, and confirms it where the shop wants that');
select is(tests.claim('desk') || ' ' || tests.debt('alice'), '1500/1500/0 paid 0/150', 'what is too much stays with the payment');
select is(
  array[tests.booked('alice', 'order_escrow'), tests.booked('alice', 'unapplied_payments'), tests.booked('alice', 'bank'), tests.booked('alice', 'wallet')],
  array[2000, 150, 2150, 0]::bigint[], 'escrow holds the order, and the rest is unapplied; 300 were there before');
select is(
  array(select t.type from transactions t where t.order_id = tests.order_id('desk') order by t.account_version),
  '{order_created,payment_recorded,invoice_issued,payment_recorded,payment_allocated,payment_recorded,payment_allocated,order_status_changed}'::text[],
  'coming in and being allocated are two operations');
select is((select array_agg(a.method order by a.id) from payment_allocations a), '{auto,manual}'::text[], 'who named the invoice allocated by hand');

-- an order that was rejected or has ended takes nothing any more
select tests.place_named_order('late', 'alice', tests.lines('mug x 1'), 'bank_transfer');
select tests.invoice_order('late');
select is((select error_code from tests.change_status('late', 'rejected')), null, 'an order with an invoice is rejected');
select results_eq(
  $$ select applied_amount, credit_amount, allocated_amount, unapplied_amount from ledger_record_payment(tests.order_id('late'), 1000, p_reference => 'L-1') $$,
  $$ values (0::bigint, 0::bigint, 0::bigint, 1000::bigint) $$, 'its late transfer is remainder');
select is((select error_code from tests.change_status('late', 'cancelled')), null, 'then it is cancelled');
select is(tests.claim('late') || ' ' || tests.debt('alice'), '0/0/0 paid 0/1150', 'and claims nothing');
select is((select unapplied_amount from ledger_record_payment(p_invoice_id => tests.invoice_id('late'), p_amount => 10)), 10::bigint, 'what comes for its invoice is remainder too');

-- while a backfill runs nothing is allocated, and money still comes in
select tests.place_named_order('backfill', 'alice', tests.lines('mug x 1'), 'bank_transfer');
select tests.invoice_order('backfill');
update feature_flags set state = 'read_only' where key = 'ledger_backfill_mode';
select results_eq(
  $$ select allocated_amount, unapplied_amount, payment_status from ledger_record_payment(tests.order_id('backfill'), 1000, p_reference => 'B-1') $$,
  $$ values (0::bigint, 1000::bigint, 'unpaid') $$, 'money that comes in during a backfill waits with its payment');
update feature_flags set state = 'off' where key = 'ledger_backfill_mode';
select is((select allocated_amount from tests.allocate('B-1', 'backfill 1000')), 1000::bigint, 'and is allocated after it');
select is((select payment_status from tests.order_named('backfill')), 'paid', 'which pays the order');

-- without its invoice an order is paid directly again
select tests.place_named_order('void', 'alice', tests.lines('mug x 1'), 'bank_transfer');
select tests.invoice_order('void');
select tests.expect_success(v) from ledger_void_invoice(tests.invoice_id('void'), 'not wanted') v;
select results_eq(
  $$ select invoice_id, applied_amount, credit_amount, payment_status from ledger_record_payment(tests.order_id('void'), 1300) $$,
  $$ values (null::uuid, 1000::bigint, 300::bigint, 'overpaid') $$, 'an order whose invoice is void is paid directly');
select is((select payment_status from tests.order_named('void')), 'overpaid', 'and reads overpaid by its surplus');
select is_empty('select * from ledger.book_differences()', 'the books are in order');

select * from finish();
rollback;
