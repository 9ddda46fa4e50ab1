-- what is watched; limits are those of source 002 where it has one
insert into public.alert_rules (is_own, code, severity, unit, limit_value, description, query) values
  (false, 'debt_drift_ppm_limit', 'error', 'ppm', 5000, 'What debts differ by in their cache or in the old flags. A drift run fails beyond this, and two in a row switch off the flag they speak against (source 002, section 13: 0.5 %).', $$
    select c.code, r.diff_ratio_ppm
    from (values ('debt_cache'), ('old_flags')) c (code)
    cross join lateral (
      select n.* from public.reconciliation_runs n
      where n.check_code = c.code and n.started_at <= clock_timestamp() + interval '5 minutes'
      order by n.started_at desc, n.id desc limit 1) r
    where c.code = 'debt_cache' or exists (select from public.feature_flags f where f.key = 'allocation_dual_write' and f.state <> 'off')
  $$),
  (false, 'allocation_latency_limit', 'warning', 'us', 120000, 'Nineteen of twenty allocations took at most this, in an hour with twenty and more (source 002, section 11: 120 ms).', $$
    select m.metric, m.value from ledger.newest_kpi('allocation_latency_p95_us') m where m.calls >= 20
  $$),
  (false, 'placement_latency_limit', 'warning', 'us', 200000, 'Nineteen of twenty placed orders took at most this, in an hour with twenty and more.', $$
    select m.metric, m.value from ledger.newest_kpi('placement_latency_p95_us') m where m.calls >= 20
  $$),
  (false, 'outbox_lag', 'error', 's', 900, 'How long the message that is due the longest waits while the flag outbox_enabled is on. Where nothing was ever delivered that is told after a day: a shop that delivers nothing switches the flag off. The check outbox_lags has the same limit.', $$
    select 'outbox', extract(epoch from clock_timestamp() - o.next_retry_at)
    from (select n.next_retry_at from ledger.outbox n where n.status in ('pending', 'sending') order by n.next_retry_at limit 1) o
    where (o.next_retry_at < clock_timestamp() - interval '1 day' or exists (select from ledger.outbox s where s.settled_at is not null))
      and exists (select from public.feature_flags f where f.key = 'outbox_enabled' and f.state = 'on')
  $$),
  (false, 'outbox_dead', 'error', 'count', 0, 'Messages that are not tried any more.', $$
    select m.metric, m.value from ledger.newest_kpi('outbox_dead') m
  $$),
  (false, 'integrity_findings', 'critical', 'count', 0, 'Rows that offend a check of the books, by check: money, history or something kept is wrong.', $$
    select f.check_code, f.findings from ledger.findings_by_check() f where f.severity <> 'warning'
  $$),
  (false, 'integrity_warnings', 'warning', 'count', 0, 'Rows that somebody should look at, by check, such as orders that are stuck. From when on an order is stuck is said by the settings stuck_order_hours_<stage>.', $$
    select f.check_code, f.findings
    from ledger.findings_by_check() f
    -- these are told of at once, by rules of their own and by the message receipt.late
    where f.severity = 'warning' and f.check_code not in ('events_are_sealed', 'outbox_lags', 'receipt_waits_too_long')
  $$),
  (false, 'seals_behind', 'critical', 's', 900, 'Age of the oldest event behind the last seal. The check events_are_sealed has the same limit.', $$
    select 'events', extract(epoch from clock_timestamp() - e.occurred_at)
    from (select coalesce(max(s.highest_event_id), 0) as id from public.event_seals s) l
    cross join lateral (select i.occurred_at from public.immutable_events i where i.id > l.id order by i.id limit 1) e
  $$),
  (false, 'partitions_ahead', 'error', 'days', 0, 'Days of the next seven that lie in a month without a partition; its rows would go to the default partition.', $$
    select d.partitioned_table, d.days from ledger.days_without_partition() d
  $$),
  (false, 'job_failed', 'error', 'turns', 0, 'Times in a row that a job has failed; last_error in ledger.jobs says with what.', $$
    select j.name, j.failures_in_a_row from ledger.jobs j where j.enabled
  $$),
  (false, 'job_silent', 'error', 'percent', 100, 'Time since a job succeeded, in percent of the time it may be silent: it does not run, or never ends well.', $$
    select j.name, extract(epoch from j.silent_for) * 100 / extract(epoch from j.max_silence) from ledger.jobs j where j.enabled
  $$),
  (false, 'denied_calls', 'warning', 'count', 50, 'Calls refused because the caller lacks the permission, or speaks for somebody else, in the last hour or a little more: since the newest snapshot of the key figures that is 55 minutes old.', $$
    select 'calls', case when q.is_called then q.last_value else 0 end - coalesce((
      select (k.details ->> 'total')::bigint from public.kpi_snapshots k
      where k.metric = 'denied_calls' and k.details ? 'total' and k.taken_at <= clock_timestamp() - interval '55 minutes'
      order by k.taken_at desc limit 1), 0)
    from ledger.denied_calls_seq q
  $$),
  (false, 'flag_switched_off', 'error', 'count', 0, 'A feature flag that was switched off because of what was found, until it is on again; of active_reconciliation reconciliation_failures tells.', $$
    select f.key, 1
    from public.feature_flags f
    cross join lateral (select e.event_type from public.immutable_events e where e.stream_id = md5(f.key)::uuid order by e.id desc limit 1) l
    where f.state = 'off' and l.event_type = 'flag.switched_off' and f.key <> 'active_reconciliation'
  $$),
  (false, 'old_flag_failures', 'warning', 'count', 0, 'Old flags that could not be written in the last hour, while allocation_dual_write was shadow.', $$
    select 'allocation_dual_write', count(*) from public.old_flag_failures f where f.created_at > clock_timestamp() - interval '1 hour'
  $$),
  (false, 'idempotency_purge_behind', 'warning', 'count', 0, 'Idempotency keys two days and more beyond their retention; counted up to a thousand.', $$
    select 'idempotency_keys', count(*)
    from (select from ledger.idempotency_keys k
          where k.created_at < clock_timestamp() - make_interval(days => ledger.setting_text('idempotency_retention_days')::integer + 2) limit 1000) k
  $$)
on conflict (code) do update set
  is_own = excluded.is_own, severity = excluded.severity, unit = excluded.unit, description = excluded.description, query = excluded.query;

-- raised and resolved by the job that finds them
insert into public.alert_rules (is_own, code, severity, unit, limit_value, description) values
  (false, 'rule_cannot_be_asked', 'error', 'count', 0, 'A rule of this table whose query fails; details say how.'),
  (false, 'seals_do_not_hold', 'critical', 'count', 0, 'What does not hold of a seal, as the job that verifies them found it: events or seals were changed.'),
  (false, 'grace_not_ended', 'error', 'count', 0, 'An order whose grace period is over and that could be neither cancelled nor flagged; details say why.'),
  (false, 'reconciliation_failures', 'error', 'count', 0, 'Repairs that failed in the run that had too many of them.')
on conflict (code) do update set
  is_own = excluded.is_own, severity = excluded.severity, unit = excluded.unit, description = excluded.description;
