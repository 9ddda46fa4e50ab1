/*
 * Same caller, procedure and key: same answer, nothing done twice. The first lock of every
 * procedure is an advisory lock on the key, so the second of two simultaneous calls waits for the
 * first one's commit and then reads its answer. The row is written with the effect, at the end:
 * a refusal leaves nothing behind.
 */
create table ledger.idempotency_keys (
  caller_id uuid not null,
  procedure text not null,
  key text not null,
  account_id uuid,
  request_hash uuid not null,
  answer jsonb not null,
  created_at timestamptz not null default clock_timestamp(),
  -- ledger.call_durations
  started_at timestamptz not null default statement_timestamp(),
  primary key (caller_id, procedure, key)
);
-- ledger.purge_idempotency_keys
create index idempotency_keys_by_age on ledger.idempotency_keys using brin (created_at);
comment on table ledger.idempotency_keys is 'Answers by idempotency key, kept for the setting idempotency_retention_days.';
comment on column ledger.idempotency_keys.started_at is 'When the statement of the call came in; created_at is its last write.';
comment on column ledger.idempotency_keys.caller_id is 'auth.uid() of the caller; the nil UUID for a backend.';

-- without its key a retry would act a second time
create trigger keys_stay before update or delete on ledger.idempotency_keys
  for each statement execute function ledger.refuse_hand_edit('idempotency_keys', 'ledger.purge_idempotency_keys');
create trigger keys_are_never_truncated before truncate on ledger.idempotency_keys
  for each statement execute function ledger.refuse_hand_edit('idempotency_keys', 'ledger.purge_idempotency_keys');
select ledger.enable_always('ledger.idempotency_keys', array['keys_stay', 'keys_are_never_truncated']);

/* Null when the call is new (the key is locked from here on), else the answer to give back. */
create function ledger.idempotency_begin(p_procedure text, p_key text, p_caller_id uuid, p_request jsonb)
returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_request_hash uuid;
  v_answer jsonb;
begin
  if p_key is null then
    return null;
  end if;
  if length(p_key) not between 1 and 255 then
    return ledger.refuse('invalid_idempotency_key', jsonb_build_object('length', length(p_key)));
  end if;
  perform pg_advisory_xact_lock(hashtextextended(p_caller_id::text || p_procedure || ':' || p_key, 0));
  select k.request_hash, k.answer into v_request_hash, v_answer
  from ledger.idempotency_keys k
  where k.caller_id = p_caller_id and k.procedure = p_procedure and k.key = p_key;
  if not found then
    return null;
  end if;
  if v_request_hash <> md5(p_request::text)::uuid then
    return ledger.refuse('idempotency_conflict', jsonb_build_object('key', p_key, 'procedure', p_procedure));
  end if;
  perform ledger.add_response_header('Idempotency-Replayed', 'true');
  return v_answer;
end $$;
comment on function ledger.idempotency_begin(text, text, uuid, jsonb) is
  'Locks the key and answers what an earlier call with it was answered; null when there was none.';

create function ledger.idempotency_end(
  p_procedure text, p_key text, p_caller_id uuid, p_request jsonb, p_account_id uuid, p_answer jsonb)
returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  if p_key is not null then
    insert into ledger.idempotency_keys (caller_id, procedure, key, account_id, request_hash, answer)
    values (p_caller_id, p_procedure, p_key, p_account_id, md5(p_request::text)::uuid, p_answer);
  end if;
  return p_answer;
end $$;
comment on function ledger.idempotency_end(text, text, uuid, jsonb, uuid, jsonb) is
  'Stores the answer under the key, in the transaction that has the effect; answers it.';

create function ledger.purge_idempotency_keys()
returns bigint
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_count bigint;
begin
  perform set_config('ledger.procedure', 'purge_idempotency_keys', true);
  delete from ledger.idempotency_keys k
  where k.created_at < clock_timestamp() - make_interval(days => ledger.setting_text('idempotency_retention_days')::int);
  get diagnostics v_count = row_count;
  perform set_config('ledger.procedure', '', true);
  return v_count;
end $$;
comment on function ledger.purge_idempotency_keys() is 'Job: removes keys older than the retention; answers how many.';
