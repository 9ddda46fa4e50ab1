/* A metric as it was about then: a snapshot is taken once an hour, and not on the second. */
create function ledger.kpi_about(p_metric text, p_at timestamptz)
returns bigint
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  return (
    select s.value
    from public.kpi_snapshots s
    where s.metric = p_metric and s.taken_at > p_at - interval '2 hours' and s.taken_at <= p_at + interval '5 minutes'
    order by s.taken_at desc limit 1);
end $$;
comment on function ledger.kpi_about(text, timestamptz) is 'Value of a metric in the last snapshot until five minutes after a moment; null when there is none in two hours before.';

create function ledger.kpis_of_report()
returns jsonb
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  return (
    select coalesce(jsonb_agg(jsonb_build_object(
             'metric', m.name, 'unit', m.unit, 'direction', m.direction, 'description', m.description,
             'taken_at', n.taken_at, 'value', n.value, 'details', coalesce(n.details, '{}'),
             'day_ago', ledger.kpi_about(m.name, n.taken_at - interval '1 day'),
             'week_ago', ledger.kpi_about(m.name, n.taken_at - interval '7 days'),
             'series', coalesce(p.points, '[]')) order by m.name), '[]')
    from ledger.kpi_metrics m
    left join lateral (select s.* from public.kpi_snapshots s where s.metric = m.name and s.taken_at <= clock_timestamp() + interval '5 minutes'
                       order by s.taken_at desc limit 1) n on true
    cross join lateral (
      select jsonb_agg(jsonb_build_object('taken_at', l.taken_at, 'value', l.value) order by l.taken_at) as points
      from (select s.taken_at, s.value from public.kpi_snapshots s where s.metric = m.name and s.taken_at <= clock_timestamp() + interval '5 minutes'
            order by s.taken_at desc limit 48) l) p);
end $$;
comment on function ledger.kpis_of_report() is 'Each metric with its newest value, those of a day and a week before, and its last 48.';
