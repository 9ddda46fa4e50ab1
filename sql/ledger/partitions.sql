/*
 * Monthly partitions of events and audit log live in schema ledger, beside a default partition
 * that takes what no month covers yet, so that an insert never fails for want of a partition.
 * Months are added ahead of time; a month of which rows already lie in the default stays there.
 */
create function ledger.create_month_partitions(p_months_ahead integer default 3)
returns integer
language plpgsql
set search_path = pg_catalog, pg_temp
-- behind a long reader the job gives up until its next turn rather than make everybody wait
set lock_timeout = '3s'
as $$
declare
  v_table text;
  v_month timestamptz;
  v_partition text;
  v_taken boolean;
  v_created integer := 0;
begin
  perform pg_advisory_xact_lock(hashtextextended('ledger.create_month_partitions', 0));
  -- made apart and then attached: that waits for readers of the default partition only, and nobody
  -- who writes to a month of its own waits for it
  foreach v_table in array array['immutable_events', 'audit_log'] loop
    for v_month in
      select date_trunc('month', clock_timestamp() at time zone 'UTC') at time zone 'UTC' + make_interval(months => m)
      from generate_series(0, p_months_ahead) m
    loop
      v_partition := v_table || to_char(v_month at time zone 'UTC', '_YYYY_MM');
      continue when to_regclass('ledger.' || v_partition) is not null;
      execute format('lock table ledger.%I in access exclusive mode', v_table || '_default');
      execute format('select exists (select from ledger.%I d where d.occurred_at >= %L and d.occurred_at < %L)',
                     v_table || '_default', v_month, v_month + interval '1 month') into v_taken;
      continue when v_taken;
      execute format('create table ledger.%I (like public.%I including defaults including constraints)', v_partition, v_table);
      execute format('alter table public.%I attach partition ledger.%I for values from (%L) to (%L)',
                     v_table, v_partition, v_month, v_month + interval '1 month');
      execute format('alter table ledger.%I enable row level security', v_partition);
      v_created := v_created + 1;
    end loop;
  end loop;
  -- also those that were made by hand
  perform ledger.guard_partition(i.inhrelid, c.relname, 'the ledger_* procedures')
  from pg_catalog.pg_inherits i
  join pg_catalog.pg_class c on c.oid = i.inhparent
  where i.inhparent in ('public.immutable_events'::regclass, 'public.audit_log'::regclass)
    and not exists (select from pg_catalog.pg_trigger t where t.tgrelid = i.inhrelid and t.tgname = 'rows_come_from_procedures');
  return v_created;
end $$;
comment on function ledger.create_month_partitions(integer) is
  'Job: makes the partitions of this month and the next ones; answers how many were new.';

/* Whole months go by dropping their partition; of the default partition what is old enough goes. */
create function ledger.purge_audit_log()
returns integer
language plpgsql
set search_path = pg_catalog, pg_temp
-- dropping a partition locks audit_log: behind a long reader the job gives up until the next night
set lock_timeout = '2s'
as $$
declare
  v_limit timestamptz := clock_timestamp() - make_interval(days => ledger.setting_text('audit_retention_days')::int);
  v_partition text;
  v_dropped integer := 0;
begin
  for v_partition in
    select c.relname
    from pg_catalog.pg_inherits i
    join pg_catalog.pg_class c on c.oid = i.inhrelid
    where i.inhparent = 'public.audit_log'::regclass
      and c.relname ~ '^audit_log_\d{4}_\d{2}$'
      and (to_date(right(c.relname, 7), 'YYYY_MM') + interval '1 month') at time zone 'UTC' <= v_limit
  loop
    execute format('drop table ledger.%I', v_partition);
    v_dropped := v_dropped + 1;
  end loop;
  perform set_config('ledger.procedure', 'purge_audit_log', true);
  delete from ledger.audit_log_default d where d.occurred_at < v_limit;
  perform set_config('ledger.procedure', '', true);
  return v_dropped;
end $$;
comment on function ledger.purge_audit_log() is 'Job: removes what is older than the setting audit_retention_days; answers how many partitions were dropped.';
