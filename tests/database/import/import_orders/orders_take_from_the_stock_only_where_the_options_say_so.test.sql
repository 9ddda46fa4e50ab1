begin;
select plan(4);
select tests.open_old_shop();

select tests.bring_in('orders', jsonb_build_array(
  tests.old_line('T-1', quantity => '6', placed_at => '2020-01-01'),
  tests.old_line('T-2', quantity => '5', placed_at => '2020-01-02'),
  tests.old_line('T-3', 'PAN', '3', placed_at => '2020-01-03'),
  tests.old_line('C-1', 'PAN', '-1', placed_at => '2020-01-04'),
  tests.old_line('T-4', 'PAN', '2', placed_at => '2020-01-05', more => '{"status": "cancelled"}')),
  '{"stock": "take", "cancellation_prefix": "C-"}');

select is(tests.rows_of(tests.last_run()), '1 applied, 2 rejected row_stock_missing order_number, 3 applied, 4 applied, 5 applied',
  'an order that wants more than is left is rejected');
select results_eq(
  $$select v.sku, s.stock_quantity from public.variant_stock s join public.variants v on v.id = s.variant_id order by v.sku$$,
  $$values ('CUP', 4::bigint), ('PAN', 8::bigint)$$,
  'orders took theirs, and what was cancelled came back');
select is((select count(*) from public.stock_movements m where m.reason = 'received'), 2::bigint, 'nothing was received but the opening stock');
select is_empty('select * from ledger.book_differences()', 'the books are in order');
select * from finish();
rollback;
