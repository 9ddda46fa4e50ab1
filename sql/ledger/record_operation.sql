/*
 * What every operation leaves behind beside its money: one event, one audit line, one outbox
 * message of the same type, written together.
 */
create function ledger.record_operation(
  p_event_type text,
  p_stream_type text,
  p_stream_id uuid,
  p_account_id uuid,
  p_payload jsonb,
  p_actor ledger.actor,
  p_correlation_id uuid,
  p_causation_id uuid default null)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_role text := coalesce(nullif(current_setting('role', true), ''), 'none');
begin
  insert into public.immutable_events
    (event_type, stream_type, stream_id, account_id, payload, actor_id, correlation_id, causation_id)
  values (p_event_type, p_stream_type, p_stream_id, p_account_id, p_payload, p_actor.user_id, p_correlation_id, p_causation_id);

  insert into public.audit_log
    (action, target_type, target_id, account_id, actor_id, actor_role, ip_address, user_agent, correlation_id)
  values (p_event_type, p_stream_type, p_stream_id::text, p_account_id, p_actor.user_id,
          case v_role when 'none' then session_user else v_role end,
          ledger.client_address(), ledger.request_header('user-agent'), p_correlation_id);

  insert into ledger.outbox (account_id, type, payload)
  values (p_account_id, p_event_type,
          p_payload || jsonb_build_object('stream_id', p_stream_id, 'correlation_id', p_correlation_id));
end $$;
comment on function ledger.record_operation(text, text, uuid, uuid, jsonb, ledger.actor, uuid, uuid) is
  'Appends the event, the audit line and the outbox message of an operation.';
