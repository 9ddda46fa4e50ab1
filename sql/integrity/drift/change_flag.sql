/*
 * Flags of the move to allocations change in an order (source 002, 16.8 and R13): the debt is read from
 * the cache only after runs without any drift, and by a share of accounts before it is by all. The
 * way back is always open. ledger_backfill_mode is that of the backfill under way, and only its own.
 * active_reconciliation enforces only what was dry for a run of all checks: its plans could be looked at.
 */
create function ledger.refuse_flag(p_flag public.feature_flags, p_state text, p_percentage smallint)
returns jsonb
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_needed integer := ledger.setting_text('drift_free_runs')::integer;
  v_check text := case p_flag.key when 'allocation_read_switch' then 'debt_cache' when 'allocation_dual_write' then 'old_flags' end;
  v_is_wider boolean := case p_flag.key
    when 'allocation_read_switch' then (case p_state when 'full' then 100 when 'canary' then p_percentage else 0 end)
                                     > (case p_flag.state when 'full' then 100 when 'canary' then p_flag.percentage else 0 end)
    when 'allocation_dual_write' then p_state = 'enforce' and p_flag.state <> 'enforce'
    else false end;
  v_clean bigint;
begin
  if p_flag.key is null or not p_state = any (p_flag.allowed_states) then
    return ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_state',
      'problem', 'one of ' || array_to_string(p_flag.allowed_states, ', ')));
  elsif p_percentage not between 0 and 100 or (p_flag.key = 'allocation_read_switch' and p_state = 'canary' and p_percentage not between 1 and 99) then
    return ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_percentage',
      'problem', 'from 0 to 100; from 1 to 99 for canary'));
  elsif p_flag.key = 'ledger_backfill_mode' and p_state <> p_flag.state
        and coalesce(current_setting('ledger.procedure', true), '') not in ('import_backfill', 'import_abort') then
    -- off, when somebody left it on that is gone
    return case when p_state <> 'off' then
        ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_state', 'problem', 'off: import_backfill closes allocations, and opens them again'))
      else ledger.refuse_beside_backfill() end;
  elsif p_flag.key = 'active_reconciliation' and p_state = 'enforce' and p_flag.state <> 'enforce' then
    -- what would be written was there to be seen first
    v_clean := (select count(*) from public.reconciliation_runs r where r.check_code = 'books' and r.horizon is not null and r.created_at > p_flag.updated_at);
    return case when p_flag.state <> 'dry' or v_clean = 0 then
      ledger.refuse('reconciliation_not_tried', jsonb_build_object('state', p_flag.state, 'runs', case p_flag.state when 'dry' then v_clean else 0 end)) end;
  elsif not v_is_wider then
    return null;
  end if;
  -- what was found long ago, or before the flags were kept, says nothing of now
  v_clean := (select count(*) from (select r.status, r.created_at from public.reconciliation_runs r where r.check_code = v_check order by r.id desc limit v_needed) r
              where r.status = 'OK' and r.created_at > clock_timestamp() - interval '1 day'
                and (v_check = 'debt_cache' or r.created_at > p_flag.updated_at and p_flag.state = 'shadow'));
  return case
    when v_clean < v_needed then
      ledger.refuse('drift_not_ruled_out', jsonb_build_object('flag', p_flag.key, 'check', v_check, 'needed', v_needed, 'clean', v_clean))
    when (select f.state from public.feature_flags f where f.key = 'ledger_backfill_mode') <> 'off' then
      ledger.refuse('backfill_running', jsonb_build_object('mode',
        (select f.state from public.feature_flags f where f.key = 'ledger_backfill_mode')))
  end;
end $$;
comment on function ledger.refuse_flag(public.feature_flags, text, smallint) is 'The refusal for a state that this flag cannot take now, or null.';

/* Hands in the dashboard meet the same rules. */
create function ledger.check_flag()
returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_refusal jsonb := ledger.refuse_flag(old, new.state, new.percentage);
begin
  if old.key = 'allocation_dual_write' and old.state = 'off' and new.state <> 'off'
     and coalesce(current_setting('ledger.procedure', true), '') = '' then
    raise exception using errcode = 'insufficient_privilege',
      message = 'dual writing is not switched on by hand: the old flags have to take over what is allocated so far',
      hint = 'Call ledger_set_flag.';
  elsif v_refusal is not null then
    raise exception using errcode = 'check_violation', message = v_refusal ->> 'error_message', detail = (v_refusal -> 'error_details')::text;
  end if;
  return new;
end $$;
comment on function ledger.check_flag() is 'Trigger: refuses a state of a flag that its rules do not allow yet.';

create trigger flags_change_in_order before update of state, percentage on public.feature_flags
  for each row execute function ledger.check_flag();
select ledger.enable_always('public.feature_flags', array['flags_change_in_order']);

/* Gives a flag its state, with event, audit line and message; nothing when it has it. The caller has set ledger.procedure. */
create function ledger.change_flag(p_key text, p_state text, p_percentage integer, p_reason text, p_actor ledger.actor, p_run_id uuid default null)
returns boolean
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_flag public.feature_flags;
begin
  select f.* into v_flag from public.feature_flags f where f.key = p_key for update;
  if (v_flag.state, v_flag.percentage) = (p_state, p_percentage) then
    return false;
  end if;
  update public.feature_flags f set state = p_state, percentage = p_percentage, updated_at = clock_timestamp() where f.key = p_key;
  if p_key = 'allocation_dual_write' and v_flag.state = 'off' then
    perform ledger.fill_old_flags();
  end if;
  perform ledger.record_operation(
    case when p_run_id is null then 'flag.changed' else 'flag.switched_off' end, 'feature_flag', md5(p_key)::uuid, null,
    jsonb_build_object('flag', p_key, 'from_state', v_flag.state, 'from_percentage', v_flag.percentage, 'to_state', p_state,
                       'to_percentage', p_percentage, 'cause', p_reason, 'run_id', p_run_id),
    p_actor, ledger.correlation_id());
  return true;
end $$;
comment on function ledger.change_flag(text, text, integer, text, ledger.actor, uuid) is
  'Changes a feature flag and records it; p_run_id: the run that made it be switched off. Answers whether anything changed.';

create type public.ledger_set_flag_result as (
  success boolean, transaction_id uuid, error_code text, error_message text, error_details jsonb,
  key text, state text, percentage integer, previous_state text, previous_percentage integer
);

/* Switches a feature flag, within its rules. Source 002, 16.8. */
create function public.ledger_set_flag(
  p_key text,
  p_state text,
  p_percentage integer default 0,
  p_reason text default null,
  p_idempotency_key text default null,
  p_actor_id uuid default null)
returns setof public.ledger_set_flag_result
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_actor ledger.actor;
  v_request jsonb;
  v_answer jsonb;
  v_flag public.feature_flags;
  v_result public.ledger_set_flag_result;
begin
  -- who may
  v_actor := ledger.require_permission(ledger.current_actor(p_actor_id), 'flags.set');

  -- asked before
  v_request := jsonb_build_array(p_key, p_state, p_percentage, p_reason, p_actor_id);
  v_answer := ledger.idempotency_begin('ledger_set_flag', p_idempotency_key, v_actor.caller_id, v_request);
  if v_answer is not null then
    return next jsonb_populate_record(null::public.ledger_set_flag_result, v_answer);
    return;
  end if;

  -- lock: flag
  select f.* into v_flag from public.feature_flags f where f.key = p_key for update;

  -- check
  v_answer := case
    when v_flag.key is null then ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_key', 'problem',
      'one of ' || (select string_agg(f.key, ', ' order by f.key) from public.feature_flags f)))
    when p_state is null or p_percentage is null or p_percentage not between 0 and 100 then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_state, p_percentage', 'problem', 'a state, and a percentage from 0 to 100'))
    when length(p_reason) > 2000 then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_reason', 'problem', 'at most 2000 characters'))
    else ledger.refuse_flag(v_flag, p_state, p_percentage::smallint)
  end;
  if v_answer is not null then
    return next jsonb_populate_record(null::public.ledger_set_flag_result, v_answer);
    return;
  end if;

  -- write and record
  perform set_config('ledger.procedure', 'ledger_set_flag', true);
  perform ledger.change_flag(p_key, p_state, p_percentage, p_reason, v_actor);

  -- answer, stored under the key
  v_result := row(true, null, null, null, null, p_key, p_state, p_percentage, v_flag.state, v_flag.percentage);
  v_answer := ledger.idempotency_end('ledger_set_flag', p_idempotency_key, v_actor.caller_id, v_request, null, to_jsonb(v_result));
  perform set_config('ledger.procedure', '', true);
  return next v_result;
end $$;
revoke execute on function public.ledger_set_flag(text, text, integer, text, text, uuid) from public, anon;
grant execute on function public.ledger_set_flag(text, text, integer, text, text, uuid) to authenticated, service_role;
comment on function public.ledger_set_flag(text, text, integer, text, text, uuid) is
  'Switches a feature flag. allocation_dual_write: off, shadow, enforce; leaving off takes the old flags over from what is allocated. allocation_read_switch: off, canary (p_percentage of the accounts, by a stable hash), full. Reading from the cache by more accounts, or enforcing, needs as many last runs without drift as the setting drift_free_runs says. ledger_backfill_mode: off only, and not while a backfill is under way. active_reconciliation: off, dry, enforce; enforce only from dry, after a run of all checks. Needs flags.set. Errors: invalid_argument, drift_not_ruled_out, reconciliation_not_tried, backfill_running. Source 002, 16.8.';
