-- A payment that never was one leaves whatever it paid: orders by their invoices, free invoices, and what was left of it.
begin;
select plan(21);

select tests.create_variant('mug', price => 1000);
select tests.create_customer('alice');
select tests.offer('bank_transfer_grace');
select tests.place_named_order('one', 'alice', tests.lines('mug x 1'), 'bank_transfer');
select tests.place_named_order('two', 'alice', tests.lines('mug x 2'), 'bank_transfer_grace');
select tests.invoice_order('one');
select tests.invoice_order('two');
select tests.invoice_customer('advice', 'alice', 'advice x 1 at 500');
select tests.receive('A-1', 'alice', 4000);
select tests.expect_success(a) from tests.allocate('A-1', 'one 1000', 'two 1500', 'advice 300') a;
select tests.move_order(tests.order_id('two'), 'confirmed', 'processing', 'delivered');
select is(tests.used('A-1') || ' ' || tests.debt('alice'), '2800/1200 700/1200', 'a payment pays two orders and an invoice, 1200 are left');

-- while it may not be taken back, nothing changes
select tests.set_backfill_mode('read_only');
create temp table before as select tests.state() as state;
select is((select error_code from ledger_void_payment(tests.payment_id('A-1'))), 'backfill_running', 'not while a backfill keeps allocations closed');
select is((select error_code from ledger_void_payment(tests.payment_id('A-1'), repeat('x', 2001))), 'invalid_argument', 'a reason is short');
select is(tests.changes((select state from before), tests.state()), null, 'the refusals changed nothing');
select tests.set_backfill_mode('off');

select results_eq(
  $$ select success, order_id, order_status, payment_status, outstanding_amount, reversed_amount from ledger_void_payment(tests.payment_id('A-1'), 'it bounced', 'k1') $$,
  $$ values (true, null::uuid, null::text, null::text, null::bigint, 2800::bigint) $$, 'then it is voided');
select is((select reversed_amount from ledger_void_payment(tests.payment_id('A-1'), 'it bounced', 'k1')), 2800::bigint, 'the same key answers the same');
select is(tests.claim('one') || ', ' || tests.claim('two') || ', ' || tests.claim('advice'), '1000/0/1000 unpaid, 2000/0/2000 unpaid, 500/0/500 unpaid', 'all invoices are open again');
select is(tests.debt('alice'), '3500/0', 'all is owed, nothing is left');
select is((select array_agg(payment_status order by id) from orders), '{unpaid,in_grace}'::text[], 'both orders owe again, one of them with its time to pay');
select is(
  array[tests.booked('alice', 'order_escrow'), tests.booked('alice', 'receivable'), tests.booked('alice', 'unapplied_payments'), tests.booked('alice', 'bank')],
  array[0, 2500, 0, 0]::bigint[], 'the delivered one as a receivable, beside the free invoice');
select is((select sum(allocated_amount) from payment_allocations), 0::numeric, 'each allocation has a row that reverses it');
select is((select count(*)::int from payment_allocations where reverses_allocation_id is not null), 3, 'of its own');
select results_eq(
  $$ select e.stream_type, e.payload -> 'debt_effect' from immutable_events e where e.event_type = 'payment.voided' $$,
  $$ values ('payment', '{"unapplied": -4000}'::jsonb) $$, 'the event says what is no more');
select is((select count(*)::int from payments where status = 'voided' and allocated_amount = 0 and unapplied_amount = 0), 1, 'the payment has nothing any more');

-- of an order whose money went back the payment stays, whichever way it came there
select tests.place_named_order('back', 'alice', tests.lines('mug x 3'), 'bank_transfer');
select tests.invoice_order('back');
select tests.receive('B-1', 'alice', 3500);
select tests.expect_success(a) from tests.allocate('B-1', 'back 3000') a;
select tests.move_order(tests.order_id('back'), 'processing');
select tests.expect_success(r) from ledger_refund_order(tests.order_id('back'), '[{"line_number": 1, "quantity": 1, "unshipped": true}]') r;
create temp table refunded as select tests.state() as state;
select results_eq(
  $$ select error_code, (error_details ->> 'amount')::bigint, (error_details ->> 'left')::bigint from ledger_void_payment(tests.payment_id('B-1')) $$,
  $$ values ('payment_already_used', 3000::bigint, 2000::bigint) $$, 'what was refunded cannot be voided');
select is(tests.changes((select state from refunded), tests.state()), null, 'not in part either');

-- a surplus that leaves the wallet leaves the order paid
select tests.place_named_order('over', 'alice', tests.lines('mug x 1'), 'bank_transfer');
select is((select payment_status from ledger_record_payment(tests.order_id('over'), 1000, p_reference => 'O-1')), 'paid', 'an order is paid');
select is((select payment_status from ledger_record_payment(tests.order_id('over'), 200, p_reference => 'O-2')), 'overpaid', 'and paid again');
select is((select payment_status from ledger_record_payment(tests.order_id('over'), 30, p_reference => 'O-3')), 'overpaid', 'and again');
select is(
  array[(select payment_status from ledger_void_payment(tests.payment_id('O-2'))), (select payment_status from ledger_void_payment(tests.payment_id('O-3')))],
  '{overpaid,paid}'::text[], 'it is overpaid until the last surplus is gone');
select is_empty('select * from ledger.book_differences()', 'the books are in order');

select * from finish();
rollback;
