/*
 * Monthly partitions of events and audit log live in schema ledger, beside a default partition
 * that takes what no month covers yet, so that an insert never fails for want of a partition.
 * Months are added ahead of time. Where rows of this month already lie in the default (the job is new,
 * or has not run for long), the partition begins with the next day: what lies in the default stays there,
 * events for good and audit lines until they are purged, and it is a month's worth at most
 * of each time the job was not there.
 */

/* Makes the missing months of one table; answers how many. The months of p_months are UTC. */
create function ledger.create_months_of(p_table text, p_months timestamptz[])
returns integer
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_month timestamptz;
  v_from timestamptz;
  v_partition text;
  v_last timestamptz;
  v_is_taken boolean;
  v_tomorrow timestamptz := (date_trunc('day', clock_timestamp() at time zone 'UTC') + interval '1 day') at time zone 'UTC';
  v_created integer := 0;
begin
  execute format('select max(d.occurred_at) from ledger.%I d', p_table || '_default') into v_last;
  foreach v_month in array p_months loop
    v_partition := p_table || to_char(v_month at time zone 'UTC', '_YYYY_MM');
    foreach v_from in array array[v_month, greatest(v_month, v_tomorrow)] loop
      v_is_taken := false;
      if v_last >= v_from then
        execute format('select exists (select from ledger.%I d where d.occurred_at >= $1 and d.occurred_at < $2)', p_table || '_default')
          into v_is_taken using v_from, v_month + interval '1 month';
      end if;
      exit when not v_is_taken;
    end loop;
    continue when v_is_taken or v_from >= v_month + interval '1 month';
    -- made apart and then attached: who writes to a month of its own waits for nobody
    execute format('create table ledger.%I (like public.%I including defaults including constraints)', v_partition, p_table);
    execute format('alter table public.%I attach partition ledger.%I for values from (%L) to (%L)',
                   p_table, v_partition, v_from, v_month + interval '1 month');
    execute format('alter table ledger.%I enable row level security', v_partition);
    perform ledger.guard_partition(format('ledger.%I', v_partition)::regclass, p_table, 'the ledger_* procedures');
    v_created := v_created + 1;
  end loop;
  return v_created;
end $$;
comment on function ledger.create_months_of(text, timestamptz[]) is
  'Makes partitions of months of a table whose locks the caller holds; answers how many.';

/*
 * Who writes may hold one table's default partition and want the other's, so this job waits for one at
 * most, with nothing else in its hands: a second table that is not free has its turn when the job runs next.
 * It gives up before the server would look for a deadlock, and so never is the cause that an order fails.
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
  v_created integer := 0;
begin
  perform pg_advisory_xact_lock(hashtextextended('ledger.create_month_partitions', 0));
  foreach v_table in array array['immutable_events', 'audit_log'] loop
    v_months := array(
      select m.month
      from (select date_trunc('month', clock_timestamp() at time zone 'UTC') at time zone 'UTC' + make_interval(months => n) as month
            from generate_series(0, p_months_ahead) n) m
      where to_regclass('ledger.' || v_table || to_char(m.month at time zone 'UTC', '_YYYY_MM')) is null
      order by 1);
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
  'Job: makes the partitions of this month and the next ones; answers how many were new. What is in use is left for the next run.';

/*
 * A run drops the oldest month that is over its time, or removes the oldest lines of the default partition,
 * and the job runs often enough. Dropping locks audit_log: behind a long reader the job gives up until its next
 * turn, and nobody waits longer for it than its lock_timeout.
 */
create function ledger.purge_audit_log(p_limit integer default 50000)
returns integer
language plpgsql
set search_path = pg_catalog, pg_temp
set lock_timeout = '900ms'
as $$
declare
  v_limit timestamptz := clock_timestamp() - make_interval(days => ledger.setting_text('audit_retention_days')::int);
  v_partition text;
  v_lines integer;
begin
  v_partition := (
    select min(c.relname)
    from pg_catalog.pg_inherits i
    join pg_catalog.pg_class c on c.oid = i.inhrelid
    where i.inhparent = 'public.audit_log'::regclass
      and c.relname ~ '^audit_log_\d{4}_\d{2}$'
      and (to_date(right(c.relname, 7), 'YYYY_MM') + interval '1 month') at time zone 'UTC' <= v_limit);
  if v_partition is not null then
    execute format('drop table ledger.%I', v_partition);
    return 1;
  end if;
  perform set_config('ledger.procedure', 'purge_audit_log', true);
  delete from ledger.audit_log_default d
  where d.ctid = any (array(select o.ctid from ledger.audit_log_default o where o.occurred_at < v_limit limit p_limit));
  get diagnostics v_lines = row_count;
  perform set_config('ledger.procedure', '', true);
  return v_lines;
end $$;
comment on function ledger.purge_audit_log(integer) is
  'Job: of what is older than the setting audit_retention_days drops a month, or else removes p_limit lines; answers how many of either.';
