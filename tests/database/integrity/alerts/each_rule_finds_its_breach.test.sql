-- Every rule as shipped: nothing in a shop that is well, an alert for its cause, and none any more when that is gone.
begin;
select tests.open_shop();
select tests.open_office();
select ledger.create_month_partitions();
select plan(33);
create function pg_temp.mark(name text) returns text language sql as $$ select set_config('ledger.procedure', name, true) $$;
create function pg_temp.open() returns text[] language plpgsql as $$
begin
  -- what is over is over after two
  perform ledger.check_alerts(), ledger.check_alerts();
  return array(select format('%s %s %s', a.rule_code, a.subject, a.value) from public.alerts a where a.status <> 'resolved' order by 1);
end $$;
create function pg_temp.figure(metric text, value bigint, details jsonb default '{}', ago interval default '0') returns void language plpgsql as $$
begin
  perform pg_temp.mark('test');
  insert into public.kpi_snapshots (metric, taken_at, value, details) values (figure.metric, clock_timestamp() - figure.ago, figure.value, figure.details);
  perform pg_temp.mark('');
end $$;
create function pg_temp.drift(check_code text, ppm bigint) returns void language plpgsql as $$
begin
  perform pg_temp.mark('test');
  insert into public.reconciliation_runs (check_code, status, accounts, differing_accounts, expected_amount, diff_abs, diff_ratio_ppm, limit_ppm, started_at)
  values (drift.check_code, case when ppm = 0 then 'OK' else 'FAIL' end, 1, least(ppm, 1), 1000000, ppm, ppm, 5000, now());
  perform pg_temp.mark('');
end $$;

-- as written by transactions that are over
select tests.tamper('update public.immutable_events set written_by_xid = 3');
select ledger.seal_events();
select is(pg_temp.open(), '{}', 'a shop that is well has no alert');

select pg_temp.drift('debt_cache', 5000), pg_temp.drift('old_flags', 9999);
select is(pg_temp.open(), '{}', 'drift up to the limit, or of flags that nobody keeps');
select pg_temp.drift('debt_cache', 5001);
select is(pg_temp.open(), '{debt_drift_ppm_limit debt_cache 5001}', 'drift beyond it');
update public.alert_rules set limit_value = 4000 where code = 'debt_drift_ppm_limit';
select is((select r.limit_ppm from ledger.check_debt_drift() r), 4000::bigint, 'runs are judged by the same limit');
update public.alert_rules set limit_value = 5000 where code = 'debt_drift_ppm_limit';
select is(pg_temp.open(), '{}', 'a run without drift ends it');

select pg_temp.figure('allocation_latency_p95_us', 120001, '{"calls": 20}', '1 minute'), pg_temp.figure('placement_latency_p95_us', 200001, '{"calls": 20}', '4 hours'),
       pg_temp.figure('outbox_dead', 2, ago => '1 minute');
select is(pg_temp.open(), '{allocation_latency_limit allocation_latency_p95_us 120001,outbox_dead outbox_dead 2}', 'key figures, while they are fresh');
select pg_temp.figure('allocation_latency_p95_us', 120000, '{"calls": 20}'), pg_temp.figure('placement_latency_p95_us', 200001, '{"calls": 20}'), pg_temp.figure('outbox_dead', null);
select is(pg_temp.open(), '{placement_latency_limit placement_latency_p95_us 200001}', 'the newest counts');
select pg_temp.figure('placement_latency_p95_us', 200002, '{"calls": 19}');
select is(pg_temp.open(), '{}', 'one call that waited is no latency of nineteen in twenty');
select pg_temp.figure('placement_latency_p95_us', 999999, '{"calls": 20}', ago => '-1 year');
select is(pg_temp.open(), '{}', 'a figure of a time to come does not count');

update ledger.outbox o set next_retry_at = clock_timestamp() - interval '1000 seconds' where o.id = (select min(m.id::text)::uuid from ledger.outbox m);
select is(pg_temp.open(), '{}', 'in a shop that delivers none');
update ledger.outbox o set next_retry_at = clock_timestamp() - interval '25 hours' where o.id = (select min(m.id::text)::uuid from ledger.outbox m);
select is(pg_temp.open(), '{outbox_lag outbox 90000}', 'and says for a day that it does');
update ledger.outbox o set next_retry_at = clock_timestamp() - interval '1000 seconds' where o.id = (select min(m.id::text)::uuid from ledger.outbox m);
update ledger.outbox o set status = 'sent' where o.id = (select max(m.id::text)::uuid from ledger.outbox m);
select matches(array_to_string(pg_temp.open(), ', '), '^outbox_lag outbox 10\d\d$', 'a message that waits where others are sent');
update public.feature_flags set state = 'off' where key = 'outbox_enabled';
select is(pg_temp.open(), '{}', 'unless delivery is switched off');
update ledger.outbox set next_retry_at = clock_timestamp();
update public.feature_flags set state = 'on' where key = 'outbox_enabled';

select tests.expect_success(c) from public.ledger_credit_account(tests.get_supabase_uid('ann'), 1) c;
update public.alert_rules set limit_value = 0 where code = 'seals_behind';
select pg_sleep(1.1);
select matches((pg_temp.open())[1], '^seals_behind events [12]$', 'events that no seal covers');
select tests.tamper('update public.immutable_events set written_by_xid = 3 where written_by_xid > 3');
update public.alert_rules set limit_value = 900 where code = 'seals_behind';
select ledger.seal_events(), ledger.check_alerts(), ledger.check_alerts();

select is_empty($$ select * from ledger.days_without_partition('2031-01-24 00:00:00Z') $$, 'days of the same month');
select set_eq($$ select * from ledger.days_without_partition('2031-01-28 12:00:00Z') $$, $$ values ('immutable_events', 4::bigint), ('audit_log', 4) $$, 'days of a month without a partition');
select is_empty($$ select * from ledger.days_without_partition(date_trunc('month', now()) + interval '1 month' - interval '1 hour') $$, 'months that have theirs');

insert into ledger.scheduled_jobs (name, schedule, command, description) values ('broken', '* * * * *', 'select 1 / 0', '');
set local client_min_messages = error;
select is(ledger.run_job('broken'), 'failed', 'a job fails');
select ledger.run_job('broken');
set local client_min_messages = notice;
select is(pg_temp.open(), '{job_failed broken 2}', 'and is an alert');
update ledger.scheduled_jobs set command = 'select 1' where name = 'broken';
select ledger.run_job('broken');
update ledger.scheduled_jobs set last_succeeded_at = now() - interval '16 minutes', watched_since = now() - interval '18 minutes' where name = 'broken';
select is(pg_temp.open(), '{job_silent broken 107}', 'a job that has been silent for longer than its schedule lets expect');
update ledger.scheduled_jobs set max_silence = '1 hour' where name = 'broken';
select is(pg_temp.open(), '{}', 'or somebody has said');
update ledger.scheduled_jobs set max_silence = null, enabled = false where name = 'broken';
select is(pg_temp.open(), '{}', 'one that is switched off may be silent');
update ledger.scheduled_jobs set enabled = true where name = 'broken';
select is(pg_temp.open(), '{}', 'and has its time when it is switched on again');

select pg_temp.figure('denied_calls', 0, ago => '55 minutes', details => (select jsonb_build_object('total', case when q.is_called then q.last_value else 0 end) from ledger.denied_calls_seq q));
update public.alert_rules set limit_value = 2 where code = 'denied_calls';
select is(array_agg(tests.try_as('ann', 'select * from public.ledger_credit_account(tests.get_supabase_uid(''ann''), 100)')), '{42501,42501,42501}', 'ann tries what only staff may')
from generate_series(1, 3);
select is(pg_temp.open(), '{denied_calls calls 3}', 'calls that were refused are counted though nothing else is left of them');
select is(tests.try_as('finance', format('select * from public.ledger_credit_account(tests.get_supabase_uid(''ann''), 100, p_actor_id => %L)', tests.get_supabase_uid('ann'))), '42501', 'or in whose name they may not');
select is(pg_temp.open(), '{denied_calls calls 4}', 'is one more');
select pg_temp.figure('denied_calls', 4, (select jsonb_build_object('total', q.last_value) from ledger.denied_calls_seq q));
select is(pg_temp.open(), '{denied_calls calls 4}', 'and a snapshot taken since hides none');
update public.alert_rules set limit_value = 50 where code = 'denied_calls';

select pg_temp.mark('test'), ledger.change_flag('outbox_enabled', 'off', 0, 'drift', null, (select r.id from public.reconciliation_runs r limit 1)), pg_temp.mark('');
select tests.tamper('update public.immutable_events set written_by_xid = 3 where written_by_xid > 3'), ledger.seal_events();
select is(pg_temp.open(), '{flag_switched_off outbox_enabled 1}', 'a flag that was switched off by what was found');
select tests.expect_success(f) from public.ledger_set_flag('outbox_enabled', 'on') f;
select is(pg_temp.open(), '{}', 'until it is on again');

select pg_temp.mark('test');
insert into public.old_flag_failures (account_id, invoice_id, problem, created_at)
select a.id, gen_random_uuid(), 'down', clock_timestamp() - h * interval '50 minutes' from public.accounts a, generate_series(0, 2) h where a.user_id = tests.get_supabase_uid('ann');
insert into ledger.idempotency_keys (caller_id, procedure, key, request_hash, answer, created_at, started_at)
select gen_random_uuid(), 'p', 'k', gen_random_uuid(), '{}', clock_timestamp() - d * interval '1 day', clock_timestamp() - d * interval '1 day' from unnest(array[29, 31, 33]) d;
select pg_temp.mark('');
select is(pg_temp.open(), '{idempotency_purge_behind idempotency_keys 1,old_flag_failures allocation_dual_write 2}', 'old flags that could not be written of late, and keys that should be gone');
select ledger.purge_idempotency_keys();

select is_empty($$ select r.code from public.alert_rules r where r.query is not null and r.code not in ('integrity_findings', 'integrity_warnings', 'partitions_ahead')
                   and not exists (select from public.alerts a where a.rule_code = r.code) $$, 'every rule with a query has been seen here, or in a test of its own');
select is_empty('select * from ledger.book_differences()', 'the books are in order');
select * from finish();
rollback;
