-- One call has what a dashboard shows: runs, findings, alerts, repairs, figures with their past, jobs, seals, flags, partitions, messages.
begin;
select plan(25);
select tests.open_shop();
select results_eq($$ select r.success, r.runs, r.findings, r.alerts, r.repairs ->> 'planned', r.seals ->> 'seal_number', jsonb_array_length(r.kpis) from public.report_integrity() r $$,
  $$ select true, '[]'::jsonb, '[]'::jsonb, '{"open": 0, "acknowledged": 0, "newest": []}'::jsonb, '0', null::text, count(*)::int from ledger.kpi_metrics $$, 'before anything was looked at: nothing, and no failure');
select results_eq($$ select distinct k ->> 'value', k ->> 'taken_at', k -> 'series' from public.report_integrity() r, jsonb_array_elements(r.kpis) k $$, $$ values (null, null, '[]'::jsonb) $$, 'no figure without a snapshot');

-- figures: 60 hours of one, the value is the hour's number
do $$ begin
  perform set_config('ledger.procedure', 'test', true);
  insert into public.kpi_snapshots select 'orders_open', date_trunc('hour', now()) - n * interval '1 hour', n, '{}' from generate_series(0, 200) n;
  insert into public.kpi_snapshots values ('outbox_waiting', now(), 7, '{}'), ('outbox_waiting', now() - interval '27 hours', 8, '{}');
  perform set_config('ledger.procedure', '', true);
end $$;
create temp view figure as select k.* from public.report_integrity() r, jsonb_to_recordset(r.kpis) k (metric text, unit text, direction text, taken_at timestamptz, value bigint, day_ago bigint, week_ago bigint, series jsonb, details jsonb);
select results_eq($$ select unit, direction, value, day_ago, week_ago, jsonb_array_length(series) from figure where metric = 'orders_open' $$, $$ values ('count', null::text, 0::bigint, 24::bigint, 168::bigint, 48) $$, 'a figure, a day and a week ago, and 48 points');
select results_eq($$ select (series -> 0 ->> 'value')::int, (series -> 47 ->> 'value')::int, (series -> 47 ->> 'taken_at')::timestamptz = taken_at from figure where metric = 'orders_open' $$, $$ values (47, 0, true) $$, 'the oldest first');
select results_eq($$ select value, day_ago, jsonb_array_length(series) from figure where metric = 'outbox_waiting' $$, $$ values (7::bigint, null::bigint, 2) $$, 'no snapshot about then: no value of then');

-- runs and findings
insert into public.integrity_checks (code, family, proves, severity, query) values
  ('own_dreams', 'own', 'Nobody dreams.', 'warning', 'select id::text, id, ''none'', ''one'', 1::bigint from accounts'), ('own_account', 'own', 'There is no account.', 'critical', 'select id::text, id, ''none'', ''one'', 1::bigint from accounts');
select (ledger.run_checks()).status;
select (ledger.check_debt_drift()).status;
create temp view run as select x.* from public.report_integrity() r, jsonb_to_recordset(r.runs) x (run_id uuid, check_code text, scope text, status text, findings bigint, ended_at timestamptz);
select results_eq('select check_code, scope, status from run', $$ values ('books', 'all', 'FAIL'), ('debt_cache', 'all', 'OK') $$, 'the last run of each kind');
create temp view finding as select f.* from public.report_integrity() r, jsonb_to_recordset(r.findings) f (check_code text, severity text, findings bigint, found_at timestamptz, proves text);
select results_eq('select check_code, severity, findings, proves from finding', $$ select v.code, v.severity, (select count(*) from public.accounts), v.proves from (values ('own_account', 'critical', 'There is no account.'), ('own_dreams', 'warning', 'Nobody dreams.')) v (code, severity, proves) $$,
  'findings by check with what each proves, the worst first');
select (ledger.run_checks('{own_account}', 'account', (select id from public.accounts limit 1))).status;
select is((select findings from finding where check_code = 'own_account'), (select count(*) from public.accounts), 'what is found again counts once');
delete from public.integrity_checks where family = 'own';
select (ledger.run_checks()).status;
select results_eq('select check_code, findings from run where check_code = ''books''', $$ values ('books', 0::bigint) $$, 'the next run takes its place');
select (ledger.run_checks('{text_is_its_events}')).status;
select is((select count(*) from run where check_code = 'books'), 1::bigint, 'a run of some checks does not');
select is((select r.findings from public.report_integrity() r), '[]', 'and nothing is found any more');

-- alerts
select ledger.raise_alert('reconciliation_failures', 'one', 3), ledger.raise_alert('reconciliation_failures', 'two', 4);
select results_eq($$ select r.alerts ->> 'open', r.alerts ->> 'acknowledged', a ->> 'rule', a ->> 'subject', a ->> 'value', a ->> 'status' from public.report_integrity() r, jsonb_array_elements(r.alerts -> 'newest') a $$,
  $$ values ('2', '0', 'reconciliation_failures', 'two', '4', 'open'), ('2', '0', 'reconciliation_failures', 'one', '3', 'open') $$, 'open alerts, the newest first');
select ledger.resolve_alerts('reconciliation_failures', '{two}');
select is((select r.alerts ->> 'open' from public.report_integrity() r), '1', 'a resolved one is none');

-- jobs
select ledger.run_job('take kpi snapshot');
create temp view job as select j.* from public.report_integrity() r, jsonb_to_recordset(r.jobs) j (name text, schedule text, runs bigint, last_error text, last_duration_ms bigint, last_succeeded_at timestamptz, is_overdue boolean);
select set_eq('select name from job', 'select name from ledger.scheduled_jobs', 'every job');
select results_eq($$ select schedule, runs, last_error, last_duration_ms is not null, last_succeeded_at is not null, is_overdue from job where name = 'take kpi snapshot' $$, $$ values ('5 * * * *', 1::bigint, null::text, true, true, false) $$, 'with its last run');

select is_empty('select * from ledger.book_differences()', 'the books are in order');

-- seals, flags, partitions, messages
select is((select r.seals ->> 'unsealed_events' from public.report_integrity() r), (select count(*)::text from public.immutable_events), 'events that wait for their seal');
select tests.tamper('update public.immutable_events set written_by_xid = 3 where written_by_xid > 3');
select ledger.seal_events();
select results_eq($$ select r.seals ->> 'unsealed_events', (r.seals ->> 'highest_event_id')::bigint from public.report_integrity() r $$, $$ select '0', max(id) from public.immutable_events $$, 'and the seal they are in');
select results_eq($$ select f ->> 'key', f ->> 'state' from public.report_integrity() r, jsonb_array_elements(r.flags) f $$, 'select key, state from public.feature_flags order by key', 'flags');
select results_eq($$ select p ->> 'table', p ->> 'default_has_rows' from public.report_integrity() r, jsonb_array_elements(r.partitions) p $$,
                  $$ values ('audit_log', (exists (select from ledger.audit_log_default))::text), ('immutable_events', (exists (select from ledger.immutable_events_default))::text) $$, 'partitions');
select ledger.create_month_partitions(3);
select is((select (r.partitions -> 1 ->> 'months_ahead')::int >= 3 and r.partitions -> 1 ->> 'newest_month' = to_char((now() at time zone 'UTC') + interval '3 months', 'YYYY-MM') from public.report_integrity() r), true, 'and how far ahead they are');
select results_eq($$ select (r.outbox ->> 'waiting')::bigint, (r.outbox ->> 'oldest_due_at')::timestamptz from public.report_integrity() r $$, 'select count(*), min(next_retry_at) from ledger.outbox', 'messages that wait');

-- who may
select set_eq($$ select who from unnest('{ann,admin,finance,warehouse,logistics,vendor}'::text[]) who where tests.outcome(who, 'public.report_integrity()') = 'success' $$, $$ values ('admin'), ('finance') $$, 'staff with audit.read or reports.read, and nobody else');
insert into public.roles (code, description) values ('analyst', 'reads reports'), ('auditor', 'reads the trail');
insert into public.role_permissions (role, permission) values ('analyst', 'reports.read'), ('auditor', 'audit.read');
select tests.create_staff('analyst', 'analyst'), tests.create_staff('auditor', 'auditor');
select is(tests.outcome('analyst', 'public.report_integrity()') || ' ' || tests.outcome('auditor', 'public.report_integrity()'), 'success success', 'one of the two is enough');
select is((select provolatile::text from pg_proc where proname = 'report_integrity'), 's', 'it writes nothing');
select * from finish();
rollback;
