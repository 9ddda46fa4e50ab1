/* An event that is still to be written: what ledger.record_operations writes several of. */
create type ledger.event_draft as (
  event_type text,
  stream_type text,
  stream_id uuid,
  account_id uuid,
  payload jsonb,
  causation_id uuid
);

/*
 * The same as ledger.record_operation for all that one operation has to tell, in this order: each INSERT
 * is entered once for all of them. They have one moment.
 */
create function ledger.record_operations(p_events ledger.event_draft[], p_actor_id uuid, p_correlation_id uuid)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_headers jsonb := ledger.request_headers();
  v_now timestamptz := clock_timestamp();
begin
  with drafts as materialized (
    select nextval('ledger.event_id_seq') as id, d.* from unnest(p_events) d),
  events as (
    insert into public.immutable_events
      (id, occurred_at, event_type, stream_type, stream_id, account_id, payload, actor_id, correlation_id, causation_id)
    select d.id, v_now, d.event_type, d.stream_type, d.stream_id, d.account_id,
           ledger.event_payload(d.id, d.account_id, d.stream_type, d.payload), p_actor_id, p_correlation_id, d.causation_id
    from drafts d),
  audit as (
    insert into public.audit_log
      (occurred_at, action, target_type, target_id, account_id, actor_id, actor_role, ip_address, user_agent, correlation_id)
    select v_now, d.event_type, d.stream_type, d.stream_id::text, d.account_id, p_actor_id,
           ledger.role_of_call(), ledger.client_address(v_headers), v_headers ->> 'user-agent', p_correlation_id
    from drafts d)
  insert into ledger.outbox (account_id, type, event_id, created_at, next_retry_at)
  select d.account_id, d.event_type, d.id, v_now, v_now from drafts d;
end $$;
comment on function ledger.record_operations(ledger.event_draft[], uuid, uuid) is
  'Appends events, in this order, each with its audit line and its outbox message.';
