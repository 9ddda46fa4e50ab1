-- Money for an order that has an invoice is allocated to the invoice, and so pays the order; what it does not need stays with the payment.
begin;
select plan(20);

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
select is((select error_code from tests.change_status('late', 'rejected')), null, 'an order with an invoice is rejected, and the invoice is void');
select results_eq(
  $$ select applied_amount, credit_amount, allocated_amount, unapplied_amount from ledger_record_payment(tests.order_id('late'), 1000, p_reference => 'L-1') $$,
  $$ values (0::bigint, 1000::bigint, 0::bigint, 0::bigint) $$, 'its late transfer is wallet credit');
select is((select error_code from tests.change_status('late', 'cancelled')), null, 'then it is cancelled');
select is(tests.claim('late') || ' ' || tests.debt('alice'), '0/0/0 paid 0/150', 'and claims nothing');
select is((select error_code from ledger_record_payment(p_invoice_id => tests.invoice_id('late'), p_amount => 10)), 'invoice_not_open', 'nor does its invoice, which takes no money any more');

-- a backfill deals with what was imported: the orders of this shop are paid meanwhile, and hold their deadlines
select tests.place_named_order('backfill', 'alice', tests.lines('mug x 1'), 'bank_transfer');
select tests.invoice_order('backfill');
select tests.set_backfill_mode('read_only');
select results_eq(
  $$ select allocated_amount, unapplied_amount, payment_status from ledger_record_payment(tests.order_id('backfill'), 1000, p_reference => 'B-1') $$,
  $$ values (1000::bigint, 0::bigint, 'paid') $$, 'an order is paid during a backfill as ever');
select tests.set_backfill_mode('off');
select is(tests.claim('backfill'), '1000/1000/0 paid', 'through its invoice');
select tests.import('invoices', 'invoices', jsonb_build_array(tests.invoice_row('I-1', 'alice', '10')));
select tests.set_backfill_mode('active');
select is((select (r.allocated_amount, r.unapplied_amount) from public.invoices i, ledger_record_payment(p_invoice_id => i.id, p_amount => 400, p_reference => 'B-2') r where i.external_id = 'I-1'),
  (0::bigint, 400::bigint), 'money for an imported invoice waits with its payment');
select tests.set_backfill_mode('off');
select is((select a.allocated_amount from public.invoices i, ledger_allocate_payment(tests.payment_id('B-2'), jsonb_build_array(jsonb_build_object('invoice_id', i.id, 'amount', 400))) a where i.external_id = 'I-1'),
  400::bigint, 'and is allocated after it');

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
