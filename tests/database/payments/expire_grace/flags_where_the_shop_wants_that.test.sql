begin;
select plan(8);

select tests.create_variant('mug', price => 1000);
select tests.create_customer('alice');
select tests.offer('bank_transfer_grace');
select tests.set_setting('grace_expiry', '"flag"');
select tests.place_named_order('late', 'alice', tests.lines('mug x 1'), 'bank_transfer_grace');
select tests.bring_deadline_forward('late', interval '73 hours');
select ledger.expire_grace();

select is((select o.status from tests.order_named('late') o), 'pending', 'the order stays');
select is(tests.grace('late'), 'unpaid overdue', 'without its grace');
select is(tests.stock('mug'), 99::bigint, 'with its goods');
select is(tests.outcome(null, $$ tests.change_status('late', 'confirmed') $$), 'payment_required', 'and goes on only when it is paid');
select is((select m.stage from order_management m where m.order_id = tests.order_id('late')), 'finance_pending', 'finance looks after it');
select tests.expect_success(p) from ledger_record_payment(tests.order_id('late'), 1000) p;
select is(tests.grace('late'), 'paid settled', 'a late payment settles it');
select is_empty($$ select * from overdue_orders $$, 'it is off the list');
select is_empty('select * from ledger.book_differences()', 'the books are in order');

select * from finish();
rollback;
