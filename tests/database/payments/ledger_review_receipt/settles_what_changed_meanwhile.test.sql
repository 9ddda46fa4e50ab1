-- A receipt under review while its order ends, is paid, refunded or edited, its invoice is paid or void, or its customer wants to be erased:
-- what came in is never lost. Approving it does what recording the payment would do.
begin;
select plan(28);

select tests.create_variant('mug', price => 1000);
select tests.create_customer('alice'), tests.create_customer('bob');
select tests.create_staff('fay', 'finance');
select tests.place_named_order(n.name, 'alice', tests.lines('mug x 4'), 'bank_transfer') from unnest('{cancelled,rejected,rejected too,paid,recorded,edited,invoiced}'::text[]) n (name);
select tests.submit_receipt('alice', n.name, 4000, 'T ' || n.name) from unnest('{cancelled,rejected,rejected too,paid,recorded,edited}'::text[]) n (name);

-- cancelled
select tests.authenticate_as('alice');
select results_eq($$ select order_status, payment_status from ledger_cancel_order(tests.order_id('cancelled')) $$, $$ values ('cancelled', 'unpaid') $$, 'an order under review may be cancelled');
select tests.act_as_owner();
select is((select status from tests.receipt('T cancelled')), 'submitted', 'its receipt is still to be looked at: money may have come in');
select is((select order_status from public.receipt_queue where reference = 'T cancelled'), 'cancelled', 'the queue says what became of the order');
select results_eq(
  $$ select status, applied_amount, credit_amount, order_status, payment_status, outstanding_amount from ledger_review_receipt(tests.receipt_id('T cancelled'), 'approve') $$,
  $$ values ('approved', 0::bigint, 4000::bigint, 'cancelled', 'unpaid', 0::bigint) $$, 'what came in is wallet credit');
select is((select available_balance from tests.account('alice')), 4000::bigint, 'to be spent');

-- rejected
select tests.expect_success(c) from unnest('{rejected,rejected too}'::text[]) n (name), tests.change_status(n.name, 'rejected') c;
select results_eq($$ select credit_amount, order_status, payment_status from ledger_review_receipt(tests.receipt_id('T rejected'), 'approve') $$,
  $$ values (4000::bigint, 'rejected', 'unpaid') $$, 'so it is when the order was rejected');
select is((select payment_status from ledger_review_receipt(tests.receipt_id('T rejected too'), 'reject', p_notes => 'nothing came')), 'unpaid', 'and where nothing came, the order is unpaid');

-- paid otherwise
select is((select payment_status from ledger_record_payment(tests.order_id('paid'), 4000, 'cash')), 'paid', 'an order under review may be paid otherwise');
select results_eq($$ select applied_amount, credit_amount, payment_status from ledger_review_receipt(tests.receipt_id('T paid'), 'approve') $$,
  $$ values (0::bigint, 4000::bigint, 'overpaid') $$, 'the transfer is wallet credit then, and the order overpaid');
-- the same transfer, found in the bank's list by somebody who did not look at the queue
select tests.expect_success(p) from ledger_record_payment(tests.order_id('recorded'), 4000, 'bank_transfer', 't recorded') p;
create temp table before as select tests.state() as state;
select is((select error_code from ledger_review_receipt(tests.receipt_id('T recorded'), 'approve')), 'payment_reference_used', 'one transfer is one payment');
select is(tests.changes((select state from before), tests.state()), null, 'and the refusal changes nothing');
select is((select payment_status from ledger_review_receipt(tests.receipt_id('T recorded'), 'reject', p_notes => 'recorded already')), 'paid', 'the receipt is rejected, the order stays paid');

-- edited: it costs less than was transferred
select tests.expect_success(e) from ledger_edit_order(tests.order_id('edited'), '[{"op": "set_quantity", "line_number": 1, "quantity": 3}]') e;
select is((select payment_status from tests.order_named('edited')), 'receipt_uploaded', 'an edited order is still under review');
select results_eq($$ select applied_amount, credit_amount, order_status, payment_status from ledger_review_receipt(tests.receipt_id('T edited'), 'approve') $$,
  $$ values (3000::bigint, 1000::bigint, 'confirmed', 'overpaid') $$, 'what is more than it costs by now is wallet credit');

-- with an invoice: the payment reaches the order through it
select tests.submit_receipt('alice', 'invoiced', 1500, 'T invoiced');
select tests.expect_success(i) from ledger_issue_invoice(tests.order_id('invoiced')) i;
select results_eq($$ select applied_amount, allocated_amount, credit_amount, unapplied_amount, order_status, payment_status, outstanding_amount from ledger_review_receipt(tests.receipt_id('T invoiced'), 'approve') $$,
  $$ values (0::bigint, 1500::bigint, 0::bigint, 0::bigint, 'pending', 'partially_paid', 2500::bigint) $$, 'what comes in for an order that got an invoice meanwhile is allocated to it');
select tests.authenticate_as('alice');
select results_eq($$ select s.order_id, s.invoice_id, s.payment_status from invoices i, ledger_submit_receipt(p_invoice_id => i.id, p_amount => 3000, p_reference => 'T invoice') s $$,
  $$ select tests.order_id('invoiced'), i.id, 'receipt_uploaded' from invoices i $$, 'a receipt for the invoice of an order is one for the order too');
select tests.act_as_owner();
select is((select invoice_remaining_amount from public.receipt_queue where reference = 'T invoice'), 2500::bigint, 'the queue says what remains of the invoice');
select results_eq($$ select allocated_amount, unapplied_amount, order_status, payment_status from ledger_review_receipt(tests.receipt_id('T invoice'), 'approve') $$,
  $$ values (2500::bigint, 500::bigint, 'confirmed', 'paid') $$, 'covered by it, the order is paid and confirmed; the rest stays with the payment');

-- a free invoice
select tests.expect_success(i) from ledger_issue_invoice(p_user_id => tests.get_supabase_uid('bob'), p_lines => '[{"description": "Advice", "quantity": 1, "unit_price_amount": 800}]') i;
create temp table free as select id from invoices where user_id = tests.get_supabase_uid('bob');
grant select on free to authenticated;
select tests.authenticate_as('bob');
select tests.expect_success(s) from free f, ledger_submit_receipt(p_invoice_id => f.id, p_amount => 500, p_reference => 'B-1') s;
select tests.expect_success(s) from free f, ledger_submit_receipt(p_invoice_id => f.id, p_amount => 300, p_reference => 'B-2') s;
select tests.act_as_owner();
select results_eq($$ select status, order_status, applied_amount, allocated_amount, unapplied_amount from ledger_review_receipt(tests.receipt_id('B-1'), 'approve', 400) $$,
  $$ values ('partly_approved', null::text, 0::bigint, 400::bigint, 0::bigint) $$, 'a free invoice gets what came in for it');
select tests.expect_success(r) from payment_allocations a, ledger_reverse_allocation(a.id, 'issued twice') r where a.payment_id = (select payment_id from tests.receipt('B-1'));
select tests.expect_success(v) from free f, ledger_void_invoice(f.id, 'issued twice') v;
select results_eq($$ select status, allocated_amount, unapplied_amount from ledger_review_receipt(tests.receipt_id('B-2'), 'approve') $$,
  $$ values ('approved', 0::bigint, 300::bigint) $$, 'what came in for one that is void by now is on account');
select tests.authenticate_as('bob');
select is((select error_code from free f, ledger_submit_receipt(p_invoice_id => f.id, p_amount => 1, p_reference => 'B-3') s), 'receipt_not_allowed', 'and a void one takes no more');
select tests.act_as_owner();

-- erased
select tests.create_customer('carol');
create temp table carol as select tests.get_supabase_uid('carol') as id;
select tests.submit_receipt('carol', null, 100, 'C-1'), tests.submit_receipt('carol', null, 200, 'C-2');
select tests.expect_success(r) from ledger_review_receipt(tests.receipt_id('C-2'), 'hand_back', p_notes => 'Carol, is this you?') r;
select is(tests.outcome('carol', 'profile_erase()'), 'erase_not_possible', 'who has a receipt under review cannot be erased');
select tests.expect_success(r) from ledger_review_receipt(tests.receipt_id('C-1'), 'reject', p_notes => 'Carol, nothing came') r;
select is((select success from profile_erase((select id from carol))), true, 'and afterwards can, though one was handed back');
select is((select string_agg(coalesce(r.notes, '') || coalesce(r.review_notes, '') || coalesce(r.storage_path, ''), '') from payment_receipts r where r.reference like 'C-%'), '', 'nothing that was written stays');
select is((select error_code from ledger_submit_receipt(p_receipt_id => tests.receipt_id('C-2'), p_user_id => (select id from carol))), 'customer_not_found', 'it is not sent again');
select is((select error_code from ledger_submit_receipt(p_amount => 1, p_reference => 'C-3', p_user_id => (select id from carol))), 'customer_not_found', 'nor is any other');

-- frozen: money that came in is recorded
select tests.expect_success(f) from ledger_freeze_account(tests.get_supabase_uid('bob'), true, 'looked into') f;
select tests.submit_receipt('bob', null, 100, 'B-4');
select is((select status from ledger_review_receipt(tests.receipt_id('B-4'), 'approve')), 'approved', 'a frozen account takes what comes in');
select is_empty('select * from ledger.book_differences()', 'the books are in order');

select * from finish();
rollback;
