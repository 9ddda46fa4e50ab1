/*
 * Applies one plan whose subject is locked. The truth is reckoned anew: a plan that does not change the same by
 * as much is stale, and one whose figures have moved on since is written as they are now. What fails undoes itself and nothing else.
 */
create function ledger.carry_out_repair(p_action public.reconciliation_actions, p_reason text, p_actor ledger.actor)
returns public.reconciliation_actions
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_repair ledger.repair;
  v_action public.reconciliation_actions := p_action;
begin
  begin
    v_repair := ledger.repair_of(p_action.repair, p_action.subject);
    if v_repair.problem is not null or ledger.changes_of_lines(v_repair.lines) is distinct from ledger.changes_of_lines(p_action.plan) then
      v_action.status := 'stale';
      v_action.error_code := 'stale';
      v_action.error_message := coalesce(v_repair.problem, 'what there is to mend is not what was planned');
    else
      v_action.plan := v_repair.lines;
      v_action.undo := ledger.write_repair(v_action.plan);
      -- checks that wait for the commit are asked now, where only this repair is undone by them
      set constraints all immediate;
      set constraints all deferred;
      if (ledger.repair_of(p_action.repair, p_action.subject)).lines <> '[]' then
        raise exception using errcode = 'OL002', message = 'it is not mended by what was planned';
      end if;
      v_action.event_id := ledger.record_operation('integrity.repaired', v_repair.stream_type, p_action.subject, v_repair.account_id,
        jsonb_build_object('action_id', p_action.id, 'repair', p_action.repair, 'check_code', p_action.check_code, 'run_id', p_action.run_id,
                           'diff_amount', p_action.diff_amount, 'lines', v_action.plan, 'reason', p_reason),
        p_actor, ledger.correlation_id());
      v_action.status := 'applied';
      v_action.applied_at := clock_timestamp();
      v_action.applied_by := p_actor.user_id;
    end if;
  exception when others then
    v_action := p_action;
    v_action.status := 'failed';
    v_action.error_code := sqlstate;
    v_action.error_message := sqlerrm;
  end;
  update public.reconciliation_actions a set
    status = v_action.status, plan = v_action.plan, error_code = v_action.error_code, error_message = left(v_action.error_message, 2000), applied_at = v_action.applied_at,
    applied_by = v_action.applied_by, event_id = v_action.event_id, undo = v_action.undo, updated_at = clock_timestamp()
  where a.id = p_action.id
  returning a.* into v_action;
  return v_action;
end $$;
comment on function ledger.carry_out_repair(public.reconciliation_actions, text, ledger.actor) is 'Applies a plan whose subject is locked, or says why not; answers the action.';

/*
 * Which open plans are taken on: of an account, or those named, or all; as many and as much as the limits allow,
 * those first that others rest on. One that raises a balance finishes what a forger began, if the events it
 * follows from are forged: it has to be named.
 */
create type ledger.chosen_repairs as (action_ids uuid[], amount bigint, left_count bigint);
comment on type ledger.chosen_repairs is 'Plans within the limits, what they come to (minor units, units of stock), and how many are left beyond them.';

create function ledger.choose_repairs(p_account_id uuid, p_action_ids uuid[], p_max_repairs bigint, p_max_amount bigint)
returns ledger.chosen_repairs
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_action record;
  v_chosen ledger.chosen_repairs := row('{}', 0, 0);
begin
  for v_action in
    select a.id, a.diff_amount, p_action_ids is null and ledger.raises_a_balance(a.plan) as is_left
    from public.reconciliation_actions a
    join ledger.repair_kinds k on k.kind = a.repair
    where a.status = 'planned' and (p_account_id is null or a.account_id = p_account_id) and (p_action_ids is null or a.id = any (p_action_ids))
    order by k.position, a.id
  loop
    if not v_action.is_left and cardinality(v_chosen.action_ids) < p_max_repairs and v_action.diff_amount <= p_max_amount - v_chosen.amount then
      v_chosen.action_ids := v_chosen.action_ids || v_action.id;
      v_chosen.amount := v_chosen.amount + v_action.diff_amount;
    else
      v_chosen.left_count := v_chosen.left_count + 1;
    end if;
  end loop;
  return v_chosen;
end $$;
comment on function ledger.choose_repairs(uuid, uuid[], bigint, bigint) is 'Open plans that fit the limits.';

/*
 * Applies plans, each for itself. All they touch is locked before the first of them, because a second order
 * may not be locked behind the account of the first. The caller has set ledger.procedure.
 */
create function ledger.carry_out_repairs(p_action_ids uuid[], p_reason text, p_actor ledger.actor)
returns setof public.reconciliation_actions
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_action public.reconciliation_actions;
begin
  -- lock: one who plans, applies or undoes at a time, because a plan writes to actions in no order; then all it touches
  perform pg_advisory_xact_lock(hashtextextended('plan repairs', 0));
  perform from public.reconciliation_actions a where a.id = any (p_action_ids) order by a.id for no key update;
  perform ledger.lock_for_repairs(p_action_ids);
  -- who switched the flag off while this waited wants nothing repaired, and who does so now waits until this is done
  perform from public.feature_flags f where f.key = 'active_reconciliation' and f.state = 'enforce' for no key update;
  if not found then
    return;
  end if;
  for v_action in
    select a.* from public.reconciliation_actions a join ledger.repair_kinds k on k.kind = a.repair
    -- who applied it meanwhile was first
    where a.id = any (p_action_ids) and a.status = 'planned'
    order by k.position, a.id
  loop
    return next ledger.carry_out_repair(v_action, p_reason, p_actor);
  end loop;
  perform ledger.switch_off_failing_repairs();
end $$;
comment on function ledger.carry_out_repairs(uuid[], text, ledger.actor) is 'Applies these plans as far as they are open, and answers them; none when active_reconciliation is not at enforce any more.';

/* Criterion of source 002, 16.8: of the repairs tried since the flag was set at most this share may fail. The alert is over once some have succeeded since. */
create function ledger.switch_off_failing_repairs()
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_flag public.feature_flags;
  v_failed bigint;
  v_tried bigint;
  v_run_id uuid;
begin
  select f.* into v_flag from public.feature_flags f where f.key = 'active_reconciliation';
  select count(*) filter (where a.status = 'failed'), count(*), (array_agg(a.run_id order by a.updated_at desc) filter (where a.status = 'failed'))[1]
  into v_failed, v_tried, v_run_id
  from public.reconciliation_actions a
  where a.status in ('applied', 'failed', 'undone') and a.updated_at > v_flag.updated_at and coalesce(a.applied_at, a.updated_at) > v_flag.updated_at;
  if v_flag.state <> 'off' and v_failed * 100 > v_tried * ledger.setting_text('reconciliation_failure_percent')::bigint then
    perform ledger.change_flag('active_reconciliation', 'off', 0, format('%s of %s repairs failed', v_failed, v_tried), null, v_run_id);
    perform ledger.raise_alert('reconciliation_failures', 'active_reconciliation', v_failed, jsonb_build_object('failed', v_failed, 'tried', v_tried, 'run_id', v_run_id));
  elsif v_failed = 0 and v_tried > 0 then
    perform ledger.resolve_alerts('reconciliation_failures', '{}');
  end if;
end $$;
comment on function ledger.switch_off_failing_repairs() is 'Switches active_reconciliation off when too many of the repairs failed that were tried since it was set.';
