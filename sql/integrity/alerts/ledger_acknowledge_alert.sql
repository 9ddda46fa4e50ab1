create type public.ledger_acknowledge_alert_result as (
  success boolean, transaction_id uuid, error_code text, error_message text, error_details jsonb,
  alert_id uuid, rule_code text, subject text, status text, acknowledged_at timestamptz
);

/* Somebody looks after an alert: the first who says so. It goes on until its cause is gone. Source 002, E-C4. */
create function public.ledger_acknowledge_alert(
  p_alert_id uuid,
  p_notes text default null,
  p_idempotency_key text default null,
  p_actor_id uuid default null)
returns setof public.ledger_acknowledge_alert_result
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_actor ledger.actor;
  v_request jsonb;
  v_answer jsonb;
  v_alert public.alerts;
  v_result public.ledger_acknowledge_alert_result;
begin
  -- who may
  v_actor := ledger.actor_with(p_actor_id, 'alerts.handle');

  -- asked before
  v_request := jsonb_build_array(p_alert_id, p_notes, p_actor_id);
  v_answer := ledger.idempotency_begin('ledger_acknowledge_alert', p_idempotency_key, v_actor.caller_id, v_request);
  if v_answer is not null then
    return next jsonb_populate_record(null::public.ledger_acknowledge_alert_result, v_answer);
    return;
  end if;

  -- lock: alert
  select a.* into v_alert from public.alerts a where a.id = p_alert_id for no key update;

  -- check
  v_answer := case
    when v_alert.id is null then ledger.refuse('alert_not_found', jsonb_build_object('alert_id', p_alert_id))
    when length(p_notes) > 2000 then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_notes', 'problem', 'at most 2000 characters'))
    when v_alert.status <> 'open' then
      ledger.refuse('alert_conflict', jsonb_build_object('status', v_alert.status, 'acknowledged_by', v_alert.acknowledged_by))
  end;
  if v_answer is not null then
    return next jsonb_populate_record(null::public.ledger_acknowledge_alert_result, v_answer);
    return;
  end if;

  -- write: alert
  perform set_config('ledger.procedure', 'ledger_acknowledge_alert', true);
  update public.alerts a set status = 'acknowledged', acknowledged_at = clock_timestamp(), acknowledged_by = v_actor.user_id, notes = p_notes
  where a.id = p_alert_id
  returning a.* into v_alert;

  -- record: the notes stay with the alert
  perform ledger.record_operation('alert.acknowledged', 'alert', v_alert.id, null,
    jsonb_build_object('alert_id', v_alert.id, 'rule', v_alert.rule_code, 'subject', v_alert.subject, 'value', v_alert.value,
                       'acknowledged_at', v_alert.acknowledged_at),
    v_actor, ledger.correlation_id());

  -- answer, stored under the key
  v_result := row(true, null, null, null, null, v_alert.id, v_alert.rule_code, v_alert.subject, v_alert.status, v_alert.acknowledged_at);
  v_answer := ledger.idempotency_end('ledger_acknowledge_alert', p_idempotency_key, v_actor.caller_id, v_request, null, to_jsonb(v_result));
  perform set_config('ledger.procedure', '', true);
  return next v_result;
end $$;
revoke execute on function public.ledger_acknowledge_alert(uuid, text, text, uuid) from public, anon;
grant execute on function public.ledger_acknowledge_alert(uuid, text, text, uuid) to authenticated, service_role;
comment on function public.ledger_acknowledge_alert(uuid, text, text, uuid) is
  'Says that somebody looks after an open alert (a row of alerts), with p_notes of up to 2000 characters. It is resolved when the next evaluation finds its value within the limit. Needs alerts.handle. Errors: alert_not_found, alert_conflict, invalid_argument, idempotency_conflict. Source 002, E-C4.';
