begin;
select plan(24);

select tests.create_variant('mug', price => 1000, stock => 20);
select tests.create_customer('alice', 20000);
select tests.create_staff('logistics', 'logistics');
select tests.place_named_order('first', 'alice', tests.lines('mug x 3'));
select tests.move_order(tests.order_id('first'), 'processing');
create function tests.shipment_id(name text, number integer) returns uuid language sql volatile security definer as $$
  select s.id from public.shipments s where s.order_id = tests.order_id(name) and s.shipment_number = number;
$$;
select tests.expect_success(s) from ledger_ship_order(tests.order_id('first'), '[{"line_number": 1, "quantity": 1}]') s;

-- the first parcel, before the second is out
select tests.authenticate_as('logistics');
select results_eq(
  $$ select success, transaction_id, order_id, shipment_number, order_status, delivered_at <= clock_timestamp()
     from ledger_confirm_delivery(tests.shipment_id('first', 1), p_idempotency_key => 'k1') $$,
  $$ values (true, null::uuid, tests.order_id('first'), 1, 'processing', true) $$, 'a parcel arrives, and the order goes on');
select is((select shipment_number from ledger_confirm_delivery(tests.shipment_id('first', 1), p_idempotency_key => 'k1')), 1, 'the same key gives the same answer');
select results_eq(
  $$ select error_code, error_message from ledger_confirm_delivery(tests.shipment_id('first', 1)) $$,
  $$ select 'shipment_conflict', format('Shipment 1 of order %s has already arrived.', o.order_number) from tests.order_named('first') o $$,
  'without it the second call is told');
select tests.act_as_owner();
select is((select delivered_at is not null from shipments), true, 'the shipment says when');
select is(tests.booked('alice', 'order_escrow'), 3000::bigint, 'no money moves yet');
select results_eq(
  $$ select e.payload ->> 'shipment_number', e.actor_id from immutable_events e where e.event_type = 'order.shipment_delivered' $$,
  $$ values ('1', tests.get_supabase_uid('logistics')) $$, 'an event records it');

-- two more, the last of which delivers the order
select tests.expect_success(s) from ledger_ship_order(tests.order_id('first'), '[{"line_number": 1, "quantity": 1}]') s;
select tests.expect_success(s) from ledger_ship_order(tests.order_id('first')) s;
select is((select status from tests.order_named('first')), 'shipped', 'everything is out');
select is((select order_status from ledger_confirm_delivery(tests.shipment_id('first', 3))), 'shipped', 'a parcel is still under way');
select tests.authenticate_as('logistics');
select results_eq(
  $$ select success, transaction_id is not null, shipment_number, order_status
     from ledger_confirm_delivery(tests.shipment_id('first', 2), (select o.created_at + interval '1 microsecond' from orders o where o.notes = 'first')) $$,
  $$ values (true, true, 2, 'delivered') $$, 'with the last one the order is delivered');
select tests.act_as_owner();
select is((select s.delivered_at from shipments s where s.shipment_number = 2), (select created_at + interval '1 microsecond' from tests.order_named('first')), 'when it arrived is as the caller says');
select is(array[tests.booked('alice', 'order_escrow'), tests.booked('alice', 'revenue')], array[0, 3000]::bigint[], 'the money is earned');
select results_eq(
  $$ select h.from_status, h.status, h.created_by from order_status_history h where h.order_id = tests.order_id('first') order by h.event_id desc limit 1 $$,
  $$ values ('shipped', 'delivered', tests.get_supabase_uid('logistics')) $$, 'the history says who');
select is((select count(*) from immutable_events e where e.event_type = 'order.shipment_delivered'), 3::bigint, 'each arrival has one event');
select is((select count(*) from shipments s where s.status = 'delivered'), 3::bigint, 'and every shipment has arrived');

-- what cannot be
select is(tests.outcome(null, 'ledger_confirm_delivery(gen_random_uuid())'), 'shipment_not_found', 'a shipment that does not exist is not found');
select is(tests.outcome(null, 'ledger_confirm_delivery(null)'), 'shipment_not_found', 'nor is none');
select tests.place_named_order('second', 'alice', tests.lines('mug x 2'));
select tests.move_order(tests.order_id('second'), 'processing', 'shipped');
select is(tests.outcome(null, $$ ledger_confirm_delivery(tests.shipment_id('second', 1), clock_timestamp() + interval '1 day') $$), 'invalid_argument', 'an arrival in the future is refused');
select is(tests.outcome(null, $$ ledger_confirm_delivery(tests.shipment_id('second', 1), '2020-01-01') $$), 'invalid_argument', 'and one before the order was placed');
select is(tests.outcome(null, $$ ledger_confirm_delivery(tests.shipment_id('second', 1), '-infinity') $$), 'invalid_argument', 'and one before everything');
select is(tests.outcome('alice', $$ ledger_confirm_delivery(tests.shipment_id('second', 1)) $$), '42501', 'the customer does not confirm');
update order_status_transitions set permission = 'orders.cancel' where from_status = 'shipped' and to_status = 'delivered';
select is(tests.outcome('logistics', $$ ledger_confirm_delivery(tests.shipment_id('second', 1)) $$), '42501', 'the last arrival needs the permission of the change of status too');
select tests.move_order(tests.order_id('second'), 'cancelled');
select is(tests.outcome(null, $$ ledger_confirm_delivery(tests.shipment_id('second', 1)) $$), 'invalid_transition', 'what was cancelled under way does not arrive');
select is((select delivered_at from shipments s where s.order_id = tests.order_id('second')), null, 'its shipment stays as it is');
select is_empty('select * from ledger.book_differences()', 'the books are in order');

select * from finish();
rollback;
