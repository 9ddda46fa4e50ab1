begin;
select plan(20);

select tests.create_variant('mug', price => 1000);
select tests.create_customer('alice'), tests.create_customer('bob');
select tests.create_staff('fay', 'finance'), tests.create_staff('wes', 'warehouse');
select tests.place_named_order('transfer', 'alice', tests.lines('mug x 4'), 'bank_transfer');
select tests.submit_receipt('alice', 'transfer', 4000, 'T-1'), tests.submit_receipt('bob', null, 700, 'B-1'), tests.submit_receipt('alice', 'transfer', 10, 'T-2');
-- as if some were sent before
create function pg_temp.send_back(reference text, age interval) returns void language plpgsql as $$
begin
  perform set_config('ledger.procedure', 'test', true);
  update payment_receipts r set submitted_at = clock_timestamp() - age where r.reference = send_back.reference;
  perform set_config('ledger.procedure', '', true);
end $$;
select pg_temp.send_back('B-1', interval '25 hours'), pg_temp.send_back('T-2', interval '23 hours');

select results_eq($$ select q.reference, q.is_late, q.age >= interval '23 hours' from receipt_queue q $$,
  $$ values ('B-1', true, true), ('T-2', false, true), ('T-1', false, false) $$, 'the oldest is first, and late after a day');
select results_eq(
  $$ select q.user_id, q.amount, q.currency, q.order_id, q.order_number is not null, q.order_status, q.payment_status, q.stage, q.order_amount_due from receipt_queue q where q.reference = 'T-1' $$,
  $$ values (tests.get_supabase_uid('alice'), 4000::bigint, 'USD', tests.order_id('transfer'), true, 'pending', 'receipt_uploaded', 'finance_review', 4000::bigint) $$, 'it says whose it is and what for');
select is(tests.count_as('fay', 'public.receipt_queue'), '3', 'finance sees all of it');
select is(tests.count_as('alice', 'public.receipt_queue'), '2', 'a customer their own');
select is(tests.count_as('wes', 'public.receipt_queue'), '0', 'the warehouse nothing');
select is(tests.count_as('anon', 'public.receipt_queue'), '42501', 'visitors may not ask');
select is(tests.count_as('service_role', 'public.receipt_queue'), '3', 'a backend sees all');

-- the alert: once each time it was sent
select is(ledger.alert_late_receipts(), 1, 'one lies too long');
select results_eq($$ select m - 'submitted_at' - 'stream_id' - 'correlation_id' from tests.messages('receipt.late', '{}') m $$,
  $$ values (jsonb_build_object('receipt_id', tests.receipt_id('B-1'), 'order_id', null, 'invoice_id', null, 'receipt_amount', 700, 'currency', 'USD')) $$, 'a message says which');
select is(ledger.alert_late_receipts(), 0, 'once');
select is((select alerted_at is not null from tests.receipt('B-1')), true, 'the receipt says that it was told');
select tests.set_setting('receipt_review_hours', '22');
select is(ledger.alert_late_receipts(), 1, 'the setting says how long is too long');
select tests.expect_success(r) from ledger_review_receipt(tests.receipt_id('B-1'), 'hand_back', p_notes => 'unreadable') r;
select tests.expect_success(s) from ledger_submit_receipt(p_receipt_id => tests.receipt_id('B-1'), p_user_id => tests.get_supabase_uid('bob')) s;
select is(ledger.alert_late_receipts(), 0, 'one that was sent again has its time again');
select pg_temp.send_back('B-1', interval '2 days');
select is(ledger.alert_late_receipts(), 1, 'and its alert');
select tests.expect_success(r) from ledger_review_receipt(tests.receipt_id('T-2'), 'reject', p_notes => 'no') r;
select pg_temp.send_back('T-2', interval '9 days');
select is(ledger.alert_late_receipts(), 0, 'what was reviewed waits for nobody');
select is((select string_agg(q.reference, ' ') from receipt_queue q), 'B-1 T-1', 'and is no longer in the queue');
select is(tests.outcome_as('alice', 'update public.settings set value = ''1'' where key = ''receipt_review_hours'''), '42501', 'no client changes the time');
select throws_ok($$ update settings set value = '0' where key = 'receipt_review_hours' $$, '23514', null, 'nor can it be none');
select is((select count(*) from ledger.scheduled_jobs where command = 'select ledger.alert_late_receipts()'), 1::bigint, 'a job asks');
select is_empty('select * from ledger.book_differences()', 'the books are in order');

select * from finish();
rollback;
