/*
 * What every kind of import stands on. A kind is two functions, found by its name:
 *   ledger.import_<kind>_analyze(p_run_id uuid) returns jsonb
 *     reads the rows that are staged: sets external_id, amount and parsed, rejects what it cannot read
 *     (ledger.reject_import_rows), and answers its part of the report;
 *   ledger.import_<kind>_apply(p_run_id uuid, p_limit integer) returns ledger.import_batch
 *     writes the next rows whose state is staged, at most about p_limit, gives each its new state and
 *     target_id, and answers how many of each; all zero when none was left.
 * Both are called with the run locked and ledger.procedure set, and leave the mark set.
 */
create type ledger.import_batch as (
  applied_rows integer,
  skipped_rows integer,
  rejected_rows integer
);
comment on type ledger.import_batch is 'How many rows a batch gave which state.';

create type ledger.import_reject as (
  row_number bigint,
  field text,
  code text,
  value text,
  details jsonb
);
comment on type ledger.import_reject is 'Why a row is rejected; details fill the placeholders of the code''s sentence beside {field} and {value}.';

create type public.import_progress_result as (
  success boolean, transaction_id uuid, error_code text, error_message text, error_details jsonb,
  run_id uuid, kind text, state text, staged_rows bigint, applied_rows bigint, skipped_rows bigint, rejected_rows bigint, done boolean
);

create function ledger.import_progress(p_run public.import_runs)
returns public.import_progress_result
language sql immutable
return row(true, null, null, null, null, p_run.id, p_run.kind, p_run.state, p_run.staged_rows, p_run.applied_rows, p_run.skipped_rows,
           p_run.rejected_rows, p_run.state in ('applied', 'aborted'))::public.import_progress_result;
comment on function ledger.import_progress(public.import_runs) is 'How far an import is, as its procedures answer it.';

/* The text of a field of a row: of the column that the options name for it, else of the one called like it. */
create function ledger.import_field(p_data jsonb, p_options jsonb, p_field text)
returns text
language sql immutable parallel safe
return nullif(btrim(p_data ->> coalesce(p_options #>> array['columns', p_field], p_field), ' ' || chr(9) || chr(10) || chr(13) || chr(160) || chr(8206) || chr(8207) || chr(65279)), '');
comment on function ledger.import_field(jsonb, jsonb, text) is
  'What a staged row says for a field, without the blanks and marks of direction around it; null when it says nothing.';

/* The refusal for a kind that has no functions, or null. */
create function ledger.refuse_import_kind(p_kind text)
returns jsonb
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  return case when coalesce(p_kind, '') !~ '^[a-z][a-z_]{0,29}$'
                or to_regprocedure(format('ledger.import_%s_apply(uuid, integer)', p_kind)) is null then
    ledger.refuse('unknown_import_kind', jsonb_build_object('kind', p_kind, 'known', (
      select string_agg(substr(p.proname, 8, length(p.proname) - 13), ', ' order by p.proname)
      from pg_catalog.pg_proc p
      where p.pronamespace = 'ledger'::regnamespace and p.proname ~ '^import_[a-z_]+_apply$'))) end;
end $$;
comment on function ledger.refuse_import_kind(text) is 'The refusal for a kind of import that does not exist, or null.';

/* The refusal for a run that does not exist or is in another state than wanted, or null. */
create function ledger.refuse_import_state(p_run_id uuid, p_run public.import_runs, p_wanted text, p_states text[])
returns jsonb
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  return case
    when p_run.id is null then ledger.refuse('import_not_found', jsonb_build_object('run_id', p_run_id))
    when p_run.state <> all (p_states) then
      ledger.refuse('import_conflict', jsonb_build_object('run_id', p_run_id, 'state', p_run.state, 'wanted', p_wanted,
        'expected', array_to_string(p_states, ' or ')))
  end;
end $$;
comment on function ledger.refuse_import_state(uuid, public.import_runs, text, text[]) is 'The refusal for an import that is not there, or not in one of these states; or null.';

/* Rejects rows of a run, each for one reason or several. Answers how many rows that were staged are rejected now. */
create function ledger.reject_import_rows(p_run_id uuid, p_rejects ledger.import_reject[])
returns integer
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_count integer;
begin
  insert into public.import_rejects (run_id, row_number, field, code, message, value, user_id)
  select p_run_id, r.row_number, r.field, r.code,
         ledger.refuse(r.code, coalesce(r.details, '{}') || jsonb_build_object('field', r.field, 'value', r.value)) ->> 'error_message',
         left(r.value, 1000), w.user_id
  from unnest(p_rejects) r
  join public.import_rows w on w.run_id = p_run_id and w.row_number = r.row_number
  on conflict (run_id, row_number, field) do nothing;
  update public.import_rows w set state = 'rejected'
  where w.run_id = p_run_id and w.state = 'staged' and w.row_number in (select r.row_number from unnest(p_rejects) r);
  get diagnostics v_count = row_count;
  return v_count;
end $$;
comment on function ledger.reject_import_rows(uuid, ledger.import_reject[]) is 'Rejects rows of an import with their reasons; answers how many rows became rejected.';
