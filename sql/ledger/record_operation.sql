/*
 * What every operation leaves behind beside its money: one event, one audit line, one outbox
 * message of the same type, written together. The message points to its event instead of repeating
 * it, which halves what an order writes as JSON. Answers the event's id.
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
returns bigint
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_headers jsonb := ledger.request_headers();
  v_event_id bigint := nextval('ledger.event_id_seq');
  v_now timestamptz;
begin
  insert into public.immutable_events as e
    (id, event_type, stream_type, stream_id, account_id, payload, actor_id, correlation_id, causation_id)
  values
    (v_event_id, p_event_type, p_stream_type, p_stream_id, p_account_id,
     ledger.event_payload(v_event_id, p_account_id, p_stream_type, p_payload), p_actor.user_id, p_correlation_id, p_causation_id)
  returning e.occurred_at into v_now;

  insert into public.audit_log
    (occurred_at, action, target_type, target_id, account_id, actor_id, actor_role, ip_address, user_agent, correlation_id)
  values
    (v_now, p_event_type, p_stream_type, p_stream_id::text, p_account_id, p_actor.user_id,
     ledger.role_of_call(), ledger.client_address(v_headers), v_headers ->> 'user-agent', p_correlation_id);

  insert into ledger.outbox (account_id, type, event_id, created_at, next_retry_at)
  values (p_account_id, p_event_type, v_event_id, v_now, v_now);
  return v_event_id;
end $$;
comment on function ledger.record_operation(text, text, uuid, uuid, jsonb, ledger.actor, uuid, uuid) is
  'Appends the event, the audit line and the outbox message of an operation; answers the event''s id.';

/* Messages with what they say. A message and its event have the same time, which names the event's partition. */
create view ledger.outbox_messages
with (security_invoker = true)
as
  select o.id, o.account_id, o.type,
         coalesce(o.payload, case when e.payload ?| ledger.text_keys() and ledger.is_of_erased(e.account_id)
                                  then e.payload - ledger.text_keys() else e.payload end
                             - 'texts_digest' || coalesce(t.texts, '{}')
                             || jsonb_build_object('stream_id', e.stream_id, 'correlation_id', e.correlation_id)) as payload,
         o.status, o.retry_count, o.next_retry_at, o.error_last, o.created_at
  from ledger.outbox o
  left join public.immutable_events e on e.id = o.event_id and e.occurred_at = o.created_at
  left join public.event_texts t on t.event_id = o.event_id;
comment on view ledger.outbox_messages is 'The outbox with each message''s payload.';
