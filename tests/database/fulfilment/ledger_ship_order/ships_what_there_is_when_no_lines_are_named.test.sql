begin;
select plan(15);

select tests.create_variant('mug', price => 1000, stock => 3);
select tests.create_variant('cup', price => 100, stock => 10);
update variants set backorder_allowed = true where sku = 'mug';
select tests.create_customer('alice', 20000);

-- all at once
select tests.place_named_order('whole', 'alice', tests.lines('cup x 2', 'cup x 1'));
select tests.move_order(tests.order_id('whole'), 'processing');
select results_eq(
  $$ select shipment_number, order_status from ledger_ship_order(tests.order_id('whole')) $$,
  $$ values (1, 'shipped') $$, 'without lines all of it goes out');
select results_eq(
  $$ select l.line_number, l.quantity from shipment_lines l where l.order_id = tests.order_id('whole') order by 1 $$,
  $$ values (1, 2::bigint), (2, 1) $$, 'line by line');

-- three mugs are there, four were ordered on two lines
select tests.place_named_order('waiting', 'alice', tests.lines('mug x 2', 'cup x 1', 'mug x 2'));
select tests.move_order(tests.order_id('waiting'), 'processing');
select is(
  (select error_details - 'name' from ledger_ship_order(tests.order_id('waiting'), '[{"line_number": 3, "quantity": 2}]')),
  '{"line": 3, "quantity": 2, "shipped": 0, "backordered": 1, "shippable": 1, "requested": 2}'::jsonb,
  'a unit on backorder cannot go out: it counts against the last line of its variant');
select is(tests.outcome(null, $$ ledger_change_order_status(tests.get_supabase_uid('alice'), tests.order_id('waiting'), 'processing', 'shipped', 4100) $$),
  'units_not_shippable', 'nor can the order become shipped with it');
select is(tests.outcome(null, $$ ledger_change_order_status(tests.get_supabase_uid('alice'), tests.order_id('waiting'), 'processing', 'delivered', 4100) $$),
  'units_not_shippable', 'nor delivered');
select results_eq(
  $$ select success, shipment_number, order_status from ledger_ship_order(tests.order_id('waiting')) $$,
  $$ values (true, 1, 'processing') $$, 'without lines what there is goes out, and the order waits for the rest');
select results_eq(
  $$ select l.line_number, l.quantity from shipment_lines l where l.order_id = tests.order_id('waiting') order by 1 $$,
  $$ values (1, 2::bigint), (2, 1), (3, 1) $$, 'but for the unit on backorder');
select results_eq(
  $$ select error_code, error_details ->> 'backordered' from ledger_ship_order(tests.order_id('waiting')) $$,
  $$ values ('nothing_to_ship', '1') $$, 'there is nothing more to ship until it comes');
select is((select backorders - 0 from order_tracking(tests.order_id('waiting'))), '[]'::jsonb, 'the customer is told of one backorder');
select is((select backorders -> 0 ->> 'line_number' from order_tracking(tests.order_id('waiting'))), '3', 'of the last line');

select tests.expect_success(s) from ledger_adjust_stock(tests.get_variant_id('mug'), 5) s;
select results_eq(
  $$ select shipment_number, order_status from ledger_ship_order(tests.order_id('waiting')) $$,
  $$ values (2, 'shipped') $$, 'when it has come the rest goes out');
select is((select sum(l.quantity) from shipment_lines l where l.order_id = tests.order_id('waiting')), 5::numeric, 'all of it');
select is(tests.stock('mug'), 4::bigint, 'and the unit that was missing was taken from the stock');
select is((select backorders from order_tracking(tests.order_id('waiting'))), '[]'::jsonb, 'nothing is awaited');
select is_empty('select * from ledger.book_differences()', 'the books are in order');

select * from finish();
rollback;
