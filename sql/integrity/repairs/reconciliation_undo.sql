create type public.reconciliation_undo_result as (
  success boolean, transaction_id uuid, error_code text, error_message text, error_details jsonb,
  action_id uuid, status text, lines jsonb, event_id bigint
);

/* Puts the rows of an applied repair back, all or none; answers why that cannot be done, or null. */
create function ledger.put_back(p_action public.reconciliation_actions)
returns text
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  perform ledger.write_repair(p_action.undo -> 'lines');
  set constraints all immediate;
  set constraints all deferred;
  return null;
-- what was there before may be what a rule of the tables forbids
exception when check_violation or foreign_key_violation or unique_violation or sqlstate 'OL002' then
  return sqlerrm;
end $$;
comment on function ledger.put_back(public.reconciliation_actions) is 'Writes the lines of a repair the other way round; answers why not, and has then written nothing.';

/* Takes a repair back that was wrong: what was there before is there again, and the checks find it again. */
create function public.reconciliation_undo(p_action_id uuid, p_reason text default null, p_idempotency_key text default null, p_actor_id uuid default null)
returns setof public.reconciliation_undo_result
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_actor ledger.actor;
  v_request jsonb;
  v_answer jsonb;
  v_action public.reconciliation_actions;
  v_changed jsonb;
  v_problem text;
  v_result public.reconciliation_undo_result;
begin
  -- who may
  v_actor := ledger.require_permission(ledger.current_actor(p_actor_id), 'integrity.repair');

  -- asked before
  v_request := jsonb_build_array(p_action_id, p_reason, p_actor_id);
  v_answer := ledger.idempotency_begin('reconciliation_undo', p_idempotency_key, v_actor.caller_id, v_request);
  if v_answer is not null then
    return next jsonb_populate_record(v_result, v_answer);
    return;
  end if;

  -- lock: who plans or applies, the action, then what it wrote
  perform pg_advisory_xact_lock(hashtextextended('plan repairs', 0));
  select a.* into v_action from public.reconciliation_actions a where a.id = p_action_id for no key update;
  perform ledger.lock_for_repairs(array[p_action_id]);

  -- check: every row is as the repair left it
  v_changed := (select r.row from jsonb_array_elements(v_action.undo -> 'rows') r (row)
                where ledger.digest_of_row(format('public.%I', r.row ->> 'relation')::regclass, r.row -> 'key') is distinct from r.row ->> 'digest' limit 1);
  v_answer := case
    when length(p_reason) > 2000 then ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_reason', 'problem', 'at most 2000 characters'))
    when v_action.id is null then ledger.refuse('repair_not_found', jsonb_build_object('action_id', p_action_id))
    when v_action.status <> 'applied' then
      ledger.refuse('repair_not_undoable', jsonb_build_object('action_id', p_action_id, 'reason', format('it is %s', v_action.status)))
    when v_action.diff_amount > ledger.setting_text('reconciliation_max_amount')::bigint then
      ledger.refuse('repair_not_undoable', jsonb_build_object('action_id', p_action_id, 'reason',
        format('it comes to %s, and reconciliation_max_amount is %s', v_action.diff_amount, ledger.setting_text('reconciliation_max_amount'))))
    when v_changed is not null then
      ledger.refuse('repair_not_undoable', jsonb_build_object('action_id', p_action_id, 'reason',
        format('%s %s was changed since', v_changed ->> 'relation', v_changed -> 'key')))
  end;

  -- write
  if v_answer is null then
    perform set_config('ledger.procedure', 'reconciliation_undo', true);
    v_problem := ledger.put_back(v_action);
    if v_problem is not null then
      perform set_config('ledger.procedure', '', true);
      v_answer := ledger.refuse('repair_not_undoable', jsonb_build_object('action_id', p_action_id, 'reason', v_problem));
    end if;
  end if;
  if v_answer is not null then
    return next jsonb_populate_record(v_result, v_answer);
    return;
  end if;

  -- record
  v_result.event_id := ledger.record_operation('integrity.repair_undone', v_action.stream_type, v_action.subject, v_action.account_id,
    jsonb_build_object('action_id', v_action.id, 'repair', v_action.repair, 'check_code', v_action.check_code, 'run_id', v_action.run_id,
                       'diff_amount', v_action.diff_amount, 'lines', v_action.undo -> 'lines', 'reason', p_reason),
    v_actor, ledger.correlation_id());
  update public.reconciliation_actions a set status = 'undone', undone_at = clock_timestamp(), undone_by = v_actor.user_id,
    undo_event_id = v_result.event_id, updated_at = clock_timestamp()
  where a.id = p_action_id;

  -- answer, stored under the key
  v_result.success := true;
  v_result.action_id := v_action.id;
  v_result.status := 'undone';
  v_result.lines := v_action.undo -> 'lines';
  v_answer := ledger.idempotency_end('reconciliation_undo', p_idempotency_key, v_actor.caller_id, v_request, v_action.account_id, to_jsonb(v_result));
  perform set_config('ledger.procedure', '', true);
  return next v_result;
end $$;
revoke execute on function public.reconciliation_undo(uuid, text, text, uuid) from public, anon;
grant execute on function public.reconciliation_undo(uuid, text, text, uuid) to authenticated, service_role;
comment on function public.reconciliation_undo(uuid, text, text, uuid) is
  'Undoes an applied repair: its rows say again what they said before (lines: diff lines, amounts in minor units), with an event integrity.repair_undone, and the next run finds it again; the same is not planned for it a second time. Only up to the setting reconciliation_max_amount, while each of these rows is as the repair left it; whatever state active_reconciliation has. Needs integrity.repair. Errors: repair_not_found, repair_not_undoable, invalid_argument. Source 002, E-B4.';
