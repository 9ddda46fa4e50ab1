begin;
select plan(15);

select tests.create_variant('mug', price => 1000, stock => 3);
select tests.create_variant('cup', price => 100, stock => 10);
update variants set backorder_allowed = true where sku = 'mug';
select tests.create_customer('alice', 20000);
select tests.create_customer('bob', 20000);
select tests.create_staff('logistics', 'logistics');
select tests.place_named_order('first', 'alice', tests.lines('mug x 2', 'cup x 2', 'mug x 2'));
create function tests.tracked(name text) returns setof public.order_tracking_result language sql volatile as $$
  select t.* from public.order_tracking(tests.order_id(name)) t;
$$;

select tests.authenticate_as('alice');
select results_eq($$ select shipments, returns from tests.tracked('first') $$, $$ values ('[]'::jsonb, '[]'::jsonb) $$, 'at first nothing is out and nothing comes back');
select is((select backorders from tests.tracked('first')), jsonb_build_array(jsonb_build_object('line_number', 3, 'variant_id', tests.get_variant_id('mug'), 'quantity', 1)),
  'one mug is awaited');
select tests.act_as_owner();

select tests.move_order(tests.order_id('first'), 'processing');
select is((select next_steps from public.order_tracking(tests.order_id('first'))), '["cancelled"]', 'what waits for stock can go nowhere but back');
select tests.expect_success(s) from ledger_ship_order(tests.order_id('first'), '[{"line_number": 2, "quantity": 1}, {"line_number": 1, "quantity": 2}]', 'Post', 'RR1', '2030-01-31T12:00:00Z') s;
select tests.expect_success(s) from ledger_ship_order(tests.order_id('first'), '[{"line_number": 2, "quantity": 1}]') s;
select tests.expect_success(c) from shipments s, ledger_confirm_delivery(s.id) c where s.shipment_number = 1;
select tests.authenticate_as('alice');
select is(
  (select t.shipments -> 0 from tests.tracked('first') t),
  (select jsonb_build_object('shipment_id', s.id, 'shipment_number', 1, 'status', 'delivered', 'carrier', 'Post', 'tracking_number', 'RR1',
            'estimated_delivery_at', '2030-01-31T12:00:00Z'::timestamptz, 'shipped_at', s.shipped_at, 'delivered_at', s.delivered_at,
            'lines', '[{"line_number": 1, "quantity": 2}, {"line_number": 2, "quantity": 1}]'::jsonb) from shipments s where s.shipment_number = 1),
  'the customer is told what was in the first shipment, who carried it, and when it arrived');
select is(
  (select (t.shipments -> 1) - '{shipment_id,shipped_at}'::text[] from tests.tracked('first') t),
  '{"shipment_number": 2, "status": "shipped", "carrier": null, "tracking_number": null, "estimated_delivery_at": null, "delivered_at": null,
    "lines": [{"line_number": 2, "quantity": 1}]}'::jsonb, 'and that the second is under way');
select is((select jsonb_array_length(t.shipments) from tests.tracked('first') t), 2, 'there are two');
select is((select t.status from tests.tracked('first') t), 'processing', 'of an order that is still in work');
select is((select t.shipments from order_tracking(tests.order_id('first')) t), (select t.shipments from tests.tracked('first') t), 'each call says the same');

select tests.expect_success(r) from ledger_request_return(tests.order_id('first'), '[{"line_number": 1, "quantity": 1, "reason": "chipped"}]', 'Oh no') r;
select is(
  (select (t.returns -> 0) - '{return_id,created_at,updated_at}'::text[] from tests.tracked('first') t),
  '{"status": "requested", "reason": "Oh no", "lines": [{"line_number": 1, "quantity": 1, "approved_quantity": 0, "received_quantity": 0, "refunded_quantity": 0}]}'::jsonb,
  'a return is told of');
select tests.act_as_owner();
select tests.expect_success(a) from returns r, ledger_review_return(r.id, 'approve') a;
select tests.expect_success(a) from returns r, ledger_review_return(r.id, 'receive') a;
select tests.authenticate_as('logistics');
select is((select t.returns -> 0 -> 'lines' -> 0 ->> 'refunded_quantity' from tests.tracked('first') t), '1', 'and how it went on, to staff too');
select tests.authenticate_as('bob');
select is((select t.error_code from tests.tracked('first') t), 'order_not_found', 'another customer is told nothing');
select tests.act_as_owner();

-- a part that was refunded does not keep the rest from going on
select is((select payment_status from tests.order_named('first')), 'partially_refunded', 'a unit is refunded');
select tests.authenticate_as('logistics');
select is((select t.next_steps from tests.tracked('first') t), '["delivered", "shipped"]'::jsonb, 'the rest may go on');
select tests.act_as_owner();
select tests.expect_success(s) from ledger_adjust_stock(tests.get_variant_id('mug'), 1) s;
select is((select order_status from ledger_ship_order(tests.order_id('first'))), 'shipped', 'and does');
select is_empty('select * from ledger.book_differences()', 'the books are in order');

select * from finish();
rollback;
