/* An abort that needs further calls: until then the backfill can only go on to take back. */
create function ledger.hold_backfill(p_run_id uuid, p_actor ledger.actor)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  update public.import_runs r set
    backfill_state = 'drifted',
    backfill_account_id = null,
    backfill = coalesce(r.backfill, '{}') - 'began_at',
    updated_at = clock_timestamp()
  where r.id = p_run_id;
  perform ledger.change_flag('ledger_backfill_mode', 'active', 0, 'backfill is taken back', p_actor);
end $$;
comment on function ledger.hold_backfill(uuid, ledger.actor) is 'Marks the backfill of a locked run as one to be taken back whole.';

/* The end of an abort, of a whole run or of its backfill alone; p_run is its row as the call found it. Answers its state. */
create function ledger.end_backfill(p_run public.import_runs, p_only_backfill boolean, p_reason text, p_actor ledger.actor)
returns text
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_run public.import_runs;
begin
  update public.import_runs r set
    state = case when p_only_backfill then r.state else 'aborted' end,
    backfill_state = case when r.backfill_state is not null then 'aborted' end,
    backfill_account_id = null,
    aborted_at = case when p_only_backfill then r.aborted_at else coalesce(r.aborted_at, clock_timestamp()) end,
    updated_at = clock_timestamp()
  where r.id = p_run.id
  returning r.* into v_run;
  if p_run.backfill_state in ('reading', 'writing', 'drifted') then
    perform ledger.change_flag('ledger_backfill_mode', 'off', 0, 'backfill aborted', p_actor);
  end if;
  if p_only_backfill then
    perform ledger.record_operation('import.backfilled', 'import', p_run.id, null,
      jsonb_build_object('backfill_state', 'aborted', 'currency', p_run.currency, 'cause', p_reason) || coalesce(v_run.backfill, '{}'), p_actor,
      ledger.correlation_id());
  else
    perform ledger.record_operation('import.aborted', 'import', p_run.id, null,
      jsonb_build_object('kind', p_run.kind, 'source_name', p_run.source_name, 'from_state', p_run.state, 'cause', p_reason), p_actor,
      ledger.correlation_id());
  end if;
  return v_run.state;
end $$;
comment on function ledger.end_backfill(public.import_runs, boolean, text, ledger.actor) is
  'Ends a run, or with p_only_backfill its backfill, once nothing of it is left to be taken back.';
