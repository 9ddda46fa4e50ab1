create type public.import_abort_result as (
  success boolean, transaction_id uuid, error_code text, error_message text, error_details jsonb,
  run_id uuid, kind text, state text, dropped_amount bigint, voided_rows bigint, kept_rows bigint, done boolean
);

/*
 * Ends an import, to be called until done. What was only staged goes nowhere any more. Of a backfill the
 * synthetic allocations are taken back, and only them. What was applied stays, or with p_void is voided
 * as far as it is untouched: a payment that people have allocated and an invoice that is paid in part or
 * credited stay, and are counted as kept; flags of what stays count no more. An aborted run can be voided
 * later. With p_only_backfill the run stays applied and can be backfilled anew. Source 002, 16.5.
 */
create function public.import_abort(
  p_run_id uuid, p_reason text default null, p_void boolean default false, p_limit integer default 1000, p_actor_id uuid default null,
  p_only_backfill boolean default false)
returns setof public.import_abort_result
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_actor ledger.actor;
  v_answer jsonb;
  v_run public.import_runs;
  v_is_backfilled boolean;
  v_result public.import_abort_result;
begin
  -- who may
  v_actor := ledger.actor_with(p_actor_id, 'imports.run');

  -- lock: run; a backfill's mode is one for all
  select r.* into v_run from public.import_runs r where r.id = p_run_id for no key update;
  perform pg_advisory_xact_lock(hashtextextended('import_backfill', 0));
  v_is_backfilled := coalesce(v_run.backfill_state <> 'aborted', false) or ledger.has_synthetic_allocations(p_run_id);

  -- check
  v_answer := coalesce(
    case when p_only_backfill then ledger.refuse_import_state(p_run_id, v_run, 'an abort of its backfill', '{applied}')
         else ledger.refuse_import_state(p_run_id, v_run, 'an abort', '{staging,staged,analyzed,applying,applied}'
           || case when p_void or v_is_backfilled then '{aborted}' else '{}' end::text[]) end,
    case
      when length(p_reason) > 2000 then
        ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_reason', 'problem', 'at most 2000 characters'))
      when p_limit is null or p_limit not between 1 and 10000 then
        ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_limit', 'problem', 'from 1 to 10000 rows'))
      when p_void and v_run.kind not in ('payments', 'invoices') then
        ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_void', 'problem', 'for payments and invoices only'))
      when p_void and p_only_backfill then
        ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_void', 'problem', 'not with p_only_backfill, which leaves all that was imported'))
      when p_only_backfill and not v_is_backfilled then
        ledger.refuse('import_conflict', jsonb_build_object('run_id', p_run_id, 'state', v_run.state, 'wanted', 'an abort of its backfill', 'expected', 'backfilled'))
      when p_void or v_is_backfilled then ledger.refuse_beside_backfill(p_run_id)
    end);
  if v_answer is not null then
    return next jsonb_populate_record(null::public.import_abort_result, v_answer);
    return;
  end if;

  -- write: synthetic allocations first, then what they were made of
  perform set_config('ledger.procedure', 'import_abort', true);
  v_result := row(true, null, null, null, null, p_run_id, v_run.kind, v_run.state, 0, 0, 0, false);
  v_result.dropped_amount := ledger.drop_synthetic_allocations(p_run_id, p_limit, v_actor, coalesce(p_reason, 'import aborted'));
  v_result.done := not ledger.has_synthetic_allocations(p_run_id);
  if not v_result.done or (p_void and v_result.dropped_amount > 0) then
    -- voiding begins at the first account again, and so in another call
    perform ledger.hold_backfill(p_run_id, v_actor);
    v_result.done := false;
  elsif coalesce(p_void, false) then
    select n.voided_rows, n.kept_rows, n.is_done into v_result.voided_rows, v_result.kept_rows, v_result.done
    from ledger.void_imported(v_run, p_limit, v_actor, coalesce(p_reason, 'import aborted')) n;
  end if;
  if v_result.done then
    v_result.state := ledger.end_backfill(v_run, coalesce(p_only_backfill, false), p_reason, v_actor);
  end if;

  -- answer
  perform set_config('ledger.procedure', '', true);
  return next v_result;
end $$;
revoke execute on function public.import_abort(uuid, text, boolean, integer, uuid, boolean) from public, anon;
grant execute on function public.import_abort(uuid, text, boolean, integer, uuid, boolean) to authenticated, service_role;
comment on function public.import_abort(uuid, text, boolean, integer, uuid, boolean) is
  'Ends an import, p_limit rows a call until done: reverses the synthetic allocations of its backfill (dropped_amount, minor units) and nothing that people did; with p_void also voids its payments or invoices that are untouched (voided_rows; kept_rows are not), and forgets their names, so that they can be imported again. p_only_backfill ends the backfill alone. Needs imports.run, which is all that voiding needs here. Errors: import_not_found, import_conflict, invalid_argument, backfill_running (that of another import). Source 002, 16.5.';
