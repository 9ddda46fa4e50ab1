begin;
select plan(16);

select tests.create_variant('mug', price => 1000);
select tests.create_customer('alice'), tests.create_customer('bob');
select tests.create_staff('fay', 'finance'), tests.create_staff('wes', 'warehouse');
select tests.place_named_order('transfer', 'alice', tests.lines('mug x 4'), 'bank_transfer');
select tests.place_named_order('granted', 'alice', tests.lines('mug x 4'), 'bank_transfer');
select tests.expect_success(g) from ledger_extend_grace(tests.order_id('granted'), now() + interval '2 days', 'asked on the phone') g;
select tests.submit_receipt('alice', 'transfer', 4000, 'T-1'), tests.submit_receipt('alice', 'granted', 4000, 'T-2'), tests.submit_receipt('alice', null, 50, 'T-3');
create temp table before as select tests.state() as state;

select is(tests.outcome('bob', format('ledger_withdraw_receipt(%L)', tests.receipt_id('T-1'))), 'receipt_not_found', 'another''s receipt is not found');
select is(tests.outcome('bob', format('ledger_withdraw_receipt(%L, p_user_id => %L)', tests.receipt_id('T-1'), tests.get_supabase_uid('alice'))), '42501', 'nor in their name');
select is(tests.outcome('wes', format('ledger_withdraw_receipt(%L, p_user_id => %L)', tests.receipt_id('T-1'), tests.get_supabase_uid('alice'))), '42501', 'nor by the warehouse');
select is(tests.outcome('fay', format('ledger_withdraw_receipt(%L, p_user_id => %L)', tests.receipt_id('T-1'), tests.get_supabase_uid('alice'))), 'success', 'who records payments may, in the customer''s name');
select is(tests.outcome('alice', 'ledger_withdraw_receipt(null)'), 'receipt_not_found', 'none is not found');
select is(tests.outcome(null, 'ledger_withdraw_receipt(gen_random_uuid())'), 'customer_required', 'a backend says whose');
select is(tests.changes((select state from before), tests.state()), null, 'nothing of it was changed');

select tests.authenticate_as('alice');
select results_eq($$ select success, transaction_id, status, order_id, payment_status from ledger_withdraw_receipt(tests.receipt_id('T-1'), 'k') $$,
  $$ values (true, null::uuid, 'withdrawn', tests.order_id('transfer'), 'unpaid') $$, 'the order is unpaid again');
select is((select status from ledger_withdraw_receipt(tests.receipt_id('T-1'), 'k')), 'withdrawn', 'the same call again gets the same answer');
select is((select payment_status from ledger_withdraw_receipt(tests.receipt_id('T-2'))), 'in_grace', 'one in grace is in grace again');
select results_eq($$ select status, order_id, payment_status from ledger_withdraw_receipt(tests.receipt_id('T-3')) $$, $$ values ('withdrawn', null::uuid, null::text) $$, 'one on account is for no order');
select is((select error_code from ledger_withdraw_receipt(tests.receipt_id('T-1'))), 'receipt_conflict', 'it is withdrawn once');
select tests.act_as_owner();
select is((select count(*) from receipt_queue), 0::bigint, 'the queue is empty');
select results_eq($$ select e.actor_id, e.payload ->> 'payment_status' from immutable_events e where e.event_type = 'receipt.withdrawn' and e.stream_id = tests.order_id('transfer') $$,
  $$ values (tests.get_supabase_uid('alice'), 'unpaid') $$, 'an event says who took it back');
select is((select count(*) from payments), 0::bigint, 'no money moved');
select is_empty('select * from ledger.book_differences()', 'the books are in order');

select * from finish();
rollback;
