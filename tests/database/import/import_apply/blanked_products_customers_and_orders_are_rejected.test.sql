-- A run that nobody completed lost its rows as they came: nothing is made of what is left of them.
begin;
select plan(6);
select tests.open_old_shop();
create function pg_temp.after_blanking(kind text, rows jsonb) returns text language plpgsql as $$
declare
  v_run_id uuid := tests.stage_and_analyze(kind, rows, '{"cancellation_prefix": "C"}');
  v_done boolean := false;
begin
  perform set_config('ledger.procedure', 'import_apply', true);
  update public.import_runs set updated_at = clock_timestamp() - interval '10 years' where id = v_run_id;
  perform set_config('ledger.procedure', '', true);
  perform ledger.purge_import_rows();
  while not v_done loop
    select (tests.expect_success(p)).done into v_done from public.import_apply(v_run_id, p_limit => 1) p;
  end loop;
  return tests.rows_of(v_run_id);
end $$;

select is(pg_temp.after_blanking('products', '[{"sku": "JAR", "name": "Jar", "price": "4"}, {"sku": "CUP", "name": "Cup", "price": "3"}]'),
  '1 rejected row_value_missing sku, 2 rejected row_value_missing sku', 'products');
select is(pg_temp.after_blanking('customers', '[{"customer": "zed-3", "email": "zed@old.example"}, {"customer": "ann-1"}]'),
  '1 rejected row_value_missing customer, 2 rejected row_value_missing customer', 'customers');
select is(pg_temp.after_blanking('orders', jsonb_build_array(tests.old_line('N1'), tests.old_line('C1', quantity => '-1'))),
  '1 rejected row_value_missing order_number, 2 rejected row_value_missing order_number', 'orders and cancellations');
select is((select count(*) from public.variants), 2::bigint, 'no product');
select is((select count(*) from public.profiles), 2::bigint, 'and nobody came of them');
select is_empty('select * from ledger.book_differences()', 'the books are in order');
select * from finish();
rollback;
