-- Findings, alerts that are over and plans that came to nothing go after integrity_retention_days; runs and repairs that were made stay.
begin;
select plan(13);
create temp table v as select ledger.uuid_v7() as run, gen_random_uuid() as tried;
select set_config('ledger.procedure', 'test', true);
insert into public.reconciliation_runs (id, check_code, status, accounts, differing_accounts, expected_amount, diff_abs, diff_ratio_ppm, limit_ppm, started_at, findings)
select run, 'books', 'FAIL', 1, 1, 0, 0, 0, 0, now(), 5 from v;
create function pg_temp.id_of(days integer) returns uuid language sql as $$ select (left(ledger.first_id_at(clock_timestamp() - days * interval '1 day')::text, 24) || right(gen_random_uuid()::text, 12))::uuid $$;
insert into public.integrity_findings (id, run_id, check_code, severity, subject, created_at)
select pg_temp.id_of(d), v.run, 'text_is_its_events', 'critical', 'of ' || d, clock_timestamp() - d * interval '1 day' from v, unnest(array[0, 399, 401, 402, 500]) d;
insert into public.reconciliation_actions (run_id, finding_id, check_code, repair, subject, stream_type, plan, diff_amount, status, error_code, applied_at, event_id, undo, updated_at)
select v.run, (select f.id from public.integrity_findings f where f.subject = 'of ' || case s when 'applied' then 500 else 402 end), 'text_is_its_events', 'account_totals', gen_random_uuid(), 'account', '[{}]', 1, s,
       'x', clock_timestamp(), 1, '{}', clock_timestamp() - d * interval '1 day'
from v, unnest('{superseded,stale,applied,planned,failed}'::text[]) s, unnest(array[399, 401]) d where s not in ('planned', 'failed') or d = 401;
update public.reconciliation_actions set finding_id = null where status in ('planned', 'failed') or updated_at > clock_timestamp() - interval '400 days' and status <> 'applied';
insert into public.alerts (rule_code, subject, status, severity, value, highest_value, limit_value, told_value, resolved_at)
select 'job_failed', s || d, s, 'error', 1, 1, 0, 1, case s when 'resolved' then clock_timestamp() - d * interval '1 day' end from unnest('{open,resolved}'::text[]) s, unnest(array[399, 401]) d;
select set_config('ledger.procedure', '', true);

select is(tests.try_as('postgres', 'delete from public.integrity_findings'), '42501', 'findings are not removed by hand');
select is(tests.try_as('postgres', 'update public.integrity_findings set subject = ''x'''), '42501', 'nor changed');
select is(tests.try_as('postgres', $$ select set_config('ledger.procedure', 'purge_integrity', true); update public.integrity_findings set subject = 'x' $$), '42501', 'nor by the purge');
select is(tests.try_as('postgres', $$ select set_config('ledger.procedure', 'run_checks', true); delete from public.integrity_findings $$), '42501', 'nor removed by another procedure');
select is(ledger.purge_integrity(1), 4::bigint, 'two plans, an alert, and a finding at a time');
select set_eq('select subject from public.integrity_findings', '{of 0,of 399,of 401,of 500}'::text[], 'the oldest first that no repair was for');
select is(ledger.purge_integrity(), 1::bigint, 'and the rest');
select set_eq('select subject from public.integrity_findings', '{of 0,of 399,of 500}'::text[], 'what is younger stays, and what was repaired');
select set_eq('select subject from public.alerts', '{open399,open401,resolved399}'::text[], 'alerts that are not over stay');
select set_eq('select status, count(*) from public.reconciliation_actions group by 1', $$ values ('superseded', 1::bigint), ('stale', 1), ('applied', 2), ('planned', 1), ('failed', 1) $$, 'repairs that were made or tried stay');
select is((select count(*) from public.reconciliation_runs), 1::bigint, 'and so do runs');
update public.settings set value = '30' where key = 'integrity_retention_days';
select cmp_ok(ledger.purge_integrity(), '>', 0::bigint, 'a shorter time');
select is(current_setting('ledger.procedure'), '', 'no mark is left');
select * from finish();
rollback;
