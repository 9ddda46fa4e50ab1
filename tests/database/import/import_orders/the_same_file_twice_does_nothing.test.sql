begin;
select plan(5);
select tests.open_old_shop();
create temporary table file as select jsonb_build_array(
  tests.old_line('N-1', quantity => '3'), tests.old_line('N-2'), tests.old_line('N-3', customer => null),
  tests.old_line('C-1', quantity => '-2', placed_at => '2020-04-01'), tests.old_line('C-1', quantity => '-7', placed_at => '2020-04-01')) as rows;

select tests.bring_in('orders', (select rows from file), '{"cancellation_prefix": "C-"}');
create temporary table before as
  select (select count(*) from public.transactions) as transactions, (select count(*) from public.immutable_events where event_type not like 'import.%') as events,
         (select count(*) from public.stock_movements) as movements, (select sum(version) from public.accounts) as versions;
select is(tests.rows_of(tests.last_run()),
  '1 applied, 2 applied, 3 rejected row_value_missing customer, 4 applied, 5 rejected row_nothing_to_cancel quantity', 'the first time brings in what can be');

select tests.bring_in('orders', (select rows from file), '{"cancellation_prefix": "C-"}');
select is(tests.rows_of(tests.last_run()),
  '1 skipped, 2 skipped, 3 rejected row_value_missing customer, 4 skipped, 5 rejected row_nothing_to_cancel quantity', 'the second time knows it');
select results_eq(
  $$select (select count(*) from public.transactions), (select count(*) from public.immutable_events where event_type not like 'import.%'),
           (select count(*) from public.stock_movements), (select sum(version) from public.accounts)$$,
  'select * from before', 'and writes nothing');
select is((select j.target_id from public.import_rows j where j.run_id = tests.last_run() and j.row_number = 2), (tests.old_order('N-2')).id,
  'a skipped row says what it is here');
select is_empty('select * from ledger.book_differences()', 'the books are in order');
select * from finish();
rollback;
