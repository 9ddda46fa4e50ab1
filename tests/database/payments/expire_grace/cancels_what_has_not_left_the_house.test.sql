begin;
select plan(15);

select tests.create_variant('mug', price => 1000);
select tests.create_customer('alice', 700);
select tests.offer('bank_transfer_grace');
select tests.set_setting('max_grace_orders', '10');
select tests.place_named_order(n, 'alice', tests.lines('mug x 2'), 'bank_transfer_grace')
from unnest(array['pending', 'paid in part', 'processing', 'partly shipped', 'shipped', 'in time']) n;
select tests.expect_success(p) from ledger_record_payment(tests.order_id('paid in part'), 800) p;
select tests.move_order(tests.order_id(n), 'processing') from unnest(array['processing', 'partly shipped']) n;
select tests.expect_success(s) from ledger_ship_order(tests.order_id('partly shipped'), '[{"line_number": 1, "quantity": 1}]') s;
select tests.move_order(tests.order_id('shipped'), 'processing', 'shipped');

select is(ledger.expire_grace(), 0, 'before its time nothing expires');
select tests.bring_deadline_forward(n, interval '73 hours')
from unnest(array['pending', 'paid in part', 'processing', 'partly shipped', 'shipped']) n;
select is(ledger.expire_grace(2), 2, 'so many as it is told, the longest over first');
select is(ledger.expire_grace(), 3, 'and the rest');
select is(ledger.expire_grace(), 0, 'each of them once');

select results_eq(
  $$ select n, o.status, tests.grace(n) from unnest(array['pending', 'paid in part', 'processing', 'partly shipped', 'shipped', 'in time']) with ordinality w (n, position)
     cross join lateral tests.order_named(n) o order by w.position $$,
  $$ values ('pending', 'cancelled', 'unpaid settled'), ('paid in part', 'cancelled', 'refunded settled'),
            ('processing', 'cancelled', 'unpaid settled'), ('partly shipped', 'processing', 'unpaid overdue'),
            ('shipped', 'shipped', 'unpaid overdue'), ('in time', 'pending', 'in_grace open') $$,
  'what has left the house is overdue, the rest is cancelled');
select is(tests.stock('mug'), 94::bigint, 'the goods of those that are cancelled are back');
select is(tests.orders_and_available('alice'), '0/1500', 'and what was paid of them is wallet credit');
select is(
  (select h.notes from order_status_history h where h.order_id = tests.order_id('pending') and h.status = 'cancelled'), 'not paid in time',
  'the history says why');
select isnt((select d.expired_at from payment_deadlines d where d.order_id = tests.order_id('pending')), null, 'the deadline keeps when it passed');
select results_eq(
  $$ select v.order_id from overdue_orders v order by v.order_id $$,
  $$ select i from unnest(array[tests.order_id('partly shipped'), tests.order_id('shipped')]) i order by i $$,
  'the overdue ones are listed');
select results_eq(
  $$ select t.type, t.amount, t.actor_id from transactions t where t.order_id = tests.order_id('shipped') order by t.account_version desc limit 1 $$,
  $$ values ('grace_ended', 0::bigint, null::uuid) $$, 'a flagged one has a transaction of 0');
select is(
  (select count(*) from tests.messages('order.grace_ended', '{"payment_status": "unpaid"}')), 2::bigint, 'and a message');
select is(tests.outcome(null, $$ tests.change_status('partly shipped', 'shipped') $$), 'payment_required', 'the rest of what went out in part does not follow unpaid');
select is(tests.outcome(null, $$ tests.change_status('shipped', 'delivered') $$), 'success', 'what is under way arrives');
select is_empty('select * from ledger.book_differences()', 'the books are in order');

select * from finish();
rollback;
