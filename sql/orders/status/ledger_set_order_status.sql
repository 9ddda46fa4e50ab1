create type public.ledger_set_order_status_result as (
  success boolean, transaction_id uuid, error_code text, error_message text, error_details jsonb,
  order_id uuid, order_status text, payment_status text, returned_amount bigint, available_balance bigint, version bigint
);

/*
 * ledger_change_order_status for who knows the order and the version they have seen, and not its
 * customer, status and total: those are read under the order's lock. Without p_expected_version the
 * change is made from whatever status the order has by then. Source 004 (PATCH status).
 */
create function public.ledger_set_order_status(
  p_order_id uuid,
  p_status text,
  p_expected_version bigint default null,
  p_notes text default null,
  p_metadata jsonb default '{}',
  p_idempotency_key text default null,
  p_actor_id uuid default null)
returns setof public.ledger_set_order_status_result
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_actor ledger.actor;
  v_request jsonb;
  v_answer jsonb;
  v_order public.orders;
  v_change public.ledger_change_order_status_result;
  v_result public.ledger_set_order_status_result;
begin
  -- who may: whoever sees the order is told what they lack; for others there is no such order
  v_actor := ledger.current_actor(p_actor_id);

  -- asked before
  v_request := case when p_idempotency_key is not null then
    jsonb_build_array(p_order_id, p_status, p_expected_version, p_notes, p_metadata, p_actor_id) end;
  v_answer := ledger.idempotency_begin('ledger_set_order_status', p_idempotency_key, v_actor.caller_id, v_request);
  if v_answer is not null then
    return next jsonb_populate_record(null::public.ledger_set_order_status_result, v_answer);
    return;
  end if;

  -- lock: order
  select o.* into v_order
  from public.orders o
  where o.id = p_order_id and (o.user_id = v_actor.user_id or ledger.has_permission(v_actor, 'orders.read'))
  for no key update;

  -- check
  if v_order.id is null then
    v_answer := ledger.refuse('order_not_found', jsonb_build_object('order_id', p_order_id));
  else
    v_actor := ledger.require_permission(v_actor, 'orders.read');
    if v_order.version <> p_expected_version then
      v_answer := ledger.refuse('version_conflict', jsonb_build_object(
        'order_number', v_order.order_number, 'version', v_order.version, 'expected', p_expected_version));
    end if;
  end if;
  if v_answer is not null then
    return next jsonb_populate_record(null::public.ledger_set_order_status_result, v_answer);
    return;
  end if;

  -- write and record: the change itself checks the rest, writes and records
  select c.* into v_change
  from public.ledger_change_order_status(v_order.user_id, v_order.id, v_order.status, p_status, v_order.total_amount,
                                         p_metadata, p_actor_id, p_notes) c;
  if not v_change.success then
    return next jsonb_populate_record(null::public.ledger_set_order_status_result, to_jsonb(v_change));
    return;
  end if;

  -- answer, stored under the key
  v_result := row(true, v_change.transaction_id, null, null, null, v_change.order_id, v_change.order_status, v_change.payment_status,
                  v_change.returned_amount, v_change.available_balance, (select o.version from public.orders o where o.id = v_order.id));
  v_answer := ledger.idempotency_end('ledger_set_order_status', p_idempotency_key, v_actor.caller_id, v_request, v_order.account_id, to_jsonb(v_result));
  return next v_result;
end $$;
revoke execute on function public.ledger_set_order_status(uuid, text, bigint, text, jsonb, text, uuid) from public, anon;
grant execute on function public.ledger_set_order_status(uuid, text, bigint, text, jsonb, text, uuid) to authenticated, service_role;
comment on function public.ledger_set_order_status(uuid, text, bigint, text, jsonb, text, uuid) is
  'Moves an order to p_status (any case), if it still has p_expected_version; p_notes and p_metadata as p_actor_action and p_metadata of ledger_change_order_status, whose permissions and refusals it has; and version_conflict. The customer can read both. Source 004.';
