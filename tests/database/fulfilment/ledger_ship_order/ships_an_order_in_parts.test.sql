begin;
select plan(19);

select tests.create_variant('mug', price => 1000, stock => 10);
select tests.create_variant('cup', price => 100, stock => 10);
select tests.create_customer('alice', 10000);
select tests.create_staff('warehouse', 'warehouse');
select tests.place_named_order('first', 'alice', tests.lines('mug x 3', 'cup x 2'));
select tests.move_order(tests.order_id('first'), 'processing');

select tests.authenticate_as('warehouse');
select results_eq(
  $$ select success, order_id, shipment_number, order_status, error_code
     from ledger_ship_order(tests.order_id('first'), '[{"line_number": 1, "quantity": 2}]', 'Post', 'RR1', '2030-01-31T12:00:00Z', '{"weight": 3}', 'k1') $$,
  $$ values (true, tests.order_id('first'), 1, 'processing', null::text) $$,
  'a part goes out and the order keeps its status');
select is((select shipment_number from ledger_ship_order(tests.order_id('first'), '[{"line_number": 1, "quantity": 2}]', 'Post', 'RR1', '2030-01-31T12:00:00Z', '{"weight": 3}', 'k1')),
  1, 'the same key gives the same answer');
select is((select error_code from ledger_ship_order(tests.order_id('first'), '[{"line_number": 2, "quantity": 2}]', p_idempotency_key => 'k1')),
  'idempotency_conflict', 'the same key with other lines is refused');
select tests.act_as_owner();

select results_eq(
  $$ select shipment_number, status, carrier, tracking_number, estimated_delivery_at, metadata, shipped_by, delivered_at from shipments $$,
  $$ values (1, 'shipped', 'Post', 'RR1', '2030-01-31T12:00:00Z'::timestamptz, '{"weight": 3}'::jsonb, tests.get_supabase_uid('warehouse'), null::timestamptz) $$,
  'there is one shipment, with what was said of it');
select results_eq('select line_number, quantity from shipment_lines', 'values (1, 2::bigint)', 'and the units in it');
select results_eq(
  $$ select t.amount, t.actor_id, t.account_version - lag(t.account_version) over (order by t.account_version) from transactions t
     where t.order_id = tests.order_id('first') order by t.account_version desc limit 1 $$,
  $$ values (0::bigint, tests.get_supabase_uid('warehouse'), 1::bigint) $$, 'a transaction of 0 records who shipped');
select is((select t.type from transactions t where t.order_id = tests.order_id('first') order by t.account_version desc limit 1), 'order_shipped', 'of its own type');
select results_eq(
  $$ select e.payload - '{shipment_id,transaction_id,account_version,user_id,order_number,effect,estimated_delivery_at,texts_digest}'::text[] from immutable_events e
     where e.stream_id = tests.order_id('first') and e.event_type = 'order.shipment_created' $$,
  $$ values ('{"amount": 0, "transaction_type": "order_shipped", "shipment_number": 1, "carrier": "Post",
               "delivered_at": null, "lines": [{"line_number": 1, "quantity": 2}]}'::jsonb) $$, 'the event says what is in it');
select is((select count(*) from tests.messages('order.shipment_created', '{"shipment_number": 1, "tracking_number": "RR1"}')), 1::bigint, 'a message goes out, with the tracking number');
select is((select version from tests.order_named('first')), 2::bigint, 'the order itself is as it was');
select is(tests.orders_and_available('alice'), '3200/6800', 'and so is the money');
select is(tests.stock('mug'), 7::bigint, 'and the stock, which left when the order was placed');

select results_eq(
  $$ select shipment_number, order_status from ledger_ship_order(tests.order_id('first'), '[{"line_number": 2, "quantity": 2}, {"line_number": 1, "quantity": 1}]') $$,
  $$ values (2, 'shipped') $$, 'with the last units the order becomes shipped');
select results_eq(
  $$ select s.shipment_number, l.line_number, l.quantity from shipments s join shipment_lines l on l.shipment_id = s.id order by 1, 2 $$,
  $$ values (1, 1, 2::bigint), (2, 1, 1), (2, 2, 2) $$, 'every unit is in one shipment');
select is((select status from tests.order_named('first')), 'shipped', 'the order says so');
select results_eq(
  $$ select h.from_status, h.status from order_status_history h where h.order_id = tests.order_id('first') order by h.event_id desc limit 1 $$,
  $$ values ('processing', 'shipped') $$, 'and its history');
select is((select t.type from transactions t where t.order_id = tests.order_id('first') order by t.account_version desc limit 1), 'order_status_changed',
  'the change has its transaction');
select is((select error_code from ledger_ship_order(tests.order_id('first'))), 'invalid_transition', 'nothing more goes out');
select is_empty('select * from ledger.book_differences()', 'the books are in order');

select * from finish();
rollback;
