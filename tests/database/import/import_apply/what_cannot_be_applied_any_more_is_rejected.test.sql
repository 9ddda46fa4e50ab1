-- Between analysis and applying rows lose their data, or times pass in which nothing can have happened.
begin;
select plan(9);
select tests.create_customer('ann');
create temp table run as select tests.stage_import('payments', 'left alone', jsonb_build_array(tests.payment_row('P-1', 'ann', '5'), tests.payment_row('P-2', 'ann', '6'))) as id;
select tests.expect_success(a) from run, public.import_analyze(run.id) a;
select is((select a.applied_rows from run, public.import_apply(run.id, p_limit => 1) a), 1::bigint, 'the first payment comes in');
update public.settings set value = '1' where key = 'import_retention_days';
select set_config('ledger.procedure', 'import_apply', true);
update public.import_runs set updated_at = clock_timestamp() - interval '2 days';
select set_config('ledger.procedure', '', true);
select is(ledger.purge_import_rows(), 2::bigint, 'then the run is left alone until its rows are blanked');
select is((select (a.done, a.applied_rows, a.rejected_rows) from run, public.import_apply(run.id) a), (true, 1::bigint, 1::bigint), 'what has no data any more is rejected, and the run ends');
select is((select (j.row_number, j.code) from public.import_rejects j), (2::bigint, 'row_value_missing'::text), 'for that reason');

-- times
create temp table times as select tests.import('payments', 'times', jsonb_build_array(
  tests.payment_row('T-1', 'ann', '1', '2199-01-01'), tests.payment_row('T-2', 'ann', '1', '1969-12-31'), tests.payment_row('T-3', 'ann', '1', '1970-01-02'))) as id;
select set_eq($$ select j.row_number, j.field, j.code from public.import_rejects j, times where j.run_id = times.id $$,
  $$ values (1::bigint, 'paid_at', 'row_date_out_of_range'), (2, 'paid_at', 'row_date_out_of_range') $$, 'nothing was paid in the future, or before there was this time');
create temp table invoices as select tests.import('invoices', 'invoices', jsonb_build_array(
  tests.invoice_row('I-1', 'ann', '1', '2199-01-01'), tests.invoice_row('I-2', 'ann', '1', '2024-03-02', '{"due_at": "2024-03-01"}'), tests.invoice_row('I-3', 'ann', '1', '2024-03-02', '{"due_at": "2024-03-02"}'))) as id;
select set_eq($$ select j.row_number, j.field, j.code from public.import_rejects j, invoices where j.run_id = invoices.id $$,
  $$ values (1::bigint, 'issued_at', 'row_date_out_of_range'), (2, 'due_at', 'row_due_before_issued') $$, 'nor invoiced, nor due before it was');

-- who applied is who the books name
select tests.create_staff('begins', 'admin'), tests.create_staff('applies', 'admin');
create temp table two as select b.run_id as id from public.import_begin('payments', 'of two', '{"currency": "USD"}', p_actor_id => tests.get_supabase_uid('begins')) b;
select tests.expect_success(s) from two, public.import_stage(two.id, 1, jsonb_build_array(tests.payment_row('W-1', 'ann', '5')), true) s;
select tests.expect_success(a) from two, public.import_analyze(two.id) a;
select is((select a.done from two, public.import_apply(two.id, p_actor_id => tests.get_supabase_uid('applies')) a), true, 'one begins, another one applies');
select is((select (p.recorded_by, t.actor_id, e.actor_id) from public.payments p join public.transactions t on t.reference_id = p.id join public.immutable_events e on e.stream_id = p.id where p.external_id = 'W-1'),
  (tests.get_supabase_uid('applies'), tests.get_supabase_uid('applies'), tests.get_supabase_uid('applies')), 'and that one wrote it');
select is((select count(*)::int from ledger.book_differences()), 0, 'the books are in order');
select * from finish();
rollback;
