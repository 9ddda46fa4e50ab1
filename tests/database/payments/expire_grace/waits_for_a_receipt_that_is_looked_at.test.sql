begin;
select plan(8);

select tests.create_variant('mug', price => 1000);
select tests.create_customer('alice');
select tests.create_staff('fay', 'finance');
select tests.offer('bank_transfer_grace');
select tests.place_named_order('late', 'alice', tests.lines('mug x 1'), 'bank_transfer_grace');
select tests.authenticate_as('alice');
select tests.expect_success(s) from ledger_submit_receipt(tests.order_id('late'), 1000, 'T-1') s;
select tests.act_as_owner();
select is(tests.grace('late'), 'receipt_uploaded open', 'a receipt is looked at while the deadline runs');
select is(tests.outcome(null, $$ tests.change_status('late', 'confirmed') $$), 'success', 'meanwhile the order may go on, as before');

select tests.bring_deadline_forward('late', interval '73 hours');
select is(ledger.expire_grace(), 0, 'it does not expire');
select is(ledger.remind_of_grace(), 0, 'nobody is reminded of what they have paid');
select tests.authenticate_as('fay');
select tests.expect_success(r) from ledger_review_receipt((select r.id from payment_receipts r), 'reject', p_notes => 'no such transfer') r;
select tests.act_as_owner();
select is(tests.grace('late'), 'in_grace open', 'rejected, the deadline is all that is left');
select is(ledger.expire_grace(), 1, 'and the next run looks at it again');
select is((select o.status from tests.order_named('late') o), 'cancelled', 'which is its end');
select is_empty('select * from ledger.book_differences()', 'the books are in order');

select * from finish();
rollback;
