begin;
select plan(5);
select tests.open_old_shop();
select is(tests.outcome_of('orders', jsonb_build_array(
    tests.old_line('1', more => '{"currency": "EUR"}'), tests.old_line('2', more => '{"currency": "usd"}'), tests.old_line('3', more => '{"currency": ""}'))),
  '1 rejected row_value_unknown currency, 2 applied, 3 applied', 'an order in euros is not one in dollars');
select is(tests.outcome_of('products',
    '[{"sku": "a", "name": "A", "price": "5", "currency": "EUR"}, {"sku": "b", "name": "B", "price": "5", "currency": "USD"}]'),
  '1 rejected row_value_unknown currency, 2 applied', 'and neither is a price');
select is(tests.outcome_of('orders', jsonb_build_array(tests.old_line('4', more => '{"Ccy": "EUR"}')), '{"columns": {"currency": "Ccy"}}'),
  '1 rejected row_value_unknown currency', 'whatever its column is called');
select is((select count(*) from public.orders), 2::bigint, 'only those of the run''s currency are there');
select is_empty('select * from ledger.book_differences()', 'the books are in order');
select * from finish();
rollback;
