/* One that was cancelled last time kept others from being asked: it is asked last. */
create function ledger.metrics_to_ask()
returns setof ledger.kpi_metrics
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  return query
    select m.*
    from ledger.kpi_metrics m
    left join lateral (
      select s.taken_at, s.details ->> 'sqlstate' as sqlstate from public.kpi_snapshots s
      where s.metric = m.name order by s.taken_at desc limit 1) n on n.sqlstate = '57014'
    where m.query is not null
    order by n.taken_at nulls first, m.name;
end $$;
comment on function ledger.metrics_to_ask() is 'Metrics with a query, those that were cancelled last.';

/*
 * What each metric says now. STABLE, so that all are read in the snapshot of the statement that calls
 * this and agree with each other. A metric whose query fails, or answers what cannot be kept, says so
 * in its details and stops no other. The job's time limit ends one query and does not come again: after that
 * no further one is asked, and those have no row of this hour.
 */
create function ledger.kpi_values(p_at timestamptz)
returns setof public.kpi_snapshots
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_metric ledger.kpi_metrics;
  v_names text[];
  v_answers jsonb;
  v_rows public.kpi_snapshots[];
  v_is_over boolean := false;
begin
  for v_metric in select m.* from ledger.metrics_to_ask() m loop
    v_names := array(select m.name from ledger.kpi_metrics m where m.name = v_metric.name or m.part_of = v_metric.name);
    begin
      execute format('select jsonb_object_agg(a.metric, jsonb_build_array(a.value, a.details)) from (%s) a (metric, value, details)', v_metric.query)
        into v_answers using p_at - interval '1 hour', p_at;
      v_rows := array(
        select row(n.name, p_at, ledger.exact_value((v_answers -> n.name ->> 0)::numeric), case jsonb_typeof(v_answers -> n.name -> 1) when 'object' then v_answers -> n.name -> 1 else '{}' end)::public.kpi_snapshots
        from unnest(v_names) n (name));
    exception when query_canceled or assert_failure or others then
      v_is_over := sqlstate = '57014';
      v_rows := array(
        select row(n.name, p_at, null, jsonb_build_object('error', sqlerrm, 'sqlstate', sqlstate))::public.kpi_snapshots
        from unnest(v_names) n (name));
    end;
    return query select r.* from unnest(v_rows) r;
    exit when v_is_over;
  end loop;
end $$;
comment on function ledger.kpi_values(timestamptz) is 'Every metric of ledger.kpi_metrics as of now, in one snapshot; p_at is the end of the hour that rates are of.';

create function ledger.exact_value(p_value numeric)
returns bigint
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  if abs(p_value) > 9007199254740991 then
    raise exception using errcode = 'numeric_value_out_of_range', message = format('%s is more than a metric can say exactly', p_value);
  end if;
  return p_value;
end $$;
comment on function ledger.exact_value(numeric) is 'A value that JSON keeps exactly, rounded to a whole number; raises beyond.';

/* The hourly job. */
create function ledger.take_kpi_snapshot()
returns integer
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_phase text := current_setting('ledger.procedure', true);
  v_count integer;
begin
  perform set_config('ledger.procedure', 'take_kpi_snapshot', true);
  insert into public.kpi_snapshots (metric, taken_at, value, details)
  select v.metric, v.taken_at, v.value, v.details from ledger.kpi_values(clock_timestamp()) v;
  get diagnostics v_count = row_count;
  perform set_config('ledger.procedure', coalesce(v_phase, ''), true);
  return v_count;
end $$;
comment on function ledger.take_kpi_snapshot() is 'Job: measures every metric and keeps what it says; answers how many.';

create function ledger.purge_kpi_snapshots()
returns bigint
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_count bigint;
begin
  perform set_config('ledger.procedure', 'purge_kpi_snapshots', true);
  delete from public.kpi_snapshots s
  where s.taken_at < clock_timestamp() - make_interval(days => ledger.setting_text('kpi_retention_days')::int)
    -- of a clock that was once ahead
    or s.taken_at > clock_timestamp() + interval '1 day';
  get diagnostics v_count = row_count;
  perform set_config('ledger.procedure', '', true);
  return v_count;
end $$;
comment on function ledger.purge_kpi_snapshots() is 'Job: removes snapshots older than the setting kpi_retention_days, or more than a day ahead; answers how many.';
