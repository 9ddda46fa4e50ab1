begin;
select plan(25);

select tests.create_variant('mug', price => 1000, stock => 20, tax_rate_bp => 1000);
select tests.create_variant('cup', price => 100, stock => 20);
select tests.create_customer('alice', 20000);
select tests.create_staff('finance', 'finance');
select tests.place_named_order('first', 'alice', tests.lines('mug x 3', 'cup x 2'));
select tests.move_order(tests.order_id('first'), 'processing', 'delivered');
select is(tests.orders_and_available('alice'), '3500/16500', 'the order is paid');
select tests.authenticate_as('alice');
select tests.expect_success(r)
from ledger_request_return(tests.order_id('first'), '[{"line_number": 1, "quantity": 3}, {"line_number": 2, "quantity": 1}]', 'too many') r;
select tests.act_as_owner();
create function tests.the_return() returns uuid language sql volatile security definer as $$ select r.id from public.returns r $$;

select tests.authenticate_as('finance');
select results_eq(
  $$ select success, transaction_id, order_id, status, refund_id, returned_amount, order_status, payment_status
     from ledger_review_return(tests.the_return(), 'APPROVE', p_notes => 'fine', p_idempotency_key => 'k1') $$,
  $$ values (true, null::uuid, tests.order_id('first'), 'approved', null::uuid, 0::bigint, 'delivered', 'paid') $$, 'the return is approved');
select is((select status from ledger_review_return(tests.the_return(), 'APPROVE', p_notes => 'fine', p_idempotency_key => 'k1')), 'approved', 'the same key gives the same answer');
select is((select error_code from ledger_review_return(tests.the_return(), 'close', p_idempotency_key => 'k1')), 'idempotency_conflict', 'the same key for something else is refused');

-- two mugs arrive, one of them broken
select results_eq(
  $$ select success, transaction_id is not null, status, refund_id is not null, returned_amount, order_status, payment_status
     from ledger_review_return(tests.the_return(), 'receive', '[{"line_number": 1, "received": 2, "restock": 1, "write_off": 1}]') $$,
  $$ values (true, true, 'approved', true, 2200::bigint, 'delivered', 'partially_refunded') $$, 'two mugs arrive, and their money with the tax goes back');
select tests.act_as_owner();
select is(tests.orders_and_available('alice'), '1300/18700', 'into the wallet');
select is(tests.stock('mug'), 18::bigint, 'one is back in stock, the broken one is not');
select results_eq(
  $$ select m.quantity, m.reason, m.order_id, m.actor_id from stock_movements m where m.reason = 'return_restocked' $$,
  $$ values (1::bigint, 'return_restocked', tests.order_id('first'), tests.get_supabase_uid('finance')) $$, 'its movement says why');
select results_eq(
  $$ select line_number, approved_quantity, restocked_quantity, written_off_quantity, received_quantity, refunded_quantity from return_lines order by 1 $$,
  $$ values (1, 3::bigint, 1::bigint, 1::bigint, 2::bigint, 2::bigint), (2, 1, 0, 0, 0, 0) $$, 'the lines say what became of each');
select results_eq(
  $$ select r.credited_amount, r.return_id, l.quantity, l.restocked_quantity from refunds r join refund_lines l on l.refund_id = r.id $$,
  $$ values (2200::bigint, tests.the_return(), 2::bigint, 0::bigint) $$, 'the refund names its return');
select is((select (m -> 'lines' -> 0 ->> 'written_off_quantity')::int from tests.messages('order.return_received', '{}') m), 1, 'the event tells of the broken one');
select is((select m ->> 'refund_id' from tests.messages('order.return_received', '{}') m), (select id::text from refunds), 'and names the refund');
select is(array[tests.booked('alice', 'revenue'), tests.booked('alice', 'tax_payable'), tests.booked('alice', 'order_escrow')], array[1200, 100, 0]::bigint[], 'revenue and tax are taken back');

-- the rest arrives
select is((select status from ledger_review_return(tests.the_return(), 'receive', '[{"line_number": 2, "received": 1}]', p_idempotency_key => 'k2')), 'approved', 'the cup arrives');
select is(tests.stock('cup'), 19::bigint, 'what is received without a word goes into stock');
select is((select returned_amount from ledger_review_return(tests.the_return(), 'receive', '[{"line_number": 2, "received": 1}]', p_idempotency_key => 'k2')), 100::bigint, 'the same key gives the same answer');
select is(tests.stock('cup'), 19::bigint, 'and moves nothing');
select results_eq(
  $$ select status, returned_amount from ledger_review_return(tests.the_return(), 'receive') $$,
  $$ values ('received', 1100::bigint) $$, 'without lines all that is awaited arrives, and the return is done');
select is(tests.orders_and_available('alice'), '100/19900', 'the money of all four is back');
select is(array[tests.stock('mug'), tests.stock('cup')], array[19, 19]::bigint[], 'and all but the broken one are in stock');
select is((select error_code from ledger_review_return(tests.the_return(), 'receive')), 'return_conflict', 'nothing more arrives');
select is((select outstanding_amount from tests.order_named('first')), 0::bigint, 'nobody owes anything');
select is(tests.outcome('alice', $$ ledger_request_return(tests.order_id('first'), '[{"line_number": 1, "quantity": 1}]') $$), 'units_not_returnable', 'what came back does not come back again');

-- the last cup: everything is credited
select tests.expect_success(r) from ledger_request_return(tests.order_id('first'), '[{"line_number": 2, "quantity": 1}]', p_user_id => tests.get_supabase_uid('alice')) r;
select tests.expect_success(ledger_review_return(r.id, 'approve')) from returns r where r.status = 'requested';
select results_eq(
  $$ select a.status, a.order_status, a.payment_status from returns r, ledger_review_return(r.id, 'receive') a where r.status = 'approved' $$,
  $$ values ('received', 'refunded', 'refunded') $$, 'with the last unit the order is refunded');
select is_empty('select * from ledger.book_differences()', 'the books are in order');

select * from finish();
rollback;
