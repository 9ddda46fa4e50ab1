-- how fast calls and messages are, and what guards the books; rates are of an hour
insert into ledger.kpi_metrics (name, unit, direction, description, query) values
  ('placement_latency_p95_us', 'us', 'lower', 'Nineteen of twenty placed orders of the last hour took at most this, from the call''s arrival in the database to its last write; calls with an idempotency key. details: {calls, average_us}.', $$
    select m.metric, m.value, jsonb_build_object('calls', d.calls, 'average_us', d.average_us)
    from ledger.call_durations('{ledger_place_order,order_draft_place}', $1, $2) d
    cross join lateral (values ('placement_latency_p95_us', d.p95_us), ('placement_latency_p50_us', d.p50_us)) m (metric, value)
  $$),
  ('allocation_latency_p95_us', 'us', 'lower', 'Nineteen of twenty calls of the last hour that allocated a payment took at most this, measured as placing is (source 002, section 11). details: {calls, average_us}.', $$
    select m.metric, m.value, jsonb_build_object('calls', d.calls, 'average_us', d.average_us)
    from ledger.call_durations('{ledger_allocate_payment,ledger_auto_allocate_payment}', $1, $2) d
    cross join lateral (values ('allocation_latency_p95_us', d.p95_us), ('allocation_latency_p50_us', d.p50_us)) m (metric, value)
  $$),
  ('outbox_waiting', 'count', 'lower', 'Messages that wait to be delivered.', $$
    with waiting as (
      select count(*) as messages, min(o.created_at) as oldest_at
      from ledger.outbox o where o.status in ('pending', 'sending')),
    settled as (
      select count(*) filter (where o.status = 'sent') as sent, count(*) filter (where o.status = 'dead') as dead,
             percentile_disc(0.95) within group (order by (extract(epoch from o.settled_at - o.created_at) * 1000)::bigint) filter (where o.status = 'sent') as p95
      from ledger.outbox o where o.settled_at >= $1 and o.settled_at < $2),
    dead as (select count(*) as messages from ledger.outbox o where o.status = 'dead')
    select m.metric, m.value, m.details
    from waiting w cross join settled s cross join dead d
    cross join lateral (values
      ('outbox_waiting', w.messages, '{}'::jsonb),
      ('outbox_lag_s', case when w.messages = 0 then 0 else greatest(extract(epoch from $2 - w.oldest_at), 0)::bigint end, '{}'),
      ('outbox_dead', d.messages, '{}'),
      ('outbox_success_ratio_ppm', s.sent * 1000000 / nullif(s.sent + s.dead, 0), jsonb_build_object('sent', s.sent, 'dead', s.dead)),
      ('outbox_latency_p95_ms', s.p95, jsonb_build_object('sent', s.sent))) m (metric, value, details)
  $$),
  ('integrity_findings', 'count', 'lower', 'Rows that offend a check of the books, as far as runs know, without warnings; null before the first run. details: {warnings, by_check, run_id, at, scope, status}, the last four of the last run.', $$
    select 'integrity_findings', coalesce(f.findings, 0), jsonb_build_object(
      'warnings', coalesce(f.warnings, 0), 'by_check', coalesce(f.by_check, '{}'), 'run_id', r.id, 'at', r.created_at, 'scope', r.scope, 'status', r.status)
    from (select n.* from public.reconciliation_runs n
          where n.check_code = 'books' and n.horizon is not null and n.started_at <= $2 + interval '5 minutes'
          order by n.started_at desc, n.id desc limit 1) r
    cross join lateral (
      select sum(c.findings) filter (where c.severity <> 'warning') as findings, sum(c.findings) filter (where c.severity = 'warning') as warnings,
             jsonb_object_agg(c.check_code, c.findings) as by_check
      from ledger.findings_by_check() c) f
  $$),
  ('unsealed_events', 'count', 'lower', 'Events that no seal covers yet. details: {seal_number, sealed_at}.', $$
    select 'unsealed_events', ledger.unsealed_events(), jsonb_build_object('seal_number', s.seal_number, 'sealed_at', s.sealed_at)
    from (values (1)) one (row)
    left join (select n.* from public.event_seals n order by n.seal_number desc limit 1) s on true
  $$),
  ('denied_calls', 'count', 'lower', 'Calls refused for want of a permission since the newest snapshot that is at least an hour old, or (since null) ever. details: {total, since}.', $$
    select 'denied_calls', greatest(d.total - coalesce((b.details ->> 'total')::bigint, 0), 0), jsonb_build_object('total', d.total, 'since', b.taken_at)
    from (select case when q.is_called then q.last_value else 0 end as total from ledger.denied_calls_seq q) d
    left join (select s.* from public.kpi_snapshots s
               -- the job is not on the second
               where s.metric = 'denied_calls' and s.taken_at <= $1 + interval '1 minute' and s.details ? 'total'
               order by s.taken_at desc limit 1) b on true
  $$)
on conflict (name) do update set
  part_of = excluded.part_of, unit = excluded.unit, direction = excluded.direction, description = excluded.description, query = excluded.query;

-- answered by the query of another
insert into ledger.kpi_metrics (name, part_of, unit, direction, description) values
  ('placement_latency_p50_us', 'placement_latency_p95_us', 'us', 'lower', 'Half of the placed orders of the last hour took at most this. details: {calls, average_us}.'),
  ('allocation_latency_p50_us', 'allocation_latency_p95_us', 'us', 'lower', 'Half of the calls of the last hour that allocated a payment took at most this. details: {calls, average_us}.'),
  ('outbox_lag_s', 'outbox_waiting', 's', 'lower', 'Age of the oldest message that waits; 0 when none does.'),
  ('outbox_dead', 'outbox_waiting', 'count', 'lower', 'Messages that are not tried any more.'),
  ('outbox_success_ratio_ppm', 'outbox_waiting', 'ppm', 'higher', 'Delivered messages, among those delivered or given up in the last hour. details: {sent, dead}.'),
  ('outbox_latency_p95_ms', 'outbox_waiting', 'ms', 'lower', 'Nineteen of twenty messages delivered in the last hour took at most this from their cause. details: {sent}.')
on conflict (name) do update set
  part_of = excluded.part_of, unit = excluded.unit, direction = excluded.direction, description = excluded.description, query = excluded.query;
