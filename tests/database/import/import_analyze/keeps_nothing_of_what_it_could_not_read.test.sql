-- A column that was taken for another one may hold names: they are shown to who asked, and kept for nobody.
begin;
select plan(9);
select tests.create_customer('zed');
create temp table run as select tests.stage_import('payments', 'shifted', jsonb_build_array(
  tests.payment_row('P-1', 'zed', 'Zed Zedson', more => '{"is_allocated": "1", "invoice": "Zed''s roof"}'), tests.payment_row('P-2', 'zed', '$12.50', more => '{"is_allocated": "1", "invoice": "I-7"}'))) as id;
create temp table report as select a.report from run, public.import_analyze(run.id) a;
select ok((select report::text like '%Zed Zedson%' from report), 'the answer shows what stands there');
select ok((select r.analysis::text not like '%Zed%' from run, public.import_report(run.id) r), 'it is not kept');
select set_eq($$ select p ->> 'pattern' as pattern, (p ->> 'rows')::int as rows, p ? 'examples' as examples from run, public.import_report(run.id) r, jsonb_array_elements(r.analysis #> '{amounts,patterns}') p $$,
  $$ values (null, 1, false), ('$9.99', 1, false) $$, 'but counted');
select is((select r.analysis #> '{amounts,total}' from run, public.import_report(run.id) r), '1250'::jsonb, 'with the sums');
select is((select a.done from run, public.import_apply(run.id) a), true, 'what can be read is applied');
select tests.expect_success(v) from public.payments p, public.ledger_void_payment(p.id) v;
select tests.expect_success(e) from public.profile_erase(tests.get_supabase_uid('zed')) e;
select is((select array_agg(w.parsed - 'user_id' order by w.row_number) from public.import_rows w, run where w.run_id = run.id), array['{}', '{"invoice": "I-7", "is_allocated": true}']::jsonb[],
  'of an erased person''s rows stays what the books ask for, and of rejected ones nothing');
select ok((select count(*) = 2 from public.import_rows w, run where w.run_id = run.id and w.data = '{}'), 'no row has its text');
select is((select count(*)::int from public.import_rejects j, run where j.run_id = run.id and concat(j.value, j.message) like '%Zed%'), 0, 'nor its reason');
select is((select count(*)::int from ledger.book_differences()), 0, 'the books are in order');
select * from finish();
rollback;
