/* What rules read that is more than a query. */

/*
 * A key figure counts while it is fresh: after some hours without a snapshot it says nothing of now. Nor does one
 * from a time to come, which a clock that was once ahead has left.
 */
create function ledger.newest_kpi(p_metric text)
returns table (metric text, value bigint, calls bigint)
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select k.metric, k.value, (k.details ->> 'calls')::bigint
  from (select s.* from public.kpi_snapshots s
        where s.metric = p_metric and s.taken_at <= clock_timestamp() + interval '5 minutes'
        order by s.taken_at desc limit 1) k
  where k.taken_at > clock_timestamp() - interval '3 hours' and k.value is not null;
$$;
comment on function ledger.newest_kpi(text) is 'The newest value of a key figure that is no older than three hours; calls: of how many it is, where it is of calls.';

/* The last run of everything that asked a check cleared what had been found of it; runs from a time to come do not count. */
create view ledger.cleared_checks
with (security_invoker = true)
as
  select c.code, c.severity, coalesce(r.started_at, '-infinity') as started_at, coalesce(r.id, '00000000-0000-0000-0000-000000000000') as run_id
  from (select i.code, i.severity from public.integrity_checks i union all select 'check_can_be_run'::text as code, 'critical'::text as severity) c
  left join lateral (
    select n.started_at, n.id from public.reconciliation_runs n
    where n.check_code = 'books' and n.scope = 'all' and n.details -> 'asked' ? c.code and n.started_at <= clock_timestamp() + interval '5 minutes'
    order by n.started_at desc, n.id desc limit 1) r on true;
comment on view ledger.cleared_checks is 'Checks, and since which run of everything their findings count; -infinity: there was none.';

/*
 * What runs have found and nothing has cleared since. A run of everything clears what it has asked about (a check
 * that could not be asked, or was switched off, is not cleared by it); a run of what has changed, or of an
 * account, adds to it and clears nothing, because it has not looked at the rest. A repair clears what
 * it was for.
 */
create view ledger.present_findings
with (security_invoker = true)
as
  with cleared as materialized (
    select c.code, c.started_at, c.run_id from ledger.cleared_checks c),
  repaired as materialized (
    select c.code, a.subject::text as subject, max(a.applied_at) as applied_at
    from public.reconciliation_actions a
    join public.integrity_checks c on c.repair = a.repair
    where a.status = 'applied'
    group by c.code, a.subject)
  select f.*
  from cleared c
  join public.reconciliation_runs r on r.check_code = 'books' and r.findings > 0 and (r.started_at, r.id) >= (c.started_at, c.run_id)
                                       and r.started_at <= clock_timestamp() + interval '5 minutes'
  join public.integrity_findings f on f.run_id = r.id and f.check_code = c.code
  where not exists (select from repaired a where a.code = f.check_code and a.subject = left(f.subject, 36) and a.applied_at > f.created_at)
    and not exists (select from repaired a where a.code = f.check_code and a.subject = f.account_id::text and a.applied_at > f.created_at);
comment on view ledger.present_findings is
  'Findings since the last run of everything that asked their check, without what was repaired.';

/* This month is not looked at: its rows stay in the default partition when it came before its partition. */
create function ledger.days_without_partition(p_at timestamptz default clock_timestamp())
returns table (partitioned_table text, days bigint)
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select t.name, count(*)
  from (values ('immutable_events'), ('audit_log')) t (name)
  cross join generate_series(1, 7) n
  cross join lateral (select to_char(p_at at time zone 'UTC' + make_interval(days => n), '_YYYY_MM')) m (month)
  where m.month <> to_char(p_at at time zone 'UTC', '_YYYY_MM') and to_regclass('ledger.' || t.name || m.month) is null
  group by t.name;
$$;
comment on function ledger.days_without_partition(timestamptz) is
  'How many of the next seven days lie in a later month that has no partition, for each table that is partitioned by month and lacks one.';
