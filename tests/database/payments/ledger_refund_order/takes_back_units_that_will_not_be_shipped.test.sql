-- A sofa on backorder or broken in the warehouse: its money goes back, and the rest of the order goes on.
begin;
select plan(30);

select tests.create_variant('sofa', price => 1000, stock => 4, tax_rate_bp => 1000);
select tests.create_variant('cup', price => 500, stock => 10);
select tests.create_customer('alice', 50000);
update variants set backorder_allowed = true where sku = 'sofa';

create function tests.give_up(name text, line integer, units integer) returns setof public.ledger_refund_order_result language sql as $$
  select r.* from public.ledger_refund_order(tests.order_id(name),
    jsonb_build_array(jsonb_build_object('line_number', line, 'quantity', units, 'unshipped', true))) r;
$$;

-- six sofas, four of them there; three go out
select tests.place_named_order('first', 'alice', tests.lines('sofa x 6', 'cup x 2'));
select is(tests.outcome(null, $$ tests.give_up('first', 1, 1) $$), 'refund_not_allowed', 'a pending order is edited or cancelled');
select tests.move_order(tests.order_id('first'), 'processing');
select tests.expect_success(s) from ledger_ship_order(tests.order_id('first'), '[{"line_number": 1, "quantity": 3}]') s;
select tests.expect_success(d) from shipments s, ledger_confirm_delivery(s.id) d where s.order_id = tests.order_id('first');
select is(
  (select error_details ->> 'refundable' from ledger_refund_order(tests.order_id('first'), '[{"line_number": 1, "quantity": 4}]')), '3',
  'without "unshipped" only what went out');
select is((select error_code || ' ' || (error_details ->> 'refundable') from tests.give_up('first', 1, 4)), 'units_not_refundable 3', 'with it what did not');
select is(
  (select error_code from ledger_refund_order(tests.order_id('first'), '[{"line_number": 1, "quantity": 1, "unshipped": "yes"}]')), 'invalid_argument',
  'which is true or false');
select tests.expect_success(r) from ledger_refund_order(tests.order_id('first'), '[{"line_number": 1, "quantity": 1}]') r;
select is(tests.outcome(null, $$ ledger_edit_order(tests.order_id('first'), '[{"line_number": 1, "quantity": 3}]') $$), 'edit_not_allowed', 'by now it cannot be edited');

select results_eq(
  $$ select success, credited_amount, wallet_amount, order_status from tests.give_up('first', 1, 1) $$,
  $$ values (true, 1100::bigint, 1100::bigint, 'processing') $$, 'a sofa that will not be sent is refunded');
select is(ledger.open_backorder(tests.order_id('first'), tests.get_variant_id('sofa')), 1::bigint, 'one of the two waited for is given up first');
select is(tests.stock('sofa'), 0::bigint, 'so nothing comes back');
select results_eq(
  $$ select l.quantity, l.unshipped_quantity, l.restocked_quantity from refund_lines l where l.order_id = tests.order_id('first') order by l.refund_id $$,
  $$ values (1::bigint, 0::bigint, 0::bigint), (1, 1, 0) $$, 'the lines of the refunds tell them apart');
select results_eq(
  $$ select s.quantity, s.shipped_quantity, s.backordered_quantity, s.shippable_quantity
     from orders o, ledger.shippable_lines(o) s where o.id = tests.order_id('first') and s.line_number = 1 $$,
  $$ values (5::bigint, 3::bigint, 1::bigint, 1::bigint) $$, 'five are to be sent, one of them can go');
select tests.expect_success(r) from tests.give_up('first', 1, 2) r;
select is(tests.stock('sofa'), 1::bigint, 'of two more the one that was there is in stock again');
select is(ledger.open_backorder(tests.order_id('first'), tests.get_variant_id('sofa')), 0::bigint, 'nothing is waited for any more');
select is(tests.outcome(null, $$ tests.give_up('first', 1, 1) $$), 'units_not_refundable', 'nothing of the line is left to be sent');
select is(
  tests.outcome(null, $$ ledger_refund_order(tests.order_id('first'), '[{"line_number": 1, "quantity": 3}]') $$), 'units_not_refundable',
  'what was given up is not refunded as if it had gone out');
select is(
  tests.outcome(null, $$ ledger_ship_order(tests.order_id('first'), '[{"line_number": 1, "quantity": 1}]') $$), 'units_not_shippable',
  'nor sent');
select results_eq(
  $$ select s.success, s.order_status from ledger_ship_order(tests.order_id('first')) s $$, $$ values (true, 'shipped') $$, 'with the cups the order is out');
select results_eq(
  $$ select d.success, d.order_status from shipments s, ledger_confirm_delivery(s.id) d where s.order_id = tests.order_id('first') and s.delivered_at is null $$,
  $$ values (true, 'delivered') $$, 'and with their arrival delivered');
select is(tests.booked('alice', 'order_escrow'), 0::bigint, 'nothing is left in escrow');
select is(tests.booked('alice', 'revenue'), 3000::bigint, 'revenue is two sofas and two cups');
select is(
  (select error_details ->> 'returnable' from ledger_request_return(tests.order_id('first'), '[{"line_number": 1, "quantity": 3}]', p_user_id => tests.get_supabase_uid('alice'))), '2',
  'two of the three sofas can be sent back');

-- everything that is left to be sent has gone before: a status change delivers it
select tests.place_named_order('second', 'alice', tests.lines('cup x 3'));
select tests.move_order(tests.order_id('second'), 'processing');
select tests.expect_success(s) from ledger_ship_order(tests.order_id('second'), '[{"line_number": 1, "quantity": 2}]') s;
select tests.expect_success(r) from tests.give_up('second', 1, 1) r;
select is(tests.stock('cup'), 6::bigint, 'a cup is back');
select is(tests.outcome(null, $$ ledger_ship_order(tests.order_id('second')) $$), 'nothing_to_ship', 'nothing is left to be sent');
select is((select order_status from shipments s, ledger_confirm_delivery(s.id) where s.order_id = tests.order_id('second')), 'delivered', 'the last arrival delivers it');
select is((select count(*) from shipments s where s.order_id = tests.order_id('second')), 1::bigint, 'in the one shipment');

-- a return that waits for its money is not settled by units that never went out
select tests.place_named_order('third', 'alice', tests.lines('cup x 4'));
select tests.move_order(tests.order_id('third'), 'processing');
select tests.expect_success(s) from ledger_ship_order(tests.order_id('third'), '[{"line_number": 1, "quantity": 2}]') s;
select tests.expect_success(r) from ledger_request_return(tests.order_id('third'), '[{"line_number": 1, "quantity": 1}]', p_user_id => tests.get_supabase_uid('alice')) r;
select tests.expect_success(v) from returns r, ledger_review_return(r.id, 'approve') v where r.order_id = tests.order_id('third');
select tests.expect_success(v) from returns r, ledger_review_return(r.id, 'receive', p_refund => false) v where r.order_id = tests.order_id('third');
select tests.expect_success(r) from tests.give_up('third', 1, 1) r;
select results_eq('select * from ledger.received_units(tests.order_id(''third''))', 'values (1, 1::bigint, 1::bigint)', 'the unit that came back still waits for its money');
select is(tests.stock('cup'), 4::bigint, 'two of four cups are in stock again');
select tests.expect_success(c) from tests.change_status('third', 'cancelled') c;
select is(tests.stock('cup'), 6::bigint, 'by its end all four');
select is(tests.booked('alice', 'order_escrow'), 0::bigint, 'and all of its money has gone back');
select is((select count(*) from tests.messages('order.refunded', '{"lines": [{"unshipped_quantity": 1}]}')), 3::bigint, 'events tell what will not be sent');
select is_empty('select * from ledger.book_differences()', 'the books are in order');

select * from finish();
rollback;
