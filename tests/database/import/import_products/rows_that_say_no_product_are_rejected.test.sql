begin;
select plan(2);
select tests.bring_in('products', jsonb_build_array('{"name": "Cup", "price": "1"}'::jsonb, jsonb_build_object('sku', repeat('x', 101), 'name', 'Cup', 'price', '1'),
  '{"sku": "B", "name": "Cup", "price": "0"}'::jsonb, '{"sku": "C", "name": "Cup", "price": "-1"}'::jsonb, '{"sku": "D", "name": "Cup", "price": "1.005"}'::jsonb,
  '{"sku": "E", "name": "Cup", "price": "1", "stock": "-3"}'::jsonb, '{"sku": "F", "name": "Cup", "price": "1", "tax_rate": "much"}'::jsonb, '{"sku": "G", "name": "Cup"}'::jsonb));
select is(tests.rows_of(tests.last_run()),
  '1 rejected row_value_missing sku, 2 rejected row_text_too_long sku, 3 rejected row_price_zero price, 4 rejected row_amount_negative price, '
  '5 rejected row_amount_too_precise price, 6 rejected row_number_not_whole stock, 7 rejected row_tax_rate_unreadable tax_rate, 8 rejected row_value_missing price',
  'each for its reason');
select is((select count(*) from public.variants), 0::bigint, 'nothing is there');
select * from finish();
rollback;
