begin;
select plan(4);
select tests.open_old_shop();
select tests.stage_and_analyze('orders', jsonb_build_array(tests.old_line('D-1'), tests.old_line('D-2', customer => null),
  tests.old_line('C-1', quantity => '-1', placed_at => '2020-04-01')), '{"cancellation_prefix": "C-"}');

select results_eq(
  $$select p.applied_rows, p.rejected_rows, p.done from public.import_apply(tests.last_run(), p_dry_run => true) p$$,
  $$values (2::bigint, 1::bigint, true)$$, 'it says what would come of it');
select is((select count(*) from public.orders), 0::bigint, 'there is no order');
select results_eq($$select p.applied_rows, p.done from public.import_apply(tests.last_run()) p$$, $$values (1::bigint, false)$$, 'and it can be applied in earnest');
select is_empty('select * from ledger.book_differences()', 'the books are in order');
select * from finish();
rollback;
