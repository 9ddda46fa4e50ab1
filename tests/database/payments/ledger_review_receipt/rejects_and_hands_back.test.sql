begin;
select plan(26);

select tests.create_variant('mug', price => 1000);
select tests.create_customer('alice');
select tests.create_staff('fay', 'finance');
select tests.place_named_order('transfer', 'alice', tests.lines('mug x 4'), 'bank_transfer');
select tests.place_named_order('begun', 'alice', tests.lines('mug x 4'), 'bank_transfer');
select tests.place_named_order('granted', 'alice', tests.lines('mug x 4'), 'bank_transfer');
select tests.expect_success(p) from ledger_record_payment(tests.order_id('begun'), 1000) p;
select tests.expect_success(g) from ledger_extend_grace(tests.order_id('granted'), now() + interval '2 days', 'asked on the phone') g;

-- rejected: as it was before
select tests.submit_receipt('alice', 'transfer', 4000, 'T-1'), tests.submit_receipt('alice', 'begun', 3000, 'T-2'), tests.submit_receipt('alice', 'granted', 4000, 'T-3');
select is((select string_agg(o.payment_status, ' ') from orders o), 'receipt_uploaded receipt_uploaded receipt_uploaded', 'all are under review');
select results_eq(
  $$ select success, transaction_id, status, payment_id, approved_amount, applied_amount, order_status, payment_status, outstanding_amount from ledger_review_receipt(tests.receipt_id('T-1'), 'reject', p_notes => 'another name') $$,
  $$ values (true, null::uuid, 'rejected', null::uuid, null::bigint, null::bigint, 'pending', 'unpaid', 4000::bigint) $$, 'an order that nobody paid for is unpaid again');
select is((select payment_status from ledger_review_receipt(tests.receipt_id('T-2'), 'reject', p_notes => 'another name')), 'partially_paid', 'one that was begun to be paid is partially_paid again');
select is((select payment_status from ledger_review_receipt(tests.receipt_id('T-3'), 'reject', p_notes => 'another name')), 'in_grace', 'one in grace is in_grace again, where its deadline is open');
select results_eq($$ select r.status, r.review_notes, r.payment_id from tests.receipt('T-1') r $$, $$ values ('rejected', 'another name', null::uuid) $$, 'the receipt says why');
select is(tests.count_as('alice', $$ (select from public.payment_receipts where review_notes = 'another name') $$), '3', 'which the customer can read');
select is((select count(*) from payments), 1::bigint, 'no payment was made');
select is((select e.payload ->> 'payment_status' from immutable_events e where e.event_type = 'receipt.rejected' and e.stream_id = tests.order_id('granted')), 'in_grace', 'the event says what the order is now');

-- handed back, and sent again
select tests.submit_receipt('alice', 'transfer', 400, 'T-4');
select results_eq($$ select status, payment_status from ledger_review_receipt(tests.receipt_id('T-4'), 'hand_back', p_notes => 'is it 4000?') $$,
  $$ values ('handed_back', 'unpaid') $$, 'a receipt goes back to the customer');
select is(tests.outcome(null, format('ledger_review_receipt(%L, ''approve'')', tests.receipt_id('T-4'))), 'receipt_conflict', 'it cannot be approved until they send it again');
select is(tests.outcome('alice', format('ledger_submit_receipt(%L, 1, ''t 4'')', tests.order_id('transfer'))), 'success', 'meanwhile its reference is free');
select is(tests.outcome('alice', format('ledger_submit_receipt(%L, p_receipt_id => %L)', tests.order_id('begun'), tests.receipt_id('T-4'))), 'invalid_argument', 'it stays for its order');
select is(tests.outcome('alice', format('ledger_submit_receipt(p_receipt_id => %L, p_amount => 0)', tests.receipt_id('T-4'))), 'invalid_amount', 'what is sent again is checked as before');
select tests.authenticate_as('alice');
select results_eq($$ select receipt_id, order_id, status, amount, payment_status from ledger_submit_receipt(p_receipt_id => tests.receipt_id('T-4'), p_amount => 4000) $$,
  $$ values (tests.receipt_id('T-4'), tests.order_id('transfer'), 'submitted', 4000::bigint, 'receipt_uploaded') $$, 'it is the same receipt, with what was mended');
select is((select reference from tests.receipt('T-4')), 'T-4', 'what was left out stayed');
select is((select error_code from ledger_submit_receipt(p_receipt_id => tests.receipt_id('T-4'), p_amount => 5000)), 'receipt_conflict', 'under review it is not changed');
select tests.act_as_owner();
select results_eq($$ select status, order_status, payment_status from ledger_review_receipt(tests.receipt_id('T-4'), 'approve') $$, $$ values ('approved', 'confirmed', 'paid') $$, 'and now it is approved');
select results_eq($$ select e.event_type from immutable_events e where e.payload ->> 'receipt_id' = tests.receipt_id('T-4')::text order by e.id $$,
  $$ values ('receipt.submitted'), ('receipt.handed_back'), ('receipt.submitted'), ('receipt.approved') $$, 'all of that is in its events');
-- another one has its reference by the time it is sent again
select tests.submit_receipt('alice', 'begun', 3000, 'T-5');
select tests.expect_success(r) from ledger_review_receipt(tests.receipt_id('T-5'), 'hand_back', p_notes => 'unreadable') r;
create temp table first as select tests.receipt_id('T-5') as id;
select tests.submit_receipt('alice', 'granted', 3000, 'T-5');
select is((select error_code from ledger_submit_receipt(p_receipt_id => (select id from first), p_user_id => tests.get_supabase_uid('alice'))), 'receipt_reference_used', 'its reference may have been used meanwhile');
select is((select status from payment_receipts where id = (select id from first)), 'handed_back', 'and then it stays where it is');
-- its order ended
select tests.expect_success(c) from tests.change_status('begun', 'rejected') c;
select is((select error_code from ledger_submit_receipt(p_receipt_id => (select id from first), p_reference => 'T-6', p_user_id => tests.get_supabase_uid('alice'))), 'receipt_not_allowed', 'an order that has ended takes none again');
select tests.expect_success(w) from ledger_withdraw_receipt((select id from first), p_user_id => tests.get_supabase_uid('alice')) w;
select is((select payment_status from tests.order_named('begun')), 'partially_paid', 'withdrawing it changes nothing about the order');

-- while one of two is rejected
select tests.place_named_order('two', 'alice', tests.lines('mug x 4'), 'bank_transfer');
select tests.submit_receipt('alice', 'two', 1000, 'T-7'), tests.submit_receipt('alice', 'two', 3000, 'T-8');
select is((select payment_status from ledger_review_receipt(tests.receipt_id('T-7'), 'reject', p_notes => 'no')), 'receipt_uploaded', 'the other one is still under review');
select is((select payment_status from ledger_review_receipt(tests.receipt_id('T-8'), 'reject', p_notes => 'no')), 'unpaid', 'until it is not');
select is((select version from tests.order_named('two')), 3::bigint, 'the order''s version counted what changed it');
select is_empty('select * from ledger.book_differences()', 'the books are in order');

select * from finish();
rollback;
