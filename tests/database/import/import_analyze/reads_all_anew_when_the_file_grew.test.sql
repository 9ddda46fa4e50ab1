-- A verdict lasts as long as the options it was made with, also when rows were staged in between.
begin;
select plan(4);
select tests.create_customer('ann');
create temp table run as select tests.stage_import('payments', 'rows', jsonb_build_array(tests.payment_row('P-1', 'ann', '1.234'))) as id;
select is((select a.rejected_rows from run, public.import_analyze(run.id) a), 1::bigint, 'an ambiguous amount is rejected');
select tests.expect_success(s) from run, public.import_stage(run.id, 2, jsonb_build_array(tests.payment_row('P-2', 'ann', '5')), true) s;
select is((select a.rejected_rows from run, public.import_analyze(run.id, '{"decimal_separator": ","}') a), 0::bigint, 'until somebody says how it is meant');
select is((select (a.done, a.applied_rows) from run, public.import_apply(run.id) a), (true, 2::bigint), 'then both come in');
select is((select sum(p.amount) from public.payments p), 123900::numeric, 'as they are meant');
select * from finish();
rollback;
