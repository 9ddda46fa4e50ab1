begin;
select plan(3);
select tests.open_old_shop();

select tests.bring_in('orders', jsonb_build_array(
  tests.old_line('W-1'),
  tests.old_line('W-2'),
  tests.old_line('W-1', 'NOT-THERE'),
  tests.old_line('W-3', more => '{"status": "shipped"}'),
  tests.old_line('W-3', 'PAN', more => '{"status": "delivered"}'),
  tests.old_line('W-2', 'PAN', '1', '20'),
  tests.old_line('W-4'),
  tests.old_line('W-4', customer => 'ben-2')));

select is(tests.rows_of(tests.last_run()),
  '1 rejected row_of_rejected_order order_number, 2 applied, 3 rejected row_product_not_found sku, 4 rejected row_disagrees_with_order status, '
  '5 rejected row_of_rejected_order order_number, 6 applied, 7 rejected row_disagrees_with_order customer, 8 rejected row_of_rejected_order order_number',
  'a row that cannot be imported takes its order along, and so do rows that disagree');
select results_eq($$select o.order_number, o.total_amount from public.orders o$$, $$values ('W-2', 2250::bigint)$$, 'the other order is there with both its rows');
select is_empty('select * from ledger.book_differences()', 'the books are in order');
select * from finish();
rollback;
