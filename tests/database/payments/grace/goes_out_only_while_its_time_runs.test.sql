-- A deadline that has passed lets nothing go out unpaid: neither before the job has seen it, nor while a receipt keeps it open.
begin;
select plan(11);

select tests.create_variant('mug', price => 1000);
select tests.create_customer('alice');
select tests.offer('bank_transfer_grace');
select tests.place_named_order(n, 'alice', tests.lines('mug x 1'), 'bank_transfer_grace') from unnest(array['late', 'junk']) n;
select tests.move_order(o.id, 'confirmed', 'processing') from unnest(array[tests.order_id('late'), tests.order_id('junk')]) o (id);
select is(tests.outcome(null, $$ tests.change_status('late', 'shipped') $$), 'success', 'while its time runs it goes out');
select is(tests.outcome(null, $$ ledger_ship_order(tests.order_id('late')) $$), 'success', 'or a part of it does');

select tests.bring_deadline_forward('late', interval '1 year'), tests.bring_deadline_forward('junk', interval '1 year');
select is(tests.grace('late'), 'in_grace open', 'the job has not looked yet');
select is(tests.outcome(null, $$ tests.change_status('late', 'shipped') $$), 'payment_required', 'its time is over all the same');
select is(tests.outcome(null, $$ ledger_ship_order(tests.order_id('late')) $$), 'payment_required', 'a part of it does not go either');
select ok(not (select o.next_steps ? 'shipped' from order_tracking(tests.order_id('late')) o), 'and tracking does not offer it');

select tests.submit_receipt('alice', 'junk', 1, 'junk');
select is(ledger.expire_grace() || ' ' || tests.grace('junk'), '1 receipt_uploaded open', 'a receipt that is looked at keeps an order from expiring');
select is(tests.outcome(null, $$ tests.change_status('junk', 'shipped') $$), 'payment_required', 'and gives it no more time to go out');
select tests.expect_success(e) from ledger_extend_grace(tests.order_id('junk'), clock_timestamp() + interval '1 day') e;
select is(tests.outcome(null, $$ tests.change_status('junk', 'shipped') $$), 'success', 'an extension does');
select tests.expect_success(p) from ledger_record_payment(tests.order_id('junk'), 1000) p;
select is(tests.outcome(null, $$ tests.change_status('junk', 'shipped') $$), 'success', 'and the money does');
select is_empty('select * from ledger.book_differences()', 'the books are in order');

select * from finish();
rollback;
