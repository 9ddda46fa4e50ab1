begin;
select plan(9);

select tests.create_variant('mug', price => 1000);
select tests.create_customer('alice');
select tests.offer('bank_transfer_grace');
select tests.place_named_order('open', 'alice', tests.lines('mug x 1'), 'bank_transfer_grace');

select is(ledger.remind_of_grace(), 0, 'three days before nobody is reminded');
select tests.bring_deadline_forward('open', interval '49 hours');
select is(ledger.remind_of_grace(), 1, 'within the last 24 hours the customer is');
select results_eq(
  $$ select m - 'due_at' - 'stream_id' - 'correlation_id' from tests.messages('order.payment_reminder', '{}') m $$,
  $$ select jsonb_build_object('order_id', o.id, 'order_number', o.order_number, 'user_id', o.user_id, 'currency', 'USD', 'outstanding_amount', 1000)
     from tests.order_named('open') o $$, 'with what is due');
select is(ledger.remind_of_grace(), 0, 'once');
select tests.expect_success(e) from ledger_extend_grace(tests.order_id('open'), clock_timestamp() + interval '3 days') e;
select is(ledger.remind_of_grace(), 0, 'an extension makes it wait again');
select tests.bring_deadline_forward('open', interval '60 hours');
select is(ledger.remind_of_grace(), 1, 'and is a deadline of its own');
select tests.set_setting('grace_reminder_hours', '0');
select tests.place_named_order('silent', 'alice', tests.lines('mug x 1'), 'bank_transfer_grace');
select tests.bring_deadline_forward('silent', interval '71 hours');
select is(ledger.remind_of_grace(), 0, 'a shop may do without');
select tests.set_setting('grace_reminder_hours', '24');
select tests.expect_success(p) from ledger_record_payment(tests.order_id('silent'), 1000) p;
select is(ledger.remind_of_grace(), 0, 'who has paid is not reminded');
select is_empty('select * from ledger.book_differences()', 'the books are in order');

select * from finish();
rollback;
