begin;
select plan(12);

select tests.create_variant('mug', price => 1000, stock => 10);
select tests.create_variant('cup', price => 100, stock => 10);
select tests.create_customer('alice', 5000);
insert into discount_codes (code, kind, percent_bp, max_redemptions_per_customer) values ('TEN', 'percent', 1000, 1);
select tests.place_named_order('first', 'alice', tests.lines('mug x 2', 'cup x 1', 'mug x 1'), discount_code => 'TEN');
select is(tests.orders_and_available('alice'), '2790/2210', 'the order is paid');

select tests.authenticate_as('alice');
select results_eq(
  $$ select success, order_status, payment_status, returned_amount, available_balance
     from ledger_cancel_order(tests.order_id('first'), 'found it cheaper', 'k1') $$,
  $$ values (true, 'cancelled', 'refunded', 2790::bigint, 5000::bigint) $$,
  'the customer cancels and has the money back (source 004)');
select is((select returned_amount from ledger_cancel_order(tests.order_id('first'), 'found it cheaper', 'k1')), 2790::bigint, 'the same key gives the same answer');
select is(
  (select error_code from ledger_cancel_order(tests.order_id('first'), 'another reason', 'k1')), 'idempotency_conflict',
  'the same key with another reason is refused');
select is((select error_code from ledger_cancel_order(tests.order_id('first'))), 'invalid_transition', 'a second cancellation is refused');
select tests.act_as_owner();

select is(tests.orders_and_available('alice'), '0/5000', 'total_orders falls once (source 003)');
select is(array[tests.stock('mug'), tests.stock('cup')], array[10, 10]::bigint[], 'the goods of all lines are back in stock (source 004)');
select results_eq(
  $$ select m.quantity, m.on_hand_after from stock_movements m
     where m.order_id = tests.order_id('first') and m.reason = 'order_cancelled' order by 1 $$,
  $$ values (1::bigint, 10::bigint), (3, 10) $$, 'each variant comes back in one movement');
select results_eq(
  $$ select t.type, t.amount, t.actor_id, t.actor_action from transactions t where t.order_id = tests.order_id('first') order by t.account_version desc limit 1 $$,
  $$ values ('order_cancelled', 2790::bigint, tests.get_supabase_uid('alice'), 'found it cheaper') $$, 'the transaction keeps who and why');
select results_eq(
  $$ select h.from_status, h.status, h.notes from order_status_history h where h.order_id = tests.order_id('first') order by h.event_id desc limit 1 $$,
  $$ values ('pending', 'cancelled', 'found it cheaper') $$, 'so does the history');
select is(
  tests.outcome('alice', $$ ledger_place_order(tests.lines('mug x 1'), p_discount_code => 'TEN') $$), 'success',
  'the discount code is given back');
select is_empty('select * from ledger.book_differences()', 'the books are in order');

select * from finish();
rollback;
