/*
 * The refusal for what a backfill that is under way must not have beside it: more payments or invoices,
 * or fewer; or null. p_run_id: the run whose own backfill does not count. Ask with the lock of backfills held.
 */
create function ledger.refuse_beside_backfill(p_run_id uuid default null)
returns jsonb
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  return case when exists (
      select from public.import_runs r
      where r.backfill_state in ('reading', 'writing', 'drifted') and r.id is distinct from p_run_id) then
    ledger.refuse('backfill_running', jsonb_build_object(
      'mode', (select f.state from public.feature_flags f where f.key = 'ledger_backfill_mode'))) end;
end $$;
comment on function ledger.refuse_beside_backfill(uuid) is 'backfill_running while a backfill of another run is under way, or null.';
