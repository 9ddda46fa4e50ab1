begin;
select plan(4);
select tests.open_old_shop();

select tests.bring_in('orders', jsonb_build_array(
  tests.old_line('''); drop table public.orders; --', more => '{"notes": "$$; delete from public.accounts", "country": "<script>"}'),
  jsonb_build_object('order_number', jsonb_build_object('a', jsonb_build_array(1, 2)), 'sku', jsonb_build_array('CUP'), 'quantity', 1e300, 'unit_price', true),
  '{}'::jsonb,
  tests.old_line('H-1', quantity => repeat('9', 400), unit_price => repeat('9', 400)),
  tests.old_line('H-2', quantity => '1e5'),
  tests.old_line('H-3', unit_price => 'NaN'),
  tests.old_line('H-4', unit_price => 'Infinity', placed_at => 'infinity'),
  tests.old_line('H-5', more => '{"tax_rate": "NaN"}'),
  tests.old_line('٣٤', quantity => '۲', unit_price => '۲٫۵')));

select is((select string_agg(w.state, ' ' order by w.row_number) from public.import_rows w where w.run_id = tests.last_run()),
  'applied rejected rejected rejected rejected rejected rejected rejected applied', 'what is no order is rejected, and a text is only a text');
select is((tests.old_order('''); drop table public.orders; --')).notes, '$$; delete from public.accounts', 'which stays as it was');
select is((tests.old_order('٣٤')).total_amount, 500::bigint, 'Persian and Arabic digits are digits');
select is_empty('select * from ledger.book_differences()', 'the books are in order');
select * from finish();
rollback;
