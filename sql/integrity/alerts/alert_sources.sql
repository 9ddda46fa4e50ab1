/* What rules read that is more than a query. */

/* A key figure counts while it is fresh: after some hours without a snapshot it says nothing of now. */
create function ledger.newest_kpi(p_metric text)
returns table (metric text, value bigint)
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select k.metric, k.value
  from (select s.* from public.kpi_snapshots s where s.metric = p_metric order by s.taken_at desc limit 1) k
  where k.taken_at > clock_timestamp() - interval '3 hours' and k.value is not null;
$$;
comment on function ledger.newest_kpi(text) is 'The newest value of a key figure that is no older than three hours.';

/*
 * What runs have found and nothing has cleared since. A run of everything clears what it asks about; a run of
 * what has changed, or of an account, adds to it and clears nothing, because it has not looked at the rest.
 * A repair clears what it was for.
 */
create function ledger.present_findings()
returns setof public.integrity_findings
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  return query
  select f.*
  from public.integrity_findings f
  where f.run_id >= coalesce((
      select r.id from public.reconciliation_runs r
      where r.check_code = 'books' and r.scope = 'all' and jsonb_typeof(r.details -> 'codes') = 'null'
      order by r.id desc limit 1), '00000000-0000-0000-0000-000000000000')
    and not exists (
      select from public.reconciliation_runs r
      where r.check_code = 'books' and r.scope = 'all' and r.id > f.run_id and r.details -> 'codes' ? f.check_code)
    and not exists (
      select from public.reconciliation_actions a
      join public.integrity_checks c on c.code = f.check_code and c.repair = a.repair
      where a.status = 'applied' and a.applied_at > f.created_at and a.subject::text in (left(f.subject, 36), f.account_id::text));
end $$;
comment on function ledger.present_findings() is
  'Findings since the last run of everything, without those of checks that were asked about everything again since, and without what was repaired.';

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
