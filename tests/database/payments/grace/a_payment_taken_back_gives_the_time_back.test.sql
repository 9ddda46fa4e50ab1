-- What was granted is not used up by a payment that was none: while the time is not over, it goes on.
begin;
select plan(14);

select tests.create_variant('mug', price => 1000);
select tests.create_customer('alice');
select tests.offer('bank_transfer_grace');
select tests.set_setting('max_grace_orders', '10');
select tests.place_named_order(n, 'alice', tests.lines('mug x 2'), 'bank_transfer_grace') from unnest(array['early', 'late', 'edited', 'invoiced']) n;
create temp table due as select d.order_id, d.due_at from payment_deadlines d;

select tests.expect_success(p) from ledger_record_payment(tests.order_id('early'), 2000, 'bank_transfer', 'T-1') p;
select is(tests.grace('early'), 'paid settled', 'a payment ends it');
select results_eq(
  $$ select v.success, v.payment_status from ledger_void_payment((select p.id from payments p where p.reference = 'T-1'), 'for another order') v $$,
  $$ values (true, 'in_grace') $$, 'voided, the order has its time again');
select is(tests.grace('early'), 'in_grace open', 'and so has its deadline');
select results_eq($$ select d.due_at from payment_deadlines d where d.order_id = tests.order_id('early') $$,
                  $$ select w.due_at from due w where w.order_id = tests.order_id('early') $$, 'as long as it was granted');
select is_empty('select * from overdue_orders', 'it is not overdue');
select is(tests.outcome(null, $$ tests.change_status('early', 'confirmed') $$), 'success', 'and may go on');

-- an invoice's allocation that is reversed does the same
select tests.invoice_order('invoiced');
select tests.pay_invoice('invoiced', 2000, 'T-2');
select tests.expect_success(v) from ledger_void_payment((select p.id from payments p where p.reference = 'T-2'), 'bounced') v;
select is(tests.grace('invoiced'), 'in_grace open', 'so has one that was paid by its invoice');

-- an item more
select tests.expect_success(p) from ledger_record_payment(tests.order_id('edited'), 2000) p;
select is(
  (select e.payment_status from ledger_edit_order(tests.order_id('edited'), '[{"line_number": 1, "quantity": 3}]', p_dry_run => true) e), 'in_grace',
  'an order that was paid early and is edited up would be in grace again');
select is(
  (select e.payment_status from ledger_edit_order(tests.order_id('edited'), '[{"line_number": 1, "quantity": 3}]') e), 'in_grace', 'and is');
select is(tests.grace('edited'), 'in_grace open', 'with its deadline');

-- when the time is over it is overdue at once
select tests.expect_success(p) from ledger_record_payment(tests.order_id('late'), 2000, 'bank_transfer', 'T-3') p;
select tests.bring_deadline_forward('late', interval '1 year');
select tests.expect_success(v) from ledger_void_payment((select p.id from payments p where p.reference = 'T-3'), 'bounced') v;
select is(tests.grace('late'), 'unpaid overdue', 'taken back after its time, it is overdue at once');
select results_eq($$ select v.order_id, v.expired_at is not null from overdue_orders v $$, $$ select tests.order_id('late'), true $$, 'and on the list');
select tests.expect_success(p) from ledger_record_payment(tests.order_id('late'), 2000) p;
select is(tests.grace('late'), 'paid settled', 'until it is paid');
select is_empty('select * from ledger.book_differences()', 'the books are in order');

select * from finish();
rollback;
