/* The parts of report_integrity about what keeps the books: jobs, seals, flags, partitions, messages. */

create function ledger.jobs_of_report()
returns jsonb
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  return (
    select coalesce(jsonb_agg(jsonb_build_object(
             'name', j.name, 'schedule', j.schedule, 'enabled', j.enabled, 'last_started_at', j.last_started_at, 'last_succeeded_at', j.last_succeeded_at,
             'last_duration_ms', j.last_duration_ms, 'last_error', j.last_error, 'runs', j.runs, 'failures', j.failures, 'skipped', j.skipped,
             'running_since', j.running_since, 'is_overdue', j.is_silent) order by j.name), '[]')
    from ledger.jobs j);
end $$;
comment on function ledger.jobs_of_report() is 'Jobs with their last runs.';

create function ledger.seals_of_report()
returns jsonb
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  return (
    select jsonb_build_object('seal_number', s.seal_number, 'sealed_at', s.sealed_at, 'highest_event_id', s.highest_event_id,
                              'unsealed_events', ledger.unsealed_events(10000))
    from (values (1)) one (row)
    left join (select n.* from public.event_seals n order by n.seal_number desc limit 1) s on true);
end $$;
comment on function ledger.seals_of_report() is 'The newest seal, and how many events wait for the next, counted up to 10000.';

create function ledger.flags_of_report()
returns jsonb
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  return (select coalesce(jsonb_agg(jsonb_build_object('key', f.key, 'state', f.state, 'percentage', f.percentage, 'updated_at', f.updated_at) order by f.key), '[]')
          from public.feature_flags f);
end $$;
comment on function ledger.flags_of_report() is 'Feature flags and their states.';

/* What lies in a default partition came when no month covered it. */
create function ledger.partitions_of_report()
returns jsonb
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  return (
    select jsonb_agg(jsonb_build_object(
             'table', t.name, 'newest_month', m.newest, 'months_ahead', m.ahead,
             'default_has_rows', case t.name when 'audit_log' then exists (select from ledger.audit_log_default)
                                             else exists (select from ledger.immutable_events_default) end) order by t.name)
    from (values ('audit_log'), ('immutable_events')) t (name)
    cross join lateral (
      select max(replace(right(c.relname, 7), '_', '-')) as newest,
             count(*) filter (where right(c.relname, 7) > to_char(clock_timestamp() at time zone 'UTC', 'YYYY_MM')) as ahead
      from pg_catalog.pg_inherits i
      join pg_catalog.pg_class c on c.oid = i.inhrelid
      where i.inhparent = ('public.' || t.name)::regclass and c.relname ~ '_\d{4}_\d{2}$') m);
end $$;
comment on function ledger.partitions_of_report() is 'Monthly partitions of events and audit log: the newest, how many are ahead of this month, and whether the default one has rows.';

create function ledger.outbox_of_report()
returns jsonb
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  return jsonb_build_object(
    'waiting', (select count(*) from (select from ledger.outbox o where o.status in ('pending', 'sending') limit 10000) w),
    'oldest_due_at', (select o.next_retry_at from ledger.outbox o
                      where o.status in ('pending', 'sending') and o.next_retry_at <= clock_timestamp() order by o.next_retry_at limit 1));
end $$;
comment on function ledger.outbox_of_report() is 'Messages that wait, counted up to 10000, and since when the oldest of them is due.';
