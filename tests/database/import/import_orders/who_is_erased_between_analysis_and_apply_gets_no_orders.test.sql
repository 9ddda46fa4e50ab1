begin;
select plan(4);
select tests.open_old_shop();
select tests.bring_in('orders', jsonb_build_array(tests.old_line('B-1', quantity => '2'), tests.old_line('B-2', 'PAN', customer => 'ben-2')));
select tests.stage_and_analyze('orders', jsonb_build_array(
  tests.old_line('B-3'),
  tests.old_line('C-1', quantity => '-1', placed_at => '2020-04-01'),
  tests.old_line('C-2', 'PAN', '-1', customer => 'ben-2', placed_at => '2020-04-01')), '{"cancellation_prefix": "C-"}');
select tests.expect_success(e) from public.profile_erase((tests.old_order('B-1')).user_id) e;

select tests.expect_success(p) from public.import_apply(tests.last_run()) p;
select results_eq($$select p.applied_rows, p.rejected_rows, p.done from public.import_apply(tests.last_run()) p$$, $$values (1::bigint, 2::bigint, true)$$,
  'the import comes to its end');
select is(tests.rows_of(tests.last_run()), '1 rejected row_customer_not_found customer, 2 rejected row_customer_not_found customer, 3 applied',
  'the rows of the erased are rejected, the other''s order is taken back');
select is((select o.credited_amount from public.orders o where o.order_number = 'B-1'), 0::bigint, 'and nothing of theirs was touched');
select is_empty('select * from ledger.book_differences()', 'the books are in order');
select * from finish();
rollback;
