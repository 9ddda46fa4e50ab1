/*
 * Moves many orders to a status, each with its own answer: one that cannot go there stops none of
 * the others. Up to 500 at once; with p_in_background up to 10000 are only noted down, and carried
 * out in portions by ledger_continue_bulk_change or by the job, while bulk_changes shows how far it
 * is. The same key answers how it stands by then. Source 004 (bulk-update).
 */
create function public.ledger_bulk_change_status(
  p_order_ids uuid[],
  p_new_status text,
  p_metadata jsonb default '{}',
  p_actor_action text default null,
  p_idempotency_key text default null,
  p_actor_id uuid default null,
  p_in_background boolean default false)
returns setof public.ledger_bulk_change_status_result
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_actor ledger.actor;
  v_request jsonb;
  v_answer jsonb;
  v_status text := lower(trim(p_new_status));
  v_statuses text[] := ledger.order_statuses();
  v_maximum integer := case when p_in_background then 10000 else 500 end;
  v_bulk_change_id uuid := ledger.uuid_v7();
begin
  -- who may: staff who may read orders; which change, each order says for itself
  v_actor := ledger.require_permission(ledger.current_actor(p_actor_id), 'orders.read');

  -- asked before
  v_request := jsonb_build_array(p_order_ids, v_status, p_metadata, p_actor_action, p_actor_id, p_in_background);
  v_answer := ledger.idempotency_begin('ledger_bulk_change_status', p_idempotency_key, v_actor.caller_id, v_request);
  if v_answer ? 'bulk_change_id' then
    return query select a.* from ledger.bulk_change_answers((v_answer ->> 'bulk_change_id')::uuid) a;
    return;
  end if;

  -- check the call; the orders are checked one by one
  v_answer := coalesce(v_answer, case
    when p_in_background is null then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_in_background', 'problem', 'true or false'))
    when array_ndims(p_order_ids) > 1 or coalesce(cardinality(p_order_ids), 0) not between 1 and v_maximum
      or array_position(p_order_ids, null) is not null then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_order_ids',
        'problem', format('a list of 1 to %s orders', v_maximum)))
    when v_status is null or v_status <> all (v_statuses) then
      ledger.refuse('unknown_status', jsonb_build_object('known', array_to_string(v_statuses, ', '), 'status', coalesce(p_new_status, 'null')))
    when coalesce(jsonb_typeof(p_metadata), 'object') <> 'object' or octet_length(p_metadata::text) > 16384 then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_metadata', 'problem', 'a JSON object of at most 16 KB'))
    when length(p_actor_action) > 2000 then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_actor_action', 'problem', 'at most 2000 characters'))
  end);
  if v_answer is not null then
    return next jsonb_populate_record(null::public.ledger_bulk_change_status_result, v_answer);
    return;
  end if;

  -- write: the list, each order once; then the orders
  perform set_config('ledger.procedure', 'ledger_bulk_change_status', true);
  insert into public.bulk_changes (id, new_status, metadata, actor_action, asked_by, asked_by_backend, asked_orders)
  select v_bulk_change_id, v_status, coalesce(p_metadata, '{}'), p_actor_action, v_actor.user_id, v_actor.is_system,
         count(distinct a.order_id)
  from unnest(p_order_ids) a (order_id);
  insert into public.bulk_change_orders (bulk_change_id, position, order_id)
  select v_bulk_change_id, row_number() over (order by min(a.position)), a.order_id
  from unnest(p_order_ids) with ordinality a (order_id, position)
  group by a.order_id;
  if not p_in_background then
    perform ledger.carry_out_bulk_change(v_bulk_change_id, v_maximum);
  end if;

  -- answer; the key names the list, which is kept
  v_answer := ledger.idempotency_end('ledger_bulk_change_status', p_idempotency_key, v_actor.caller_id, v_request, null,
    jsonb_build_object('bulk_change_id', v_bulk_change_id));
  perform set_config('ledger.procedure', '', true);
  return query select a.* from ledger.bulk_change_answers(v_bulk_change_id) a;
end $$;
revoke execute on function public.ledger_bulk_change_status(uuid[], text, jsonb, text, text, uuid, boolean) from public, anon;
grant execute on function public.ledger_bulk_change_status(uuid[], text, jsonb, text, text, uuid, boolean) to authenticated, service_role;
comment on function public.ledger_bulk_change_status(uuid[], text, jsonb, text, text, uuid, boolean) is
  'Moves 1 to 500 orders (in background 10000) to p_new_status (any case) and answers a row for each, in the order asked, an order named twice once: success null means that it still waits. Needs orders.read, and for each order the permission of its row in order_status_transitions. Errors of the call (one row without order_id): invalid_argument, unknown_status, idempotency_conflict; of an order: order_not_found, not_permitted, bulk_item_failed (nobody foresaw it; details.problem), and those of ledger_change_order_status. Source 004.';
