begin;
select plan(38);

select tests.create_variant('mug', price => 1000, stock => 10);
select tests.create_customer('alice', 20000);
select tests.create_staff(r.code, r.code) from roles r;
select tests.place_named_order('first', 'alice', tests.lines('mug x 3', 'mug x 1'));
select tests.place_named_order('second', 'alice', tests.lines('mug x 1'));
select tests.place_named_order('unpaid', 'alice', tests.lines('mug x 1'), 'bank_transfer');
select is(tests.outcome(null, $$ ledger_ship_order(tests.order_id('first')) $$), 'invalid_transition', 'an order that is not in work cannot be shipped');
select tests.move_order(tests.order_id('first'), 'processing');
update order_status_transitions set needs_payment = false where from_status = 'pending';
select tests.move_order(tests.order_id('unpaid'), 'processing');

select is(tests.outcome(null, $$ ledger_ship_order(gen_random_uuid()) $$), 'order_not_found', 'nor one that does not exist');
select is(tests.outcome(null, $$ ledger_ship_order(null) $$), 'order_not_found', 'nor none');
select is(tests.outcome(null, $$ ledger_ship_order(tests.order_id('unpaid')) $$), 'payment_required', 'nor one that is not paid');
update order_status_transitions set needs_payment = false where from_status = 'processing' and to_status = 'shipped';
select is(tests.outcome(null, $$ ledger_ship_order(tests.order_id('unpaid')) $$), 'success', 'unless the transition does without');

-- who may
select results_eq(
  $$ select r.code, tests.outcome(r.code, 'ledger_ship_order(tests.order_id(''first''))') from roles r order by 1 $$,
  $$ values ('admin', 'success'), ('finance', '42501'), ('logistics', 'success'), ('vendor', '42501'), ('warehouse', 'success') $$,
  'those with orders.ship ship');
select is(tests.outcome('alice', $$ ledger_ship_order(tests.order_id('first')) $$), '42501', 'the customer does not');
update order_status_transitions set permission = 'orders.deliver' where from_status = 'processing' and to_status = 'shipped';
select is(tests.outcome('warehouse', $$ ledger_ship_order(tests.order_id('first')) $$), '42501', 'the last units need the permission of the change of status too');
select is(tests.outcome('warehouse', $$ ledger_ship_order(tests.order_id('first'), '[{"line_number": 1, "quantity": 3}]') $$), 'success', 'those before it do not');
update order_status_transitions set permission = 'orders.ship' where from_status = 'processing' and to_status = 'shipped';

-- lines
select is(tests.outcome(null, format('ledger_ship_order(tests.order_id(''first''), %L)', l.lines)), l.expected, format('lines %s: %s', left(l.lines, 60), l.expected))
from (values
  ('[{"line_number": 1, "quantity": 3}]', 'success'),
  ('[{"line_number": 1.0, "quantity": 3e0}]', 'success'),
  ('[{"line_number": 1, "quantity": 4}]', 'units_not_shippable'),
  ('[{"line_number": 1, "quantity": 9007199254740991}]', 'units_not_shippable'),
  ('[{"line_number": 3, "quantity": 1}]', 'line_not_found'),
  ('[{"line_number": 2147483647, "quantity": 1}]', 'line_not_found'),
  ('[{"line_number": 1, "quantity": 1}, {"line_number": 1.0, "quantity": 1}]', 'invalid_argument'),
  ('[{"line_number": 1, "quantity": 0}]', 'invalid_argument'),
  ('[{"line_number": 1, "quantity": -1}]', 'invalid_argument'),
  ('[{"line_number": 1, "quantity": 1.5}]', 'invalid_argument'),
  ('[{"line_number": 1, "quantity": "1"}]', 'invalid_argument'),
  ('[{"line_number": 1, "quantity": 1e300}]', 'invalid_argument'),
  ('[{"line_number": 1, "quantity": null}]', 'invalid_argument'),
  ('[{"line_number": 1}]', 'invalid_argument'),
  ('[{"quantity": 1}]', 'invalid_argument'),
  ('[{"line_number": 99999999999, "quantity": 1}]', 'invalid_argument'),
  ('[1, null, "x"]', 'invalid_argument'),
  ('[]', 'invalid_argument'),
  ('{}', 'invalid_argument'),
  ('null', 'invalid_argument'),
  ((select jsonb_agg(jsonb_build_object('line_number', n, 'quantity', 1))::text from generate_series(1, 5001) n), 'invalid_argument')) l (lines, expected);

-- what is said of the parcel
select is(tests.outcome(null, format('ledger_ship_order(tests.order_id(''first''), %s)', a.arguments)), 'invalid_argument', format('%s is refused', left(a.arguments, 60)))
from unnest(array['p_carrier => ''''', 'p_carrier => repeat(''x'', 101)', 'p_tracking_number => repeat(''x'', 201)', 'p_estimated_delivery_at => ''infinity''',
                  'p_metadata => ''[]''', 'p_metadata => jsonb_build_object(''a'', repeat(''x'', 20000))']) a (arguments);

select is((select count(*) from shipments), 0::bigint, 'none of all this left a shipment');
select is_empty('select * from ledger.book_differences()', 'the books are in order');

select * from finish();
rollback;
