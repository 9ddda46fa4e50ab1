-- Source 000: the customer transfers, uploads the receipt, and the order reads receipt_uploaded until finance has looked.
begin;
select plan(21);

select tests.create_variant('mug', price => 1000);
select tests.create_customer('alice'), tests.create_customer('bob');
select tests.create_staff('fay', 'finance');
select tests.place_named_order('transfer', 'alice', tests.lines('mug x 4'), 'bank_transfer');

select tests.authenticate_as('alice');
select results_eq(
  $$ select success, transaction_id, order_id, invoice_id, status, amount, currency, payment_status
     from ledger_submit_receipt(tests.order_id('transfer'), 4000, ' T-1 ', p_paid_on => current_date, p_notes => 'from my sister', p_idempotency_key => 'k') $$,
  $$ values (true, null::uuid, tests.order_id('transfer'), null::uuid, 'submitted', 4000::bigint, 'USD', 'receipt_uploaded') $$, 'a receipt is under review');
select is((select receipt_id from ledger_submit_receipt(tests.order_id('transfer'), 4000, ' T-1 ', p_paid_on => current_date, p_notes => 'from my sister', p_idempotency_key => 'k')),
  tests.receipt_id('T-1'), 'the same call again is the same receipt');
select is((select error_code from ledger_submit_receipt(tests.order_id('transfer'), 3999, ' T-1 ', p_idempotency_key => 'k')), 'idempotency_conflict', 'the key stands for one call');
select results_eq($$ select r.amount, r.reference, r.paid_on, r.notes, r.submitted_by from payment_receipts r $$,
  $$ values (4000::bigint, 'T-1', current_date, 'from my sister', tests.get_supabase_uid('alice')) $$, 'the customer sees what they sent');
select tests.act_as_owner();
select results_eq($$ select o.status, o.payment_status, o.paid_amount, o.amount_due, o.version from tests.order_named('transfer') o $$,
  $$ values ('pending', 'receipt_uploaded', 0::bigint, 4000::bigint, 2::bigint) $$, 'the order reads receipt_uploaded and owes what it owed');
select is((select stage from order_management where order_id = tests.order_id('transfer')), 'finance_review', 'it is with finance');
select is((select count(*) from transactions t where t.order_id = tests.order_id('transfer')), 1::bigint, 'no money moved, so there is no transaction');
select is((select e.stream_id from immutable_events e where e.event_type = 'receipt.submitted'), tests.order_id('transfer'), 'it is an event of its order');
select is((select e.payload ? 'reference' or e.payload ? 'notes' from immutable_events e where e.event_type = 'receipt.submitted'), false, 'which keeps what people wrote out of its seal');
select is((select count(*) from tests.messages('receipt.submitted', jsonb_build_object('receipt_id', tests.receipt_id('T-1'), 'reference', 'T-1'))), 1::bigint, 'and a message');
select is(tests.count_as('bob', 'public.payment_receipts'), '0', 'nobody else sees it');
select is(tests.count_as('fay', 'public.payment_receipts'), '1', 'but finance');

-- several receipts, orders that are paid, and on account
select is((select payment_status from ledger_submit_receipt(tests.order_id('transfer'), 100, 'T-2', p_user_id => tests.get_supabase_uid('alice'))), 'receipt_uploaded', 'an order may have several');
select tests.place_named_order('paid', 'alice', tests.lines('mug x 1'), 'bank_transfer');
select tests.expect_success(p) from ledger_record_payment(tests.order_id('paid'), 1000) p;
select is((select payment_status from ledger_submit_receipt(tests.order_id('paid'), 1000, 'T-3', p_user_id => tests.get_supabase_uid('alice'))), 'paid', 'one that is covered stays paid');
select tests.authenticate_as('bob');
select results_eq($$ select order_id, amount, currency, payment_status from ledger_submit_receipt(p_amount => 500, p_reference => 'B-1', p_currency => 'jpy') $$,
  $$ values (null::uuid, 500::bigint, 'JPY', null::text) $$, 'with neither order nor invoice it is on account, in the currency named');
select tests.act_as_owner();
select results_eq($$ select a.currency, a.available_balance from accounts a where a.user_id = tests.get_supabase_uid('bob') $$,
  $$ values ('JPY', 0::bigint) $$, 'which opens the account');
select is((select e.stream_type from immutable_events e where e.stream_id = tests.receipt_id('B-1')), 'receipt', 'and has a stream of its own');
select tests.authenticate_as('fay');
select results_eq($$ select s.success, r.user_id, r.submitted_by from ledger_submit_receipt(p_amount => 1, p_reference => 'B-2', p_user_id => tests.get_supabase_uid('bob')) s, tests.receipt('B-2') r $$,
  $$ values (true, tests.get_supabase_uid('bob'), tests.get_supabase_uid('fay')) $$, 'who records payments may send one for a customer');
select tests.act_as_owner();
select is(tests.outcome('alice', format('ledger_submit_receipt(null, 1, ''X'', p_user_id => %L)', tests.get_supabase_uid('bob'))), '42501', 'others may not');
select is(tests.outcome('alice', format('ledger_submit_receipt(%L, 1, ''X'')', (select tests.place_named_order('hers', 'bob', tests.lines('mug x 1'), 'bank_transfer')))), 'order_not_found', 'nor for an order of another');
select is_empty('select * from ledger.book_differences()', 'the books are in order');

select * from finish();
rollback;
