-- Source 002, E-A1: rows are staged as they are; the same rows again do nothing, other ones are refused.
begin;
select plan(22);
select tests.create_customer('ann');
select is((select error_code from public.import_begin('x''; drop table public.payments', 'f')), 'unknown_import_kind', 'a kind nobody has written is refused');
select is((select error_code from public.import_begin(null, 'f')), 'unknown_import_kind', 'and none at all');
select is((select error_code from public.import_begin('payments', '')), 'invalid_argument', 'a source has a name');
select is((select error_code from public.import_begin('payments', 'f', '{"currency": "XYZ"}')), 'unknown_currency', 'in a currency there is');
select is((select error_code from public.import_begin('payments', 'f', o::jsonb)), 'invalid_argument', 'options that mean nothing: ' || o)
from unnest(array['[]', '{"columns": []}', '{"columns": {"amount": 1}}', '{"decimal_separator": ";"}', '{"date_format": "weekly"}', '{"time_zone": "Mars"}']) o;
create temp table run as select run_id as id from public.import_begin('payments', 'f', p_idempotency_key => 'k');
select is((select run_id from public.import_begin('payments', 'f', p_idempotency_key => 'k')), (select id from run), 'the same key opens one import');
select is((select error_code from public.import_begin('invoices', 'f', p_idempotency_key => 'k')), 'idempotency_conflict', 'and no other one');

select is((select (s.staged_rows, s.state) from run, public.import_stage(run.id, 1, '[{"a": "1"}, {"a": "2", "b": {"deep": [1]}}]') s), (2::bigint, 'staging'::text), 'two rows are staged');
select is((select s.staged_rows from run, public.import_stage(run.id, 2, '[{"b": {"deep": [1]}, "a": "2"}, {"a": "3"}]') s), 3::bigint, 'a row that came before is not staged twice');
select is((select s.error_code from run, public.import_stage(run.id, 3, '[{"a": "4"}, {"a": "5"}]') s), 'import_row_differs', 'a row with another text is refused');
select results_eq($$ select w.row_number, w.data ->> 'a' from public.import_rows w, run where w.run_id = run.id order by 1 $$,
  $$ values (1::bigint, '1'), (2, '2'), (3, '3') $$, 'with the rows beside it');
select is((select s.error_code from run, public.import_stage(run.id, 1, r::jsonb) s), 'invalid_argument', 'rows of the wrong shape: ' || left(r, 30))
from unnest(array['{}', '[1]', (select jsonb_agg('{}'::jsonb)::text from generate_series(1, 10001)), format('[{"a": "%s"}]', repeat('x', 70000))]) r;
select is((select a.error_code from run, public.import_analyze(run.id) a), 'import_conflict', 'what is not all there is not analysed');
select is((select s.error_code from public.import_stage(gen_random_uuid(), 1, '[]') s), 'import_not_found', 'an import that is not there is not found');
select * from finish();
rollback;
