-- ledger.create_month_partitions: whether a month has rows in the default; ledger.purge_audit_log: the oldest lines
create index immutable_events_default_by_time on ledger.immutable_events_default (occurred_at);
create index audit_log_default_by_time on ledger.audit_log_default (occurred_at);

/* Whether the default partition of a table has rows from a moment to another. */
create function ledger.default_has_rows(p_table text, p_from timestamptz, p_to timestamptz)
returns boolean
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_has_rows boolean;
begin
  execute format('select exists (select from ledger.%I d where d.occurred_at >= $1 and d.occurred_at < $2)', p_table || '_default')
    into v_has_rows using p_from, p_to;
  return v_has_rows;
end $$;
comment on function ledger.default_has_rows(text, timestamptz, timestamptz) is 'Whether rows of that time, without its end, lie in the default partition of a table.';

/* Makes one partition, apart and then attached: who writes to a month of its own waits for nobody. */
create function ledger.attach_month(p_table text, p_from timestamptz, p_to timestamptz)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_partition text := p_table || to_char(p_from at time zone 'UTC', '_YYYY_MM');
begin
  execute format('create table ledger.%I (like public.%I including defaults including constraints)', v_partition, p_table);
  execute format('alter table public.%I attach partition ledger.%I for values from (%L) to (%L)', p_table, v_partition, p_from, p_to);
  execute format('alter table ledger.%I enable row level security', v_partition);
  perform ledger.guard_partition(format('ledger.%I', v_partition)::regclass, p_table, 'the ledger_* procedures');
end $$;
comment on function ledger.attach_month(text, timestamptz, timestamptz) is
  'Makes the partition of a month, or of its rest, of a table whose locks the caller holds, with the guards of the table.';

/* Constraints of a default partition that say nothing of a month lies in it; their names end with the first day. */
create function ledger.months_said_empty(p_table text)
returns table (rule_name text, is_proven boolean, starts_at timestamptz, ends_at timestamptz)
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select c.conname::text, c.convalidated, f.day at time zone 'UTC', (date_trunc('month', f.day) + interval '1 month') at time zone 'UTC'
  from pg_constraint c
  cross join lateral (select to_date(right(c.conname, 10), 'YYYY_MM_DD')::timestamp as day) f
  where c.conrelid = to_regclass('ledger.' || p_table || '_default') and c.conname ~ '^nothing_lies_here_from_\d{4}_\d{2}_\d{2}$';
$$;
comment on function ledger.months_said_empty(text) is 'Months that a run of the job is at, of a table with a large default partition.';

/* Which of these months could be prepared: what begins a week from now or later and has no row in the default. */
create function ledger.months_to_prepare(p_table text, p_months timestamptz[])
returns table (starts_at timestamptz, ends_at timestamptz)
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select f.starts_at, f.ends_at
  from unnest(p_months) m (month)
  cross join lateral (
    select greatest(m.month, (date_trunc('day', clock_timestamp() at time zone 'UTC') + interval '8 days') at time zone 'UTC') as starts_at,
           (m.month at time zone 'UTC' + interval '1 month') at time zone 'UTC' as ends_at) f
  where f.starts_at < f.ends_at and not ledger.default_has_rows(p_table, f.starts_at, f.ends_at);
$$;
comment on function ledger.months_to_prepare(text, timestamptz[]) is
  'What of these months (UTC) may have a partition, of a table with a large default partition.';

/*
 * The next step towards months of a table with a large default partition. To attach a month the server
 * reads the whole default, and who writes to it waits, unless a constraint says that nothing of the month is
 * there. So a month takes three runs, each a transaction of its own: the constraint is added, which says
 * nothing of older rows yet and takes a moment; the default is read to prove it, beside who writes; the month is
 * attached and the constraint goes.
 *
 * While the constraint is there a row of that month would be refused. So only what begins a week from now is
 * made in this way, and a constraint whose first day is near, because no run came after, goes before all else.
 */
create function ledger.prepare_months_of(p_table text, p_months timestamptz[])
returns integer
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_default text := p_table || '_default';
  v_too_near timestamptz := clock_timestamp() + interval '2 days';
  v_month record;
  v_created integer := 0;
begin
  if not exists (select from ledger.months_said_empty(p_table)) then
    -- say
    execute format('lock table only ledger.%I in access exclusive mode', v_default);
    for v_month in select t.* from ledger.months_to_prepare(p_table, p_months) t loop
      execute format('alter table ledger.%I add constraint %I check (occurred_at < %L or occurred_at >= %L) not valid', v_default,
                     to_char(v_month.starts_at at time zone 'UTC', '"nothing_lies_here_from_"YYYY_MM_DD'), v_month.starts_at, v_month.ends_at);
    end loop;

  elsif exists (select from ledger.months_said_empty(p_table) e where not e.is_proven)
        and not exists (select from ledger.months_said_empty(p_table) e where e.starts_at <= v_too_near) then
    -- prove
    execute format('lock table only ledger.%I in share update exclusive mode', v_default);
    for v_month in select e.rule_name from ledger.months_said_empty(p_table) e where not e.is_proven loop
      execute format('alter table ledger.%I validate constraint %I', v_default, v_month.rule_name);
    end loop;

  else
    -- attach what is proven; the parent first, as the purge takes them
    execute format('lock table only public.%I in share update exclusive mode', p_table);
    execute format('lock table only ledger.%I in access exclusive mode', v_default);
    for v_month in select e.* from ledger.months_said_empty(p_table) e order by e.starts_at loop
      if v_month.is_proven and v_month.starts_at > v_too_near
         and to_regclass('ledger.' || p_table || to_char(v_month.starts_at at time zone 'UTC', '_YYYY_MM')) is null then
        perform ledger.attach_month(p_table, v_month.starts_at, v_month.ends_at);
        v_created := v_created + 1;
      end if;
      execute format('alter table ledger.%I drop constraint %I', v_default, v_month.rule_name);
    end loop;
  end if;
  return v_created;
end $$;
comment on function ledger.prepare_months_of(text, timestamptz[]) is
  'Takes the next of three steps towards partitions of months (UTC) of a table whose default partition is large; answers how many were attached. The caller holds no lock.';
