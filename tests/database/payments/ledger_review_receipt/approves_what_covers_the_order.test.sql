-- Source 000: approving what covers the order makes it paid, confirmed and ready for the warehouse in one transaction.
begin;
select plan(26);

select tests.create_variant('mug', price => 1000);
select tests.create_customer('alice');
select tests.create_staff('fay', 'finance');
select tests.place_named_order('exact', 'alice', tests.lines('mug x 4'), 'bank_transfer');
select tests.place_named_order('less', 'alice', tests.lines('mug x 4'), 'bank_transfer');
select tests.place_named_order('more', 'alice', tests.lines('mug x 4'), 'bank_transfer');
select tests.submit_receipt('alice', 'exact', 4000, 'T-1'), tests.submit_receipt('alice', 'less', 4000, 'T-2'), tests.submit_receipt('alice', 'more', 5000, 'T-3');

-- all of it
select tests.authenticate_as('fay');
select results_eq(
  $$ select status, approved_amount, applied_amount, allocated_amount, credit_amount, unapplied_amount, order_status, payment_status, outstanding_amount, available_balance
     from ledger_review_receipt(tests.receipt_id('T-1'), ' Approve ', p_notes => 'seen', p_idempotency_key => 'k') $$,
  $$ values ('approved', 4000::bigint, 4000::bigint, 0::bigint, 0::bigint, 0::bigint, 'confirmed', 'paid', 0::bigint, 0::bigint) $$, 'the order is paid and confirmed, whatever auto_confirm_when_paid says');
select is((select payment_id from ledger_review_receipt(tests.receipt_id('T-1'), 'approve', p_notes => 'seen', p_idempotency_key => 'k')),
  (select id from payments where reference = 'T-1'), 'the same call again is the same payment');
select tests.act_as_owner();
select is((select stage from order_management where order_id = tests.order_id('exact')), 'warehouse_ready', 'the warehouse may begin');
select results_eq($$ select p.method, p.source, p.amount, p.applied_amount, p.reference, p.notes, p.recorded_by from payments p where p.order_id = tests.order_id('exact') $$,
  $$ values ('bank_transfer', 'receipt', 4000::bigint, 4000::bigint, 'T-1', 'seen', tests.get_supabase_uid('fay')) $$, 'the receipt became a payment');
select results_eq($$ select r.status, r.approved_amount, r.payment_id, r.reviewed_by, r.review_notes, r.reviewed_at is not null from tests.receipt('T-1') r $$,
  $$ select 'approved', 4000::bigint, p.id, tests.get_supabase_uid('fay'), 'seen', true from payments p where p.reference = 'T-1' $$, 'and says which');
select results_eq(
  $$ select t.type from transactions t where t.order_id = tests.order_id('exact') order by t.account_version $$,
  $$ values ('order_created'), ('payment_recorded'), ('order_status_changed') $$, 'payment and confirmation are transactions');
select bag_eq($$ select e.event_type from immutable_events e where e.stream_id = tests.order_id('exact') $$,
  $$ values ('order.placed'), ('receipt.submitted'), ('payment.recorded'), ('order.status_changed'), ('receipt.approved') $$, 'each step is an event of the order');
select is((select count(distinct e.correlation_id) from immutable_events e where e.event_type in ('payment.recorded', 'receipt.approved') and e.stream_id = tests.order_id('exact')), 1::bigint,
  'what one review did is told together');
select is(tests.booked('alice', 'order_escrow'), 4000::bigint, 'the money waits for the delivery');
select is(tests.booked('alice', 'bank'), 4000::bigint, 'and is at the bank');

-- a part of it
select results_eq(
  $$ select status, approved_amount, applied_amount, order_status, payment_status, outstanding_amount from ledger_review_receipt(tests.receipt_id('T-2'), 'approve', 1500, 'only this came') $$,
  $$ values ('partly_approved', 1500::bigint, 1500::bigint, 'pending', 'partially_paid', 2500::bigint) $$, 'less than the order needs leaves it partially_paid');
select is((select stage from order_management where order_id = tests.order_id('less')), 'finance_pending', 'and pending');
select tests.submit_receipt('alice', 'less', 2500, 'T-4'), tests.submit_receipt('alice', 'less', 1, 'T-5');
select is((select payment_status from tests.order_named('less')), 'receipt_uploaded', 'the rest is under review');
select results_eq($$ select status, order_status, payment_status from ledger_review_receipt(tests.receipt_id('T-5'), 'approve') $$,
  $$ values ('approved', 'pending', 'receipt_uploaded') $$, 'while another receipt is, it stays receipt_uploaded');
select results_eq($$ select status, applied_amount, credit_amount, order_status, payment_status from ledger_review_receipt(tests.receipt_id('T-4'), 'approve') $$,
  $$ values ('approved', 2499::bigint, 1::bigint, 'confirmed', 'overpaid') $$, 'the last one covers it');

-- more than the order needs
select results_eq(
  $$ select status, approved_amount, applied_amount, credit_amount, order_status, payment_status, available_balance from ledger_review_receipt(tests.receipt_id('T-3'), 'approve') $$,
  $$ values ('approved', 5000::bigint, 4000::bigint, 1000::bigint, 'confirmed', 'overpaid', 1001::bigint) $$, 'the surplus is wallet credit, and the order reads overpaid');
select is((select available_balance from tests.account('alice')), 1001::bigint, 'to be spent');

-- a step that the shop has taken out is not taken
select tests.place_named_order('by hand', 'alice', tests.lines('mug x 1'), 'bank_transfer');
select tests.submit_receipt('alice', 'by hand', 1000, 'T-6');
delete from order_status_transitions where from_status = 'pending' and to_status = 'confirmed';
select results_eq($$ select order_status, payment_status from ledger_review_receipt(tests.receipt_id('T-6'), 'approve') $$, $$ values ('pending', 'paid') $$, 'where the step was taken out, the order is paid and waits');

-- on account, the day it came in, and who may see the balance
select tests.authenticate_as('alice');
select tests.expect_success(s) from ledger_submit_receipt(p_amount => 700, p_reference => 'T-7', p_paid_on => '2026-01-31') s;
select tests.act_as_owner();
insert into user_roles (user_id, role) values (tests.create_supabase_user('rita'), 'warehouse');
insert into role_permissions (role, permission) values ('warehouse', 'receipts.review');
select tests.authenticate_as('rita');
select results_eq(
  $$ select status, order_id, applied_amount, credit_amount, unapplied_amount, order_status, payment_status, available_balance from ledger_review_receipt(tests.receipt_id('T-7'), 'approve') $$,
  $$ values ('approved', null::uuid, 0::bigint, 0::bigint, 700::bigint, null::text, null::text, null::bigint) $$, 'a receipt on account leaves the money with its payment; no balance for who may not see accounts');
select tests.act_as_owner();
select is((select p.paid_at from payments p where p.reference = 'T-7'), timestamptz '2026-01-31 00:00+00', 'the payment is of the day that the receipt says');
select is(tests.booked('alice', 'unapplied_payments'), 700::bigint, 'and is booked as not applied');
select is((select count(*) from payment_receipts where status = 'submitted'), 0::bigint, 'nothing is left to review');

-- a delivered order that owes
select tests.set_setting('auto_confirm_when_paid', 'false');
select tests.place_named_order('late', 'alice', tests.lines('mug x 1'), 'bank_transfer');
update order_status_transitions set needs_payment = false;
select tests.move_order(tests.order_id('late'), 'processing', 'delivered');
select tests.submit_receipt('alice', 'late', 1000, 'T-8');
select is((select payment_status from tests.order_named('late')), 'receipt_uploaded', 'what a delivered order owes can be transferred');
select results_eq($$ select order_status, payment_status from ledger_review_receipt(tests.receipt_id('T-8'), 'approve') $$, $$ values ('delivered', 'paid') $$, 'and it stays delivered');
select is(tests.booked('alice', 'receivable'), 0::bigint, 'it owes nothing any more');
select is_empty('select * from ledger.book_differences()', 'the books are in order');

select * from finish();
rollback;
