begin;
select plan(16);

select tests.create_variant('mug', stock => 5, price => 100);
select tests.create_variant('tea', stock => 5, price => 100);
select tests.create_variant('late', stock => 2, price => 100);
update variants set backorder_allowed = true where sku = 'late';
select tests.create_customer('alice', 10000);
select tests.place_named_order('order', 'alice', tests.lines('mug x 2', 'tea x 1', 'mug x 1'));
select is(tests.stock('mug'), 2::bigint, 'of five mugs two are left');

select results_eq(
  $$ select error_code, error_message from ledger_edit_order(tests.order_id('order'), '[{"line_number": 1, "quantity": 4}, {"line_number": 3, "quantity": 2}]') $$,
  $$ values ('insufficient_stock', 'Only 2 of "Product mug, Variant mug" left, 3 asked.') $$, 'lines of the same variant count together');
select is((select error_code from ledger_edit_order(tests.order_id('order'), tests.lines('mug x 3'))), 'insufficient_stock', 'so do added ones');
create temp table before as select count(*) as movements from stock_movements;
select is((select error_code from ledger_edit_order(tests.order_id('order'), '[{"line_number": 1, "quantity": 1}, {"line_number": 3, "quantity": 2}]')), null, 'what one line gives the other may take');
select is((select count(*) from stock_movements), (select movements from before), 'then nothing moves');
select is((select error_code from ledger_edit_order(tests.order_id('order'), '[{"line_number": 3, "quantity": 4}]'::jsonb || tests.lines('tea x 4'))), null, 'all that is left');
select is(array[tests.stock('mug'), tests.stock('tea')], array[0, 0]::bigint[], 'is sold');
select is((select error_code from ledger_edit_order(tests.order_id('order'), '[{"line_number": 3, "quantity": 0}, {"line_number": 2, "quantity": 0}]')), null, 'two lines are removed');
select is(array[tests.stock('mug'), tests.stock('tea')], array[4, 1]::bigint[], 'and come back');

-- units that have not come in yet
select tests.place_named_order('waiting', 'alice', tests.lines('late x 1'));
select is((select error_code from ledger_edit_order(tests.order_id('waiting'), '[{"line_number": 1, "quantity": 3}]')), null, 'two more of what is on backorder');
select is((select b.open_quantity from backorders b where b.order_id = tests.order_id('waiting')), 1::bigint, 'one of them waits');
select is((select error_code from ledger_edit_order(tests.order_id('waiting'), '[{"line_number": 1, "quantity": 6}]')), null, 'three more');
select is((select ledger.open_backorder(tests.order_id('waiting'), tests.get_variant_id('late'))), 4::bigint, 'wait too');
select is((select error_code from ledger_edit_order(tests.order_id('waiting'), '[{"line_number": 1, "quantity": 1}]')), null, 'five less');
select is(
  array[ledger.open_backorder(tests.order_id('waiting'), tests.get_variant_id('late')), tests.stock('late')], array[0, 1]::bigint[],
  'first those that wait, then one comes back');
select is_empty('select * from ledger.book_differences()', 'the books are in order');

select * from finish();
rollback;
