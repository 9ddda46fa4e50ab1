create type public.import_analyze_result as (
  success boolean, transaction_id uuid, error_code text, error_message text, error_details jsonb,
  run_id uuid, state text, staged_rows bigint, rejected_rows bigint, report jsonb
);

/*
 * Reads every staged row and says what it would become: patterns of the amounts, what does not parse and
 * why, sums to the minor unit, duplicates. p_options are added to the run's, and the rows read anew: so
 * somebody who has seen the patterns says how they are meant. Source 002, E-A1 and 16.10 (R14).
 */
create function public.import_analyze(p_run_id uuid, p_options jsonb default null)
returns setof public.import_analyze_result
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_answer jsonb;
  v_run public.import_runs;
  v_report jsonb;
begin
  -- who may
  perform ledger.actor_with(null, 'imports.run');

  -- lock: run
  select r.* into v_run from public.import_runs r where r.id = p_run_id for no key update;

  -- check
  v_answer := coalesce(
    ledger.refuse_import_state(p_run_id, v_run, 'analysis', '{staged,analyzed}'),
    case when upper(p_options ->> 'currency') <> v_run.currency then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_options', 'problem', 'the currency of an import is that of its beginning')) end,
    ledger.refuse_import_options(coalesce(p_options, '{}')));
  if v_answer is not null then
    return next jsonb_populate_record(null::public.import_analyze_result, v_answer);
    return;
  end if;

  -- write: what an earlier analysis said is taken back
  perform set_config('ledger.procedure', 'import_analyze', true);
  if v_run.analyzed_at is not null then
    delete from public.import_rejects j where j.run_id = p_run_id;
    update public.import_rows w set state = 'staged', external_id = null, amount = null, parsed = null
    where w.run_id = p_run_id and (w.state <> 'staged' or w.parsed is not null);
  end if;
  update public.import_runs r set options = r.options || coalesce(p_options, '{}') where r.id = p_run_id;
  execute format('select ledger.%I($1)', 'import_' || v_run.kind || '_analyze') into v_report using p_run_id;
  update public.import_runs r set
    state = 'analyzed',
    rejected_rows = (select count(*) from public.import_rows w where w.run_id = p_run_id and w.state = 'rejected'),
    analysis = ledger.impersonal_report(v_report),
    analyzed_at = clock_timestamp(),
    updated_at = clock_timestamp()
  where r.id = p_run_id
  returning r.* into v_run;

  -- answer
  perform set_config('ledger.procedure', '', true);
  return next row(true, null, null, null, null, v_run.id, v_run.state, v_run.staged_rows, v_run.rejected_rows,
                  v_report || jsonb_build_object('rejects', ledger.import_reject_summary(p_run_id)))::public.import_analyze_result;
end $$;
revoke execute on function public.import_analyze(uuid, jsonb) from public, anon;
grant execute on function public.import_analyze(uuid, jsonb) to authenticated, service_role;
comment on function public.import_analyze(uuid, jsonb) is
  'Reads the staged rows of an import and rejects what cannot be read; may be repeated with p_options, which are added to the run''s. report: {"amounts": {"patterns": [{"pattern", "rows", "share", "readable_rows", "amount", "examples"}], "unreadable", "total", "naive_total", "difference", ...}, "rejects": [{"code", "rows", "examples"}], and what the kind says}. Needs imports.run. Errors: import_not_found, import_conflict, invalid_argument. Source 002, E-A1.';
