/*
 * Monthly partitions of events and audit log live in schema ledger, beside a default partition
 * that takes what no month covers yet, so that an insert never fails for want of a partition.
 * Months are added ahead of time. Where rows of this month already lie in the default (the job is new,
 * or has not run for long), the partition begins with the next day: what lies in the default stays there,
 * events for good and audit lines until they are purged, and it is a month's worth at most
 * of each time the job was not there. Orders imported from an older system lie there too.
 */

/* Makes the missing months of a table with a small default, which is read under the lock; answers how many. */
create function ledger.create_months_of(p_table text, p_months timestamptz[])
returns integer
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_tomorrow timestamptz := (date_trunc('day', clock_timestamp() at time zone 'UTC') + interval '1 day') at time zone 'UTC';
  v_month timestamptz;
  v_from timestamptz;
  v_to timestamptz;
  v_created integer := 0;
begin
  foreach v_month in array p_months loop
    v_to := ((v_month at time zone 'UTC') + interval '1 month') at time zone 'UTC';
    v_from := case when ledger.default_has_rows(p_table, v_month, v_to) then greatest(v_month, v_tomorrow) else v_month end;
    continue when v_from >= v_to or ledger.default_has_rows(p_table, v_from, v_to);
    perform ledger.attach_month(p_table, v_from, v_to);
    v_created := v_created + 1;
  end loop;
  return v_created;
end $$;
comment on function ledger.create_months_of(text, timestamptz[]) is
  'Makes partitions of months (UTC) of a table whose locks the caller holds; answers how many.';

/*
 * Who writes may hold one table's default partition and want the other's, so this job waits for one at
 * most, with nothing else in its hands: a second table that is not free has its turn when the job runs next.
 * It gives up before the server would look for a deadlock, and so never is the cause that an order fails.
 * A large default (16 MB and more) is not read while somebody waits: its months take three runs.
 */
create function ledger.create_month_partitions(p_months_ahead integer default 3)
returns integer
language plpgsql
set search_path = pg_catalog, pg_temp
set lock_timeout = '900ms'
as $$
declare
  v_table text;
  v_months timestamptz[];
  v_may_wait boolean := true;
  v_is_begun boolean;
  v_created integer := 0;
begin
  perform pg_advisory_xact_lock(hashtextextended('ledger.create_month_partitions', 0));
  foreach v_table in array array['immutable_events', 'audit_log'] loop
    v_months := array(
      select m.month
      from (select (date_trunc('month', clock_timestamp() at time zone 'UTC') + make_interval(months => n)) at time zone 'UTC' as month
            from generate_series(0, p_months_ahead) n) m
      where to_regclass('ledger.' || v_table || to_char(m.month at time zone 'UTC', '_YYYY_MM')) is null
      order by 1);
    v_is_begun := exists (select from ledger.months_said_empty(v_table));
    if v_is_begun or pg_relation_size(format('ledger.%I', v_table || '_default')::regclass) >= 16777216 then
      -- with a lock of the other table in its hands it reads nothing
      if v_may_wait and (v_is_begun or exists (select from ledger.months_to_prepare(v_table, v_months))) then
        v_may_wait := false;
        v_created := v_created + ledger.prepare_months_of(v_table, v_months);
        exit;
      end if;
      continue;
    end if;
    continue when v_months = '{}';
    begin
      -- the parent first, as attach and purge take them. Months to come disturb nobody who writes to one of their own;
      -- for this month writers have to stand before the table: one that had chosen the default partition and
      -- waited there would fail once its month is attached
      execute format('lock table only public.%I in %s mode %s', v_table,
                     case when v_months[1] <= clock_timestamp() then 'share row exclusive' else 'share update exclusive' end,
                     case when not v_may_wait then 'nowait' end);
      execute format('lock table only ledger.%I in access exclusive mode %s', v_table || '_default', case when not v_may_wait then 'nowait' end);
      v_may_wait := false;
      v_created := v_created + ledger.create_months_of(v_table, v_months);
    exception when lock_not_available then
      -- what was waited for in vain is a failure of the job
      if v_may_wait then
        raise;
      end if;
      raise notice '% is in use: its months are made when the job runs next', v_table;
    end;
  end loop;

  -- those that were made by hand are guarded when there was nothing to make: that waits for who writes to them
  if v_may_wait then
    perform ledger.guard_partition(i.inhrelid, c.relname, 'the ledger_* procedures')
    from pg_catalog.pg_inherits i
    join pg_catalog.pg_class c on c.oid = i.inhparent
    where i.inhparent in ('public.immutable_events'::regclass, 'public.audit_log'::regclass)
      and not exists (select from pg_catalog.pg_trigger t where t.tgrelid = i.inhrelid and t.tgname = 'rows_come_from_procedures')
    limit 1;
  end if;
  return v_created;
end $$;
comment on function ledger.create_month_partitions(integer) is
  'Job: makes the partitions of this month and the next ones; answers how many were new. What is in use is left for the next run; months of a large default partition take three runs.';
