create type public.report_integrity_result as (
  success boolean, transaction_id uuid, error_code text, error_message text, error_details jsonb,
  reported_at timestamptz, runs jsonb, findings jsonb, alerts jsonb, repairs jsonb, kpis jsonb, jobs jsonb, seals jsonb, flags jsonb,
  partitions jsonb, outbox jsonb
);

/*
 * What a dashboard of the shop's health shows, in one call. It measures nothing: key figures are those
 * of the last hourly snapshot, findings those of the last runs, so it costs as little in a large
 * shop as in a small one. Source 002 (E-B5, section 12).
 */
create function public.report_integrity()
returns setof public.report_integrity_result
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_actor ledger.actor := ledger.current_actor();
begin
  -- who may
  if not ledger.has_permission(v_actor, 'audit.read') then
    v_actor := ledger.require_permission(v_actor, 'reports.read');
  end if;

  -- answer
  return query
    select true, null::uuid, null::text, null::text, null::jsonb, clock_timestamp(),
           ledger.runs_of_report(), ledger.findings_of_report(), ledger.alerts_of_report(), ledger.repairs_of_report(), ledger.kpis_of_report(),
           ledger.jobs_of_report(), ledger.seals_of_report(), ledger.flags_of_report(), ledger.partitions_of_report(), ledger.outbox_of_report();
end $$;
revoke execute on function public.report_integrity() from public, anon;
grant execute on function public.report_integrity() to authenticated, service_role;
comment on function public.report_integrity() is
  'The shop''s health, for a dashboard. runs: the last run of the books (scope all, changed) and of the drift checks (check_code debt_cache, old_flags), [{run_id, check_code, scope, status, findings, accounts, differing_accounts, diff_abs, diff_ratio_ppm, limit_ppm, started_at, ended_at}]. findings: what offends the books as far as runs know, by check, the worst first, [{check_code, severity, findings, found_at, proves, repair}]. alerts: {open, acknowledged, newest: [{alert_id, rule, severity, subject, status, value, limit_value, raised_at, last_seen_at}]} (50). repairs: {planned, applied, failed, stale, undone, superseded, last_applied_at}. kpis: each metric as of the last hourly snapshot, [{metric, unit, direction, description, taken_at, value, details, day_ago, week_ago, series: [{taken_at, value}]}], 48 points, oldest first; unit: ppm, us, ms, s, count, minor (minor units of the default currency). jobs: [{name, schedule, enabled, last_started_at, last_succeeded_at, last_duration_ms, last_error, runs, failures, skipped, running_since, is_overdue}]. seals: {seal_number, sealed_at, highest_event_id, unsealed_events}. flags: [{key, state, percentage, updated_at}]. partitions: [{table, newest_month, months_ahead, default_has_rows}]. outbox: {waiting, oldest_due_at}. unsealed_events and waiting are counted up to 10000. Needs reports.read or audit.read: who may read reports sees alerts, findings by check and the jobs'' last errors here, whose tables need audit.read. Source 002.';
