/*
 * What nobody asks for any more: findings, alerts that are over, and plans of repairs that came to nothing. Runs
 * stay, a line each, and so do repairs that were applied or failed, with the findings they were for.
 */
create function ledger.purge_integrity(p_limit integer default 200000)
returns bigint
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_until timestamptz := clock_timestamp() - make_interval(days => ledger.setting_text('integrity_retention_days')::integer);
  v_findings bigint;
  v_alerts bigint;
  v_repairs bigint;
begin
  perform set_config('ledger.procedure', 'purge_integrity', true);
  delete from public.reconciliation_actions a where a.status in ('superseded', 'stale') and a.updated_at < v_until;
  get diagnostics v_repairs = row_count;
  delete from public.alerts a where a.status = 'resolved' and a.resolved_at < v_until;
  get diagnostics v_alerts = row_count;
  -- ids rise with time, so the old ones are found by them
  delete from public.integrity_findings f
  where f.id = any (array(
    select o.id from public.integrity_findings o
    where o.id < ledger.first_id_at(v_until) and o.created_at < v_until
      and not exists (select from public.reconciliation_actions a where a.finding_id = o.id)
    order by o.id
    limit p_limit));
  get diagnostics v_findings = row_count;
  perform set_config('ledger.procedure', '', true);
  return v_findings + v_alerts + v_repairs;
end $$;
comment on function ledger.purge_integrity(integer) is
  'Job: removes findings (at most p_limit), resolved alerts, and superseded or stale plans of repairs that are older than the setting integrity_retention_days; answers how many.';
