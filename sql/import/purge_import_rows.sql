/* What of a read row says nothing of a person but who it is, and, once it is applied, what the backfill asks for. */
create function ledger.impersonal_part(p_parsed jsonb, p_state text)
returns jsonb
language sql immutable parallel safe
return case when p_parsed is not null then jsonb_strip_nulls(jsonb_build_object('user_id', p_parsed -> 'user_id')
  || case when p_state <> 'applied' then '{}' else jsonb_build_object(
  'is_allocated', p_parsed -> 'is_allocated', 'invoice', p_parsed -> 'invoice', 'status', p_parsed -> 'status') end) end;
comment on function ledger.impersonal_part(jsonb, text) is 'A read row without names, references and notes.';

/* A column that was taken for that of the amounts may hold anything: what could not be read is counted and not kept. */
create function ledger.impersonal_report(p_report jsonb)
returns jsonb
language sql immutable parallel safe
return case when p_report #> '{amounts,patterns}' is null then p_report else jsonb_set(p_report, '{amounts,patterns}', (
  select coalesce(jsonb_agg(p.value - 'examples' || case when p.value ->> 'readable_rows' = '0' then '{"pattern": null}' else '{}'::jsonb end order by p.ordinality), '[]')
  from jsonb_array_elements(p_report #> '{amounts,patterns}') with ordinality p)) end;
comment on function ledger.impersonal_report(jsonb) is 'The report of an analysis as it is kept: without examples, and without patterns of what could not be read.';

/*
 * Rows of an import are kept as they came for a while, for questions; then only what became of them stays.
 * A run that was blanked is told by its rows without data.
 */
create function ledger.purge_import_rows()
returns bigint
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_count bigint;
  v_runs uuid[];
begin
  perform set_config('ledger.procedure', 'purge_import_rows', true);
  v_runs := array(
    select r.id from public.import_runs r
    where coalesce(r.aborted_at, r.applied_at, r.updated_at) < clock_timestamp() - make_interval(days => ledger.setting_text('import_retention_days')::integer)
    for no key update skip locked);
  update public.import_rows w set data = '{}', parsed = ledger.impersonal_part(w.parsed, w.state)
  where w.run_id = any (v_runs) and w.data <> '{}';
  get diagnostics v_count = row_count;
  update public.import_rejects j set value = null, message = j.code
  where j.run_id = any (v_runs) and j.value is not null;
  perform set_config('ledger.procedure', '', true);
  return v_count;
end $$;
comment on function ledger.purge_import_rows() is 'Job: blanks the rows of imports that ended (or were left alone) longer ago than import_retention_days; answers how many.';
