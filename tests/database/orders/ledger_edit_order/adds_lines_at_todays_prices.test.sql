begin;
select plan(15);

insert into vendors (name, platform_rate_bp) values ('Potter', 1000);
select tests.create_variant('mug', stock => 20, price => 1000);
select tests.create_variant('cup', stock => 20, price => 500, tax_rate_bp => 1000);
update products set vendor_id = (select id from vendors) where name = 'Product cup';
select tests.create_customer('alice', 20000);
select tests.place_named_order('order', 'alice', tests.lines('mug x 2', 'cup x 2'));
select is((select o.total_amount from tests.order_named('order') o), 3100::bigint, 'two mugs and two cups, with tax on the cups');

-- since then everything has changed
update variants set price_amount = 2000 where sku = 'mug';
update variants set price_amount = 700 where sku = 'cup';
update products set tax_rate_bp = 2000 where name = 'Product cup';
update vendors set platform_rate_bp = 1500;

select results_eq(
  $$ select difference_amount, total_amount from ledger_edit_order(tests.order_id('order'), '[{"line_number": 1, "quantity": 3}, {"line_number": 2, "quantity": 3}]') $$,
  $$ values (1550::bigint, 4650::bigint) $$, 'staff raise lines at the price and tax they were sold at');
select results_eq(
  $$ select difference_amount, total_amount from ledger_edit_order(tests.order_id('order'), tests.lines('cup x 1', 'mug x 1')) $$,
  $$ values (2840::bigint, 7490::bigint) $$, 'what is added costs what the catalogue says now');
select results_eq(
  $$ select i.line_number, i.product_sku, i.quantity, i.unit_price_amount, i.tax_rate_bp, i.tax_amount, i.platform_rate_bp
     from order_items i where i.order_id = tests.order_id('order') order by i.line_number $$,
  $$ values (1, 'mug', 3::bigint, 1000::bigint, 0, 0::bigint, null), (2, 'cup', 3, 500, 1000, 150, 1000),
            (3, 'cup', 1, 700, 2000, 140, 1500), (4, 'mug', 1, 2000, 0, 0, null) $$,
  'on lines of their own, with the vendor''s rate of today');

-- numbers are never used again
select is((select error_code from ledger_edit_order(tests.order_id('order'), '[{"line_number": 3, "quantity": 0}, {"line_number": 4, "quantity": 0}]')), null,
  'the added lines are removed again');
select is((select error_code from ledger_edit_order(tests.order_id('order'), tests.lines('mug x 1'))), null, 'another one is added');
select is((select array_agg(i.line_number order by i.line_number) from order_items i where i.order_id = tests.order_id('order')), '{1,2,5}',
  'its number was never one of another line');
select is((select error_code from ledger_edit_order(tests.order_id('order'), '[{"line_number": 5, "quantity": 2}]')), null, 'an edit that adds nothing');
select is((select error_code from ledger_edit_order(tests.order_id('order'), ('[{"line_number": 5, "quantity": 0}]'::jsonb || tests.lines('cup x 1')))), null,
  'and one that removes and adds');
select is((select array_agg(i.line_number order by i.line_number) from order_items i where i.order_id = tests.order_id('order')), '{1,2,6}', 'go on from there');

update settings set value = 'true' where key = 'prices_include_tax';
select is((select error_code from ledger_edit_order(tests.order_id('order'), tests.lines('mug x 1'))), 'edit_not_allowed',
  'where catalogue prices mean something else by now, nothing is added');
select is((select difference_amount from ledger_edit_order(tests.order_id('order'), '[{"line_number": 1, "quantity": 4}]')), 1000::bigint,
  'while the lines that are there can still change');
-- the state of an order can be read from its last edit
create temp table last_edit as
  select e.payload -> 'new' as state from immutable_events e where e.event_type = 'order.edited' and e.stream_id = tests.order_id('order') order by e.id desc limit 1;
select results_eq(
  $$ select l.line_number, l.variant_id, l.quantity, l.unit_price_amount, l.discount_amount, l.tax_amount
     from last_edit, jsonb_to_recordset(state -> 'lines') l (line_number integer, variant_id uuid, quantity bigint, unit_price_amount bigint,
       discount_amount bigint, tax_amount bigint) order by 1 $$,
  $$ select i.line_number, i.variant_id, i.quantity, i.unit_price_amount, i.discount_amount, i.tax_amount
     from order_items i where i.order_id = tests.order_id('order') order by 1 $$, 'the lines follow from the last event');
select results_eq(
  $$ select (state ->> 'subtotal_amount')::bigint, (state ->> 'tax_amount')::bigint, (state ->> 'total_amount')::bigint from last_edit $$,
  $$ select o.subtotal_amount, o.tax_amount, o.total_amount from tests.order_named('order') o $$, 'so do the totals');
select is_empty('select * from ledger.book_differences()', 'the books are in order');

select * from finish();
rollback;
