-- The ending of an order is all that is left of it: money, units and stock that went back before do not go again.
begin;
select plan(22);

select tests.create_variant('mug', price => 1000, stock => 20);
select tests.create_customer('alice', 3000);
update order_status_transitions set needs_payment = false;

-- 5000: 3000 from the wallet, 2000 by transfer; two of five shipped, one of them refunded and back in stock
select tests.place_named_order('going', 'alice', tests.lines('mug x 5'), 'wallet_partial');
select tests.expect_success(p) from ledger_record_payment(tests.order_id('going'), 2000, p_reference => 'T1') p;
select tests.move_order(tests.order_id('going'), 'processing');
select tests.expect_success(s) from ledger_ship_order(tests.order_id('going'), '[{"line_number": 1, "quantity": 2}]') s;
select tests.expect_success(r) from ledger_refund_order(tests.order_id('going'), '[{"line_number": 1, "quantity": 1, "restock": true}]') r;
select is(tests.stock('mug'), 16::bigint, 'one came back');
select is(
  (select error_code from tests.change_status('going', 'cancelled', '{"refund_to": "mattress"}')), 'invalid_argument', 'money goes to the wallet or back where it came from');
select results_eq(
  $$ select c.success, c.order_status, c.payment_status, c.returned_amount from tests.change_status('going', 'cancelled', '{"refund_to": "original"}') c $$,
  $$ values (true, 'cancelled', 'refunded', 4000::bigint) $$, 'cancelling gives the rest back');
select is(tests.stock('mug'), 20::bigint, 'the four units that were still out are in stock again');
select is(tests.orders_and_available('alice'), '0/3000', 'the wallet has what it paid');
select results_eq(
  $$ select f.credited_amount, f.wallet_amount, f.payout_amount, f.payout_status, f.destination from refunds f where f.order_id = tests.order_id('going') order by f.id $$,
  $$ values (1000::bigint, 1000::bigint, 0::bigint, 'none', 'wallet'), (4000, 2000, 2000, 'pending', 'original') $$, 'the transfer is to be paid out');
select is(
  (select sum(l.quantity)::text || '/' || sum(l.restocked_quantity) from refund_lines l where l.order_id = tests.order_id('going')), '5/5', 'every unit is refunded and restocked once');
select results_eq(
  $$ select o.outstanding_amount, o.credited_amount, o.refunded_amount from tests.order_named('going') o $$, $$ values (0::bigint, 5000::bigint, 5000::bigint) $$, 'nothing is outstanding');
select is(tests.booked('alice', 'order_escrow'), 0::bigint, 'nor in escrow');

-- delivered on credit, a part paid, one unit refunded; then all of it, goods included
select tests.place_named_order('owed', 'alice', tests.lines('mug x 4'), 'wallet_partial');
select tests.move_order(tests.order_id('owed'), 'processing', 'delivered');
select tests.expect_success(r) from ledger_refund_order(tests.order_id('owed'), '[{"line_number": 1, "quantity": 2}]') r;
select is((select outstanding_amount from tests.order_named('owed')), 0::bigint, 'a unit was not paid, another one is back');
select is((select success from tests.change_status('owed', 'refunded', '{"restock": true}')), true, 'the rest is refunded');
select is(tests.stock('mug'), 18::bigint, 'two are back, not those whose money went back first');
select is(tests.orders_and_available('alice'), '0/3000', 'and all the money');
select is(tests.booked('alice', 'receivable'), 0::bigint, 'nothing is owed');
select is(tests.booked('alice', 'revenue'), 0::bigint, 'nothing was sold');

-- never paid: nothing to give back
select tests.place_named_order('unpaid', 'alice', tests.lines('mug x 1'), 'bank_transfer');
select results_eq(
  $$ select c.returned_amount, c.payment_status from tests.change_status('unpaid', 'cancelled') c $$, $$ values (0::bigint, 'unpaid') $$, 'an order that nobody paid ends unpaid');
select is((select outstanding_amount from tests.order_named('unpaid')), 0::bigint, 'and owes nothing');
select tests.place_named_order('unpaid2', 'alice', tests.lines('mug x 1'), 'bank_transfer');
select tests.move_order(tests.order_id('unpaid2'), 'processing', 'delivered');
select is((select returned_amount from tests.change_status('unpaid2', 'cancelled')), 0::bigint, 'neither does one that was delivered');
select is(tests.booked('alice', 'receivable'), 0::bigint, 'its receivable is gone');
select is(tests.stock('mug'), 17::bigint, 'its goods are not back, for nobody said so');
select results_eq(
  $$ select (e.payload ->> 'restocked')::boolean, (e.payload ->> 'credited_amount')::bigint from immutable_events e
     where e.stream_id = tests.order_id('unpaid2') and e.payload ->> 'to_status' = 'cancelled' $$, $$ values (false, 1000::bigint) $$, 'and its event says so');
select is_empty('select * from ledger.book_differences()', 'the books are in order');

select * from finish();
rollback;
