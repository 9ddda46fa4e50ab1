begin;
select plan(16);

select tests.create_variant('mug', price => 1000);
select tests.create_customer('alice', 500);
select tests.create_staff('fay', 'finance');
select tests.offer('bank_transfer_grace');
select tests.set_setting('grace_expiry', '"flag"');
select tests.place_named_order('transfer', 'alice', tests.lines('mug x 1'), 'bank_transfer');
select tests.place_named_order('partial', 'alice', tests.lines('mug x 1'), 'wallet_partial');
select tests.place_named_order('grace', 'alice', tests.lines('mug x 1'), 'bank_transfer_grace');
create temp table days as select clock_timestamp() + interval '5 days' as five, clock_timestamp() + interval '9 days' as nine;
grant select on days to authenticated;

select tests.authenticate_as('fay');
select results_eq(
  $$ select e.success, e.payment_status, e.due_at, e.extensions, e.outstanding_amount
     from ledger_extend_grace(tests.order_id('transfer'), (select five from days), 'known for years', 'k1') e $$,
  $$ select true, 'in_grace', d.five, 0, 1000::bigint from days d $$, 'a transfer is given time');
select results_eq(
  $$ select e.success, e.payment_status, e.due_at, e.extensions, e.outstanding_amount
     from ledger_extend_grace(tests.order_id('transfer'), (select five from days), 'known for years', 'k1') e $$,
  $$ select true, 'in_grace', d.five, 0, 1000::bigint from days d $$, 'asked again with the same key, it is the same answer');
select is(
  (select e.error_code from ledger_extend_grace(tests.order_id('transfer'), (select nine from days), 'known for years', 'k1') e), 'idempotency_conflict',
  'the key is for that request only');
select results_eq(
  $$ select e.payment_status, e.extensions from ledger_extend_grace(tests.order_id('transfer'), (select nine from days)) e $$,
  $$ values ('in_grace', 1) $$, 'and more time');
select is((select e.payment_status from ledger_extend_grace(tests.order_id('partial'), (select five from days)) e), 'in_grace', 'so is what the wallet has paid in part');
select is((select e.extensions from ledger_extend_grace(tests.order_id('grace'), (select nine from days)) e), 1, 'a deadline from the placing is put off');
select tests.act_as_owner();
select is((select count(*) from transactions t where t.type = 'grace_granted' and t.amount = 0), 4::bigint, 'each leaves a transaction of 0');
select is(
  (select t.texts ->> 'reason' from immutable_events e join event_texts t on t.event_id = e.id where e.event_type = 'order.grace_granted'), 'known for years',
  'the reason stands beside the event');
select is((select d.granted_by from payment_deadlines d where d.order_id = tests.order_id('grace')), tests.get_supabase_uid('fay'), 'and who gave it with the deadline');

-- one that was flagged
select tests.bring_deadline_forward('grace', interval '10 days');
select ledger.expire_grace();
select is(tests.grace('grace'), 'unpaid overdue', 'it passes');
select results_eq(
  $$ select e.payment_status, e.extensions from ledger_extend_grace(tests.order_id('grace'), clock_timestamp() + interval '1 day') e $$,
  $$ values ('in_grace', 2) $$, 'and is given time again');
select is(tests.grace('grace'), 'in_grace open', 'which takes it off the list');
select is_empty($$ select * from overdue_orders $$, 'of the overdue ones');
select is((select d.expired_at is not null from payment_deadlines d where d.order_id = tests.order_id('grace')), true, 'that it had passed is known');
select is(ledger.expire_grace(), 0, 'nothing expires');
select is_empty('select * from ledger.book_differences()', 'the books are in order');

select * from finish();
rollback;
