create type public.import_backfill_result as (
  success boolean, transaction_id uuid, error_code text, error_message text, error_details jsonb,
  run_id uuid, backfill_state text, mode text, allocated_amount bigint, done boolean, report jsonb
);

/*
 * Makes allocations of what the flags of an older system say (source 002, 16.5), step by step, to be
 * called until done: the first call closes allocations (ledger_backfill_mode read_only) and counts what is
 * flagged; the next ones write, p_limit accounts at a time (active: nobody else allocates); the last one
 * compares sums and opens them again (off). A drift above the setting backfill_drift_ppm_limit takes
 * every row back. A dry run plans, and changes nothing. For one customer (p_user_id) all of it is one transaction,
 * guarded by the account's lock alone.
 */
create function public.import_backfill(
  p_run_id uuid default null, p_user_id uuid default null, p_dry_run boolean default false, p_limit integer default 200, p_actor_id uuid default null)
returns setof public.import_backfill_result
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_actor ledger.actor;
  v_answer jsonb;
  v_run public.import_runs;
  v_mode text;
  v_result public.import_backfill_result;
begin
  -- who may
  v_actor := ledger.actor_with(p_actor_id, 'imports.run');

  -- lock: run; the mode is one for all of them
  if p_run_id is not null then
    select r.* into v_run from public.import_runs r where r.id = p_run_id for no key update;
  end if;
  perform pg_advisory_xact_lock(hashtextextended('import_backfill', 0));
  v_mode := (select f.state from public.feature_flags f where f.key = 'ledger_backfill_mode');

  -- check
  v_answer := case
    when (p_run_id is null) = (p_user_id is null) then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_run_id, p_user_id', 'problem', 'one of both: an import, or a customer'))
    when p_limit is null or p_limit not between 1 and 10000 then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_limit', 'problem', 'from 1 to 10000 accounts'))
    when p_user_id is not null and not exists (select from public.accounts a where a.user_id = p_user_id) then
      ledger.refuse('customer_not_found', jsonb_build_object('user_id', p_user_id))
    when p_run_id is not null and v_run.kind <> 'payments' then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_run_id', 'problem', 'an import of payments, for their flags are followed'))
    when p_run_id is not null then ledger.refuse_import_state(p_run_id, v_run, 'a backfill', '{applied}')
  end;
  v_answer := coalesce(v_answer, case when v_mode <> case when v_run.backfill_state = 'reading' then 'read_only'
                                                          when v_run.backfill_state in ('writing', 'drifted') then 'active' else 'off' end then
    ledger.refuse('backfill_running', jsonb_build_object('mode', v_mode)) end);
  if v_answer is not null then
    return next jsonb_populate_record(null::public.import_backfill_result, v_answer);
    return;
  end if;

  -- write: a step of the run, or the customer at once
  perform set_config('ledger.procedure', 'import_backfill', true);
  v_result := case
    when coalesce(p_dry_run, false) then ledger.look_at_backfill(v_run, p_user_id)
    when p_user_id is not null then ledger.backfill_customer(p_user_id, v_actor)
    else ledger.step_backfill(v_run, p_limit, v_actor) end;

  -- answer
  perform set_config('ledger.procedure', '', true);
  v_result.mode := (select f.state from public.feature_flags f where f.key = 'ledger_backfill_mode');
  return next v_result;
end $$;
revoke execute on function public.import_backfill(uuid, uuid, boolean, integer, uuid) from public, anon;
grant execute on function public.import_backfill(uuid, uuid, boolean, integer, uuid) to authenticated, service_role;
comment on function public.import_backfill(uuid, uuid, boolean, integer, uuid) is
  'Backfills synthetic allocations of an applied import of payments, a step a call until done, or of one customer at once. report, in minor units: {"accounts", "payments", "flagged_amount", "expected_amount" (what imported invoices can take of it), "synthetic_amount", "without_claim", "drift", "invoices_not_found", "statuses_that_differ"}. Needs imports.run. Errors: invalid_argument, import_not_found, import_conflict, customer_not_found, backfill_running (the mode is not where this backfill left it); sums of a customer that drift raise, and nothing is changed. Source 002, 16.5.';
