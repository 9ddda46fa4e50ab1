-- DESIGN rule 7: the audit log is purged after 180 days; events stay for good.
begin;
select plan(20);
create temp table months as
  select n, m as starts, to_char(m at time zone 'UTC', 'YYYY_MM') as suffix
  from (select n, (date_trunc('month', now() at time zone 'UTC') - make_interval(months => n)) at time zone 'UTC' as m from generate_series(1, 12) n) s;
-- the month in which the 180 days end is not over with all its lines
create temp table border as select n from months where now() - interval '180 days' >= starts and now() - interval '180 days' < (starts + interval '1 month');
-- partitions of past months, as they would have been made then
do $$
declare v record;
begin
  for v in select m.*, t from months m, unnest('{audit_log,immutable_events}'::text[]) t where n in (select unnest(array[3, b.n, b.n + 1, 9]) from border b) loop
    execute format('create table ledger.%I partition of public.%I for values from (%L) to (%L)', v.t || '_' || v.suffix, v.t, v.starts, v.starts + interval '1 month');
  end loop;
  perform set_config('ledger.procedure', 'test', true);
  insert into public.audit_log (occurred_at, action, target_type, actor_role) select starts + interval '2 days', 'month ' || n, 'test', 'test' from months;
  insert into public.audit_log (occurred_at, action, target_type, actor_role)
  values (now() - interval '180 days 1 minute', 'just old enough', 'test', 'test'), (now() - interval '179 days 23 hours', 'almost old enough', 'test', 'test');
  insert into public.immutable_events (occurred_at, event_type, stream_type, stream_id, payload, correlation_id)
  select starts + interval '2 days', 'test', 'test', gen_random_uuid(), '{}', gen_random_uuid() from months;
  perform set_config('ledger.procedure', '', true);
end $$;

select is(ledger.purge_audit_log(), 1, 'a partition that holds nothing but lines that are older than 180 days goes');
select isnt(to_regclass('ledger.audit_log_' || suffix), null, 'the newer of two waits for the next run') from months, border b where months.n = b.n + 1;
select is(ledger.purge_audit_log(), 1, 'which drops it');
create temp table old_lines as select count(*)::int as lines from ledger.audit_log_default a where a.occurred_at < now() - interval '180 days';
select is(ledger.purge_audit_log(2), 2, 'then lines of the default go, so many at a time');
select is(ledger.purge_audit_log(), (select lines - 2 from old_lines), 'until none is left');
select is(to_regclass('ledger.audit_log_' || suffix), null, format('%s is gone', what))
from months, border b, lateral (values (b.n + 1, 'the month before the one in which the 180 days end'), (9, 'the ninth month before this one')) v (n, what) where months.n = v.n;
select isnt(to_regclass('ledger.audit_log_' || suffix), null, format('%s stays', what))
from months, border b, lateral (values (b.n, 'the month in which the 180 days end'), (3, 'the third month before this one')) v (n, what) where months.n = v.n;
select is((select count(*)::int from public.audit_log where action = 'just old enough'), 1, 'so does its oldest line: a month goes as a whole');
select is_empty($$ select action from ledger.audit_log_default a where a.target_type = 'test' and a.occurred_at < now() - interval '180 days' $$, 'of the default partition goes what is older than 180 days');
select is((select count(*)::int from ledger.audit_log_default where target_type = 'test'),
  (select count(*)::int from months, border b where months.n < b.n and months.n <> 3), 'and what is younger stays');
select is((select count(*)::int from public.audit_log where action = 'almost old enough'), 1, 'also what is almost old enough');
select is((select count(*)::int from public.immutable_events where event_type = 'test'), 12, 'no event goes, however old');
select is(ledger.purge_audit_log(), 0, 'a second run finds nothing');
update public.settings set value = '45' where key = 'audit_retention_days';
select is(ledger.purge_audit_log() + ledger.purge_audit_log(), 2, 'a shorter retention drops the other two as well');
select cmp_ok(ledger.purge_audit_log(), '>', 0, 'and lines of the default');
select is_empty($$ select action from ledger.audit_log_default a where a.target_type = 'test' and a.occurred_at < now() - interval '45 days' $$, 'and what is older of the default');
select matches(tests.error_as('postgres', 'delete from public.audit_log'), '^42501', 'after the purge the audit log is closed again');
select is((select count(*)::int from public.audit_log where action = 'update' and target_id = 'audit_retention_days'), 1, 'the line about the changed setting is there');
select * from finish();
rollback;
