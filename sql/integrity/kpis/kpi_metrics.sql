/*
 * Key figures of the shop as rows (source 002, E-B5 and section 11). A metric is a query with two
 * parameters, the moment an hour ago ($1) and now ($2, both timestamptz), that answers
 *
 *   metric text, value bigint, details jsonb
 *
 * for itself and for the metrics that are part of it, so that what is read once is read once. What it
 * names is qualified with its schema. A shop may add metrics of its own.
 */
create table ledger.kpi_metrics (
  name text primary key,
  part_of text references ledger.kpi_metrics (name) on delete restrict,
  unit text not null,
  direction text,
  description text not null,
  query text,
  constraint name_is_a_name check (name ~ '^[a-z][a-z0-9_]*$'),
  constraint unit_is_known check (unit in ('ppm', 'us', 'ms', 's', 'count', 'minor')),
  constraint direction_is_known check (direction in ('lower', 'higher')),
  constraint answered_by_itself_or_as_a_part check ((query is null) = (part_of is not null))
);
-- the parts of a metric, and the foreign key
create index kpi_metrics_by_whole on ledger.kpi_metrics (part_of) where part_of is not null;
select ledger.audit_hand_edits_of('ledger.kpi_metrics', 'name');
comment on table ledger.kpi_metrics is 'What ledger.take_kpi_snapshot() measures.';
comment on column ledger.kpi_metrics.part_of is 'The metric whose query answers this one as well.';
comment on column ledger.kpi_metrics.unit is 'ppm: millionths; us, ms, s: micro-, milliseconds, seconds; count; minor: minor units of the setting default_currency.';
comment on column ledger.kpi_metrics.direction is 'Whether lower or higher is better; null when neither is.';
comment on column ledger.kpi_metrics.query is
  'Answers (metric text, value bigint, details jsonb) of this metric and its parts, from an hour ago ($1) and now ($2). value null: there is nothing to measure.';

/* The figures hour by hour. */
create table public.kpi_snapshots (
  metric text not null references ledger.kpi_metrics (name) on delete restrict,
  taken_at timestamptz not null,
  value bigint,
  details jsonb not null,
  primary key (metric, taken_at),
  constraint value_is_exact check (abs(value) <= 9007199254740991),
  constraint details_are_an_object check (jsonb_typeof(details) = 'object')
);
alter table public.kpi_snapshots enable row level security;
revoke all on public.kpi_snapshots from anon, authenticated, service_role;
grant select on public.kpi_snapshots to authenticated, service_role;
create policy kpi_snapshots_are_seen_by_who_reads_reports on public.kpi_snapshots for select to authenticated
  using ((select ledger.caller_may('reports.read')) or (select ledger.caller_may('audit.read')));
-- ledger.purge_kpi_snapshots
create index kpi_snapshots_by_age on public.kpi_snapshots (taken_at);
select ledger.make_immutable('public.kpi_snapshots', 'ledger.take_kpi_snapshot, or let its job do so');
-- one exception: rows are removed once they are old
drop trigger rows_never_change on public.kpi_snapshots;
create trigger rows_never_change before update on public.kpi_snapshots
  for each row execute function ledger.refuse_change('kpi_snapshots');
create trigger rows_stay before delete on public.kpi_snapshots
  for each row when (coalesce(current_setting('ledger.procedure', true), '') <> 'purge_kpi_snapshots')
  execute function ledger.refuse_change('kpi_snapshots');
select ledger.enable_always('public.kpi_snapshots', array['rows_never_change', 'rows_stay']);
comment on table public.kpi_snapshots is
  'Immutable until purged after the setting kpi_retention_days. Each metric of ledger.kpi_metrics, once an hour.';
comment on column public.kpi_snapshots.value is 'In the metric''s unit; null when there was nothing to measure, or (details.error) when it could not be.';
comment on column public.kpi_snapshots.details is 'What the value is made of, an object of its own for each metric; {"error", "sqlstate"} when it could not be measured.';
