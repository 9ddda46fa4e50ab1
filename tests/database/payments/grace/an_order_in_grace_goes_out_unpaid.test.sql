begin;
select plan(15);

select tests.create_variant('mug', price => 1000);
select tests.create_customer('alice');
select tests.offer('bank_transfer_grace');
select tests.set_setting('grace_hours', '48');

select tests.authenticate_as('alice');
select results_eq(
  $$ select p.success, p.status, p.payment_status, p.amount_due from ledger_place_order(tests.lines('mug x 2'), 'bank_transfer_grace', p_notes => 'trusted') p $$,
  $$ values (true, 'pending', 'in_grace', 2000::bigint) $$, 'the order waits for its money, in grace');
select results_eq(
  $$ select d.status, d.due_at - o.created_at, d.extensions from payment_deadlines d join orders o on o.id = d.order_id $$,
  $$ values ('open', interval '48 hours', 0) $$, 'its customer sees the deadline, grace_hours after the placing');
select tests.act_as_owner();
select is((select m.stage from order_management m where m.order_id = tests.order_id('trusted')), 'bank_transfer_grace', 'the management sees the stage');
select results_eq(
  $$ select m ->> 'payment_status', (m ->> 'due_at')::timestamptz from tests.messages('order.grace_granted', jsonb_build_object('order_number', (select o.order_number from tests.order_named('trusted') o))) m $$,
  $$ select 'in_grace', d.due_at from payment_deadlines d where d.order_id = tests.order_id('trusted') $$, 'and a message says until when');
select is(tests.orders_and_available('alice'), '0/0', 'the wallet pays nothing');
select is_empty(
  $$ select p.postings from (select count(*) as postings from postings where account_id = (select id from tests.account('alice'))) p where p.postings > 0 $$,
  'nothing is booked');
select is_empty('select * from ledger.book_differences()', 'the books are in order');

select is(tests.outcome(null, $$ tests.change_status('trusted', 'confirmed') $$), 'success', 'it is confirmed without the money');
select tests.move_order(tests.order_id('trusted'), 'processing', 'shipped', 'delivered');
select is(tests.grace('trusted'), 'in_grace open', 'it arrives, and still has time');
select is(tests.booked('alice', 'receivable'), 2000::bigint, 'what it costs is a receivable by now');

select tests.expect_success(p) from ledger_record_payment(tests.order_id('trusted'), 500) p;
select is(tests.grace('trusted'), 'in_grace open', 'a part of the money changes nothing');
select tests.expect_success(p) from ledger_record_payment(tests.order_id('trusted'), 1500) p;
select is(tests.grace('trusted'), 'paid settled', 'all of it settles the deadline');
select is(tests.booked('alice', 'receivable'), 0::bigint, 'and the receivable');

select tests.expect_success(p) from ledger_place_order(tests.lines('mug x 1'), p_user_id => tests.create_customer('ben', 1000), p_notes => 'by wallet') p;
select is(tests.grace('by wallet'), 'paid -', 'an order by another method has no deadline');
select is_empty('select * from ledger.book_differences()', 'the books are in order');

select * from finish();
rollback;
