create type public.reconciliation_apply_result as (
  success boolean, transaction_id uuid, error_code text, error_message text, error_details jsonb,
  dry_run boolean, applied_count bigint, stale_count bigint, failed_count bigint, left_count bigint, amount bigint, flag_state text, actions jsonb
);

/* What is wrong with the arguments of reconciliation_apply, or with the time for it; null when nothing is. */
create function ledger.refuse_repairs(p_dry_run boolean, p_account_id uuid, p_action_ids uuid[], p_max_repairs integer, p_max_amount bigint, p_reason text)
returns jsonb
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_state text := (select f.state from public.feature_flags f where f.key = 'active_reconciliation');
begin
  return case
    when p_dry_run is null then ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_dry_run', 'problem', 'true or false'))
    when p_max_repairs < 0 then ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_max_repairs', 'problem', 'from 0 on'))
    when p_max_amount < 0 then ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_max_amount', 'problem', 'from 0 on'))
    when length(p_reason) > 2000 then ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_reason', 'problem', 'at most 2000 characters'))
    when p_account_id is not null and not exists (select from public.accounts a where a.id = p_account_id) then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_account_id', 'problem', 'the id of an account'))
    when cardinality(p_action_ids) > 1000 or array_ndims(p_action_ids) > 1 or array_position(p_action_ids, null) is not null then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_action_ids', 'problem', 'at most 1000 ids'))
    when v_state = 'off' or (v_state <> 'enforce' and not p_dry_run) then
      ledger.refuse('reconciliation_off', jsonb_build_object('state', v_state, 'needed', case when p_dry_run then 'dry or enforce' else 'enforce' end))
    when exists (select from unnest(p_action_ids) i (id) where not exists (select from public.reconciliation_actions a where a.id = i.id)) then
      ledger.refuse('repair_not_found', jsonb_build_object('action_id',
        (select min(i.id::text) from unnest(p_action_ids) i (id) where not exists (select from public.reconciliation_actions a where a.id = i.id))))
  end;
end $$;
comment on function ledger.refuse_repairs(boolean, uuid, uuid[], integer, bigint, text) is 'The refusal of reconciliation_apply, or null.';

/* What applying a plan would come to now. */
create function ledger.try_repair(p_action public.reconciliation_actions)
returns public.reconciliation_actions
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_repair ledger.repair := ledger.repair_of(p_action.repair, p_action.subject);
begin
  if v_repair.problem is not null or ledger.changes_of_lines(v_repair.lines) is distinct from ledger.changes_of_lines(p_action.plan) then
    p_action.status := 'stale';
    p_action.error_code := 'stale';
    p_action.error_message := coalesce(v_repair.problem, 'what there is to mend is not what was planned');
  end if;
  return p_action;
end $$;
comment on function ledger.try_repair(public.reconciliation_actions) is 'The action as it would be read now: planned when its plan holds, else stale. Writes nothing.';

/* Applies planned repairs, or shows what applying them would do. Source 002, E-B4 and 16.8. */
create function public.reconciliation_apply(
  p_dry_run boolean default true,
  p_account_id uuid default null,
  p_action_ids uuid[] default null,
  p_max_repairs integer default null,
  p_max_amount bigint default null,
  p_reason text default null,
  p_idempotency_key text default null,
  p_actor_id uuid default null)
returns setof public.reconciliation_apply_result
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_actor ledger.actor;
  v_request jsonb;
  v_answer jsonb;
  v_chosen ledger.chosen_repairs;
  v_actions public.reconciliation_actions[];
  v_result public.reconciliation_apply_result;
begin
  -- who may
  v_actor := ledger.require_permission(ledger.current_actor(p_actor_id), 'integrity.repair');

  -- asked before
  v_request := jsonb_build_array(p_dry_run, p_account_id, p_action_ids, p_max_repairs, p_max_amount, p_reason, p_actor_id);
  v_answer := ledger.idempotency_begin('reconciliation_apply', p_idempotency_key, v_actor.caller_id, v_request);
  v_answer := coalesce(v_answer, ledger.refuse_repairs(p_dry_run, p_account_id, p_action_ids, p_max_repairs, p_max_amount, p_reason));
  if v_answer is not null then
    return next jsonb_populate_record(v_result, v_answer);
    return;
  end if;

  -- check: the limits of the shop, or narrower ones
  v_chosen := ledger.choose_repairs(p_account_id, p_action_ids,
    least(p_max_repairs, ledger.setting_text('reconciliation_max_repairs')::bigint),
    least(p_max_amount, ledger.setting_text('reconciliation_max_amount')::bigint));

  -- lock, look again, write, record: plan by plan
  if p_dry_run then
    v_actions := array(select ledger.try_repair(a) from public.reconciliation_actions a where a.id = any (v_chosen.action_ids));
  else
    perform set_config('ledger.procedure', 'reconciliation_apply', true);
    v_actions := array(select r from ledger.carry_out_repairs(v_chosen.action_ids, p_reason, v_actor) r);
  end if;

  -- answer, stored under the key unless nothing was done
  select count(*) filter (where a.status in ('planned', 'applied')), count(*) filter (where a.status = 'stale'), count(*) filter (where a.status = 'failed'),
         coalesce(sum(a.diff_amount) filter (where a.status in ('planned', 'applied')), 0),
         coalesce(jsonb_agg(jsonb_build_object('id', a.id, 'check_code', a.check_code, 'repair', a.repair, 'subject', a.subject, 'account_id', a.account_id,
           'status', a.status, 'plan', a.plan, 'diff_amount', a.diff_amount, 'error_code', a.error_code, 'error_message', a.error_message)), '[]')
  into v_result.applied_count, v_result.stale_count, v_result.failed_count, v_result.amount, v_result.actions
  from unnest(v_actions) a;
  v_result.success := true;
  v_result.dry_run := p_dry_run;
  v_result.left_count := v_chosen.left_count + case when p_dry_run then 0 else (
    select count(*) from public.reconciliation_actions a where a.id = any (v_chosen.action_ids) and a.status = 'planned') end;
  v_result.flag_state := (select f.state from public.feature_flags f where f.key = 'active_reconciliation');
  if not p_dry_run then
    v_answer := ledger.idempotency_end('reconciliation_apply', p_idempotency_key, v_actor.caller_id, v_request, p_account_id, to_jsonb(v_result));
    perform set_config('ledger.procedure', '', true);
  end if;
  return next v_result;
end $$;
revoke execute on function public.reconciliation_apply(boolean, uuid, uuid[], integer, bigint, text, text, uuid) from public, anon;
grant execute on function public.reconciliation_apply(boolean, uuid, uuid[], integer, bigint, text, text, uuid) to authenticated, service_role;
comment on function public.reconciliation_apply(boolean, uuid, uuid[], integer, bigint, text, text, uuid) is
  'Applies open plans of reconciliation_plan (of an account, those named, or all), or with p_dry_run, the default, says what that would do and changes nothing. Each plan is reckoned anew under its locks and written only if it still changes the same by as much, else it is stale; one that fails undoes itself only. At most the settings reconciliation_max_repairs and reconciliation_max_amount (minor units of all currencies and units of stock together), or the narrower p_max_repairs and p_max_amount; left_count plans beyond them stay planned, and so do those that raise what an account has available unless p_action_ids names them. actions [{id, check_code, repair, subject, account_id, status, plan, diff_amount, error_code, error_message}], of a dry run with the status planned for what would be applied. Needs the flag active_reconciliation at enforce, for a dry run at dry; what waits while it is switched off applies nothing more; when more than reconciliation_failure_percent of the repairs tried since it was set have failed it is switched off (flag_state). Needs integrity.repair. Errors: reconciliation_off, repair_not_found, invalid_argument. Source 002, E-B4.';
