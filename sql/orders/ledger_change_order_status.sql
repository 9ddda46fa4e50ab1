create type public.ledger_change_order_status_result as (
  success boolean, transaction_id uuid, error_code text, error_message text, error_details jsonb,
  order_id uuid, order_status text, payment_status text, returned_amount bigint, available_balance bigint
);

/*
 * Moves an order to another status. p_user_id is the customer, p_reference_id the order,
 * p_old_status its present status (of two that try, one wins), p_amount its total in minor units.
 * Cancelling or refunding returns the wallet's part and, unless delivered, the goods
 * (p_metadata.restock decides otherwise). Every change leaves a transaction, also one that moves
 * no money. Source 003.
 */
create function public.ledger_change_order_status(
  p_user_id uuid,
  p_reference_id uuid,
  p_old_status text,
  p_new_status text,
  p_amount bigint,
  p_metadata jsonb default '{}',
  p_actor_id uuid default null,
  p_actor_action text default null,
  p_idempotency_key text default null)
returns setof public.ledger_change_order_status_result
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_actor ledger.actor;
  v_request jsonb;
  v_answer jsonb;
  v_old text := lower(trim(p_old_status));
  v_new text := lower(trim(p_new_status));
  v_statuses text[] := ledger.order_statuses();
  v_order public.orders;
  v_change ledger.order_change;
  v_phase text;
  v_result public.ledger_change_order_status_result;
begin
  -- who may: staff who may read orders; which change, their permissions say below
  v_actor := ledger.require_permission(ledger.current_actor(p_actor_id), 'orders.read');

  -- asked before
  v_request := case when p_idempotency_key is not null then
    jsonb_build_array(p_user_id, p_reference_id, v_old, v_new, p_amount, p_metadata, p_actor_id, p_actor_action) end;
  v_answer := ledger.idempotency_begin('ledger_change_order_status', p_idempotency_key, v_actor.caller_id, v_request);
  if v_answer is not null then
    return next jsonb_populate_record(null::public.ledger_change_order_status_result, v_answer);
    return;
  end if;

  -- lock: order
  select o.* into v_order
  from public.orders o
  where o.id = p_reference_id and o.user_id = p_user_id
  for no key update;

  -- check; refusals are worded only where one may be needed
  if v_order.id is null or v_order.status is distinct from v_old or v_order.total_amount is distinct from p_amount or v_new is null or v_new <> all (v_statuses)
     or p_metadata is distinct from '{}' or p_actor_action is not null then
    v_answer := case
      when v_order.id is null then ledger.refuse('order_not_found', jsonb_build_object('order_id', p_reference_id))
      when v_new is null or v_new <> all (v_statuses) or v_old is null or v_old <> all (v_statuses) then
        ledger.refuse('unknown_status', jsonb_build_object('known', array_to_string(v_statuses, ', '),
          'status', case when v_new = any (v_statuses) then coalesce(p_old_status, 'null') else coalesce(p_new_status, 'null') end))
      when coalesce(jsonb_typeof(p_metadata), 'object') <> 'object' or octet_length(p_metadata::text) > 16384
        or coalesce(jsonb_typeof(p_metadata -> 'restock'), 'boolean') <> 'boolean' then
        ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_metadata',
          'problem', 'a JSON object of at most 16 KB; "restock" in it is true or false'))
      when length(p_actor_action) > 2000 then
        ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_actor_action', 'problem', 'at most 2000 characters'))
      when v_old <> v_order.status then ledger.refuse('status_conflict', jsonb_build_object(
        'order_number', v_order.order_number, 'status', v_order.status, 'expected', v_old))
      when p_amount is distinct from v_order.total_amount then ledger.refuse('amount_mismatch', jsonb_build_object(
        'order_number', v_order.order_number, 'total', v_order.total_amount, 'amount', coalesce(p_amount, 0), 'currency', v_order.currency))
    end;
  end if;
  if v_answer is null then
    v_answer := ledger.refuse_transition(v_order, v_new);
  end if;
  if not v_actor.is_system then
    v_actor := ledger.require_transition(v_actor, v_order.status, v_new);
  end if;
  if v_answer is not null then
    return next jsonb_populate_record(null::public.ledger_change_order_status_result, v_answer);
    return;
  end if;

  -- write and record
  v_phase := set_config('ledger.procedure', 'ledger_change_order_status', true);
  v_change := ledger.apply_order_status(v_order, v_new, v_actor, p_actor_action, p_metadata);
  if v_change.refusal is not null then
    perform set_config('ledger.procedure', '', true);
    return next jsonb_populate_record(null::public.ledger_change_order_status_result, v_change.refusal);
    return;
  end if;

  -- answer, stored under the key
  v_result := row(true, v_change.transaction_id, null, null, null, v_order.id, v_change.order_status, v_change.payment_status,
                  v_change.returned_amount, case when ledger.has_permission(v_actor, 'accounts.read') then v_change.available_balance end);
  if p_idempotency_key is not null then
    v_answer := ledger.idempotency_end('ledger_change_order_status', p_idempotency_key, v_actor.caller_id, v_request, v_order.account_id, to_jsonb(v_result));
  end if;
  v_phase := set_config('ledger.procedure', '', true);
  return next v_result;
end $$;
revoke execute on function public.ledger_change_order_status(uuid, uuid, text, text, bigint, jsonb, uuid, text, text) from public, anon;
grant execute on function public.ledger_change_order_status(uuid, uuid, text, text, bigint, jsonb, uuid, text, text) to authenticated, service_role;
comment on function public.ledger_change_order_status(uuid, uuid, text, text, bigint, jsonb, uuid, text, text) is
  'Moves order p_reference_id of customer p_user_id from p_old_status to p_new_status (any case); p_amount is its total in minor units. Needs orders.read and the permission of the row in order_status_transitions; available_balance is answered to who has accounts.read. The customer can read p_actor_action and p_metadata. Errors: order_not_found, unknown_status, status_conflict, amount_mismatch, invalid_transition, payment_required, amount_too_large (the referrer''s account cannot hold the commission). Source 003.';
