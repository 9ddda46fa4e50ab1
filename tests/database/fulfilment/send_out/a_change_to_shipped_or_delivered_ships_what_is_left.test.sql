begin;
select plan(19);

select tests.create_variant('mug', price => 1000, stock => 20);
select tests.create_customer('alice', 20000);
select tests.create_staff('admin', 'admin');
create function tests.units_out(name text) returns text language sql volatile as $$
  select string_agg(format('%s: %s x %s %s', s.shipment_number, l.line_number, l.quantity, s.status), ', ' order by s.shipment_number, l.line_number)
  from public.shipments s join public.shipment_lines l on l.shipment_id = s.id where s.order_id = tests.order_id(name);
$$;

-- shipped in one
select tests.place_named_order('shipped', 'alice', tests.lines('mug x 2', 'mug x 1'));
select tests.move_order(tests.order_id('shipped'), 'processing');
select tests.authenticate_as('admin');
select results_eq(
  $$ select success, order_status from tests.change_status('shipped', 'shipped', '{"carrier": "Post", "tracking_number": "RR1", "estimated_delivery_at": "2030-01-31T12:00:00+00:00", "notes": "by hand"}') $$,
  $$ values (true, 'shipped') $$, 'the status changes');
select tests.act_as_owner();
select is(tests.units_out('shipped'), '1: 1 x 2 shipped, 1: 2 x 1 shipped', 'all of it is in one shipment');
select results_eq(
  $$ select carrier, tracking_number, estimated_delivery_at, metadata, shipped_by from shipments $$,
  $$ values ('Post', 'RR1', '2030-01-31T12:00:00Z'::timestamptz, '{"notes": "by hand"}'::jsonb, tests.get_supabase_uid('admin')) $$,
  'with what the change said of the parcel');
select is((select count(*) from tests.messages('order.shipment_created', '{"shipment_number": 1, "tracking_number": "RR1"}')), 1::bigint, 'a message goes out');
select tests.move_order(tests.order_id('shipped'), 'delivered');
select is(tests.units_out('shipped'), '1: 1 x 2 delivered, 1: 2 x 1 delivered', 'with the order its shipment is delivered');
select is((select count(*) from tests.messages('order.shipment_delivered', '{"shipment_number": 1}')), 1::bigint, 'and its arrival recorded');

-- the rest after a part
select tests.place_named_order('part', 'alice', tests.lines('mug x 2', 'mug x 1'));
select tests.move_order(tests.order_id('part'), 'processing');
select tests.expect_success(s) from ledger_ship_order(tests.order_id('part'), '[{"line_number": 1, "quantity": 1}]') s;
select is((select order_status from tests.change_status('part', 'delivered', '{"delivered_at": "2026-01-01T00:00:00Z"}')), null, 'an arrival before the order was placed is refused');
select is((select order_status from tests.change_status('part', 'delivered')), 'delivered', 'an order of which a part is out is delivered');
select is(tests.units_out('part'), '1: 1 x 1 delivered, 2: 1 x 1 delivered, 2: 2 x 1 delivered', 'the rest went out, and all of it has arrived');
select is((select count(*) from immutable_events e where e.stream_id = tests.order_id('part') and e.event_type = 'order.shipment_created'), 2::bigint, 'each shipment has its event');
select is((select count(*) from immutable_events e where e.stream_id = tests.order_id('part') and e.event_type = 'order.shipment_delivered'), 1::bigint,
  'the arrival of the first as well; that of the second is in its own');

-- what is said of the parcel in the wrong way
select tests.place_named_order('wrong', 'alice', tests.lines('mug x 1'));
select tests.move_order(tests.order_id('wrong'), 'processing');
select is((select error_code from tests.change_status('wrong', 'shipped', m.metadata::jsonb)), 'invalid_argument', m.metadata || ' is refused')
from unnest(array['{"carrier": {}}', '{"tracking_number": 5}', '{"estimated_delivery_at": "soon"}', '{"estimated_delivery_at": "2026-13-45"}', '{"delivered_at": "2999-01-01"}']) m (metadata);
select is((select order_status from tests.change_status('wrong', 'cancelled', '{"carrier": {}}')), 'cancelled', 'another change takes no notice of it');
select is(tests.units_out('wrong'), null, 'and ships nothing');
select is_empty('select * from ledger.book_differences()', 'the books are in order');

select * from finish();
rollback;
