/*
 * Stages rows as they are. Row numbers count up from p_first_row; the same row may be sent again, with
 * the same text, so a broken upload goes on where it likes. The last call says so. Source 002, E-A1.
 */
create function public.import_stage(p_run_id uuid, p_first_row bigint, p_rows jsonb, p_is_last boolean default false)
returns setof public.import_progress_result
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_answer jsonb;
  v_run public.import_runs;
  v_count bigint;
  v_row bigint;
begin
  -- who may
  perform ledger.actor_with(null, 'imports.run');

  -- lock: run
  select r.* into v_run from public.import_runs r where r.id = p_run_id for no key update;

  -- check
  v_answer := coalesce(
    ledger.refuse_import_state(p_run_id, v_run, 'staging', '{staging,staged,analyzed}'),
    case
      when p_first_row is null or p_first_row not between 1 and 1000000000 then
        ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_first_row', 'problem', 'a row number from 1 to 1000000000'))
      when p_rows is null or jsonb_typeof(p_rows) <> 'array' then
        ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_rows', 'problem', 'an array of objects, one for each row'))
      when jsonb_array_length(p_rows) > 10000 then
        ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_rows', 'problem', 'at most 10000 rows at a time'))
    end);
  if v_answer is null then
    select min(p_first_row + w.ordinality - 1) into v_row
    from jsonb_array_elements(p_rows) with ordinality w
    where jsonb_typeof(w.value) <> 'object' or octet_length(w.value::text) > 65536;
    if v_row is not null then
      v_answer := ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_rows',
        'problem', format('row %s is no object of at most 64 KB', v_row)));
    end if;
  end if;
  if v_answer is null then
    select min(w.row_number) into v_row
    from public.import_rows w
    where w.run_id = p_run_id and w.row_number between p_first_row and p_first_row + jsonb_array_length(p_rows) - 1
      and w.data <> p_rows -> (w.row_number - p_first_row)::integer;
    if v_row is not null then
      v_answer := ledger.refuse('import_row_differs', jsonb_build_object('run_id', p_run_id, 'row', v_row));
    end if;
  end if;
  if v_answer is not null then
    return next jsonb_populate_record(null::public.import_progress_result, v_answer);
    return;
  end if;

  -- write
  perform set_config('ledger.procedure', 'import_stage', true);
  insert into public.import_rows (run_id, row_number, data)
  select p_run_id, p_first_row + w.ordinality - 1, w.value
  from jsonb_array_elements(p_rows) with ordinality w
  on conflict (run_id, row_number) do nothing;
  get diagnostics v_count = row_count;
  update public.import_runs r set
    staged_rows = r.staged_rows + v_count,
    -- what was analysed stays so when nothing was added
    state = case when v_count = 0 and r.state = 'analyzed' then r.state when coalesce(p_is_last, false) then 'staged'
                 when v_count = 0 then r.state else 'staging' end,
    updated_at = clock_timestamp()
  where r.id = p_run_id
  returning r.* into v_run;

  -- answer
  perform set_config('ledger.procedure', '', true);
  return next ledger.import_progress(v_run);
end $$;
revoke execute on function public.import_stage(uuid, bigint, jsonb, boolean) from public, anon;
grant execute on function public.import_stage(uuid, bigint, jsonb, boolean) to authenticated, service_role;
comment on function public.import_stage(uuid, bigint, jsonb, boolean) is
  'Stages p_rows ([{column: text}, ...], at most 10000 of at most 64 KB) as rows p_first_row and on. Staging the same again does nothing; p_is_last ends it (p_rows may be empty). Needs imports.run. Errors: import_not_found, import_conflict, import_row_differs, invalid_argument. Source 002, E-A1.';
