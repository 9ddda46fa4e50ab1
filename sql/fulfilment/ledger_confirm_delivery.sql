create type public.ledger_confirm_delivery_result as (
  success boolean, transaction_id uuid, error_code text, error_message text, error_details jsonb,
  order_id uuid, shipment_id uuid, shipment_number integer, delivered_at timestamptz, order_status text
);

/*
 * A shipment has arrived. When everything has been shipped and the last shipment arrives, the order
 * becomes delivered, with the money that goes with it; before that only the shipment changes, and no
 * transaction is written. Source 004.
 */
create function public.ledger_confirm_delivery(
  p_shipment_id uuid,
  p_delivered_at timestamptz default null,
  p_idempotency_key text default null,
  p_actor_id uuid default null)
returns setof public.ledger_confirm_delivery_result
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_actor ledger.actor;
  v_request jsonb;
  v_answer jsonb;
  v_order public.orders;
  v_shipment public.shipments;
  v_delivered_at timestamptz := coalesce(p_delivered_at, clock_timestamp());
  v_is_last boolean;
  v_change ledger.order_change;
begin
  -- who may
  v_actor := ledger.require_permission(ledger.current_actor(p_actor_id), 'orders.deliver');

  -- asked before
  v_request := jsonb_build_array(p_shipment_id, p_delivered_at, p_actor_id);
  v_answer := ledger.idempotency_begin('ledger_confirm_delivery', p_idempotency_key, v_actor.caller_id, v_request);
  if v_answer is not null then
    return next jsonb_populate_record(null::public.ledger_confirm_delivery_result, v_answer);
    return;
  end if;

  -- lock: order; the shipment is read again under it, because whoever changes a shipment holds its order
  select o.* into v_order
  from public.orders o
  where o.id = (select s.order_id from public.shipments s where s.id = p_shipment_id)
  for no key update;
  select s.* into v_shipment
  from public.shipments s
  where s.account_id = v_order.account_id and s.id = p_shipment_id;

  -- check
  v_answer := case
    when v_shipment.id is null then ledger.refuse('shipment_not_found', jsonb_build_object('shipment_id', p_shipment_id))
    when v_shipment.delivered_at is not null then ledger.refuse('shipment_conflict', jsonb_build_object(
      'shipment_id', p_shipment_id, 'shipment_number', v_shipment.shipment_number, 'order_number', v_order.order_number,
      'delivered_at', v_shipment.delivered_at))
    when v_delivered_at not between v_order.created_at and clock_timestamp() then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_delivered_at',
        'problem', 'a moment after the order was placed and not in the future'))
  end;
  if v_answer is null then
    v_is_last := not exists (select from public.shipments s
                             where s.account_id = v_order.account_id and s.order_id = v_order.id
                               and s.delivered_at is null and s.id <> p_shipment_id)
      and not exists (select from ledger.shippable_lines(v_order) s where s.shipped_quantity < s.quantity);
    if v_is_last or v_order.status in ('cancelled', 'refunded', 'rejected') then
      v_answer := ledger.refuse_transition(v_order, 'delivered');
      v_actor := ledger.require_transition(v_actor, v_order.status, 'delivered');
    end if;
  end if;
  if v_answer is not null then
    return next jsonb_populate_record(null::public.ledger_confirm_delivery_result, v_answer);
    return;
  end if;

  -- write and record
  perform set_config('ledger.procedure', 'ledger_confirm_delivery', true);
  if v_is_last then
    v_change := ledger.apply_order_status(v_order, 'delivered', v_actor, null, jsonb_build_object('delivered_at', v_delivered_at));
    if v_change.refusal is not null then
      perform set_config('ledger.procedure', '', true);
      return next jsonb_populate_record(null::public.ledger_confirm_delivery_result, v_change.refusal);
      return;
    end if;
  else
    perform ledger.record_operations(
      ledger.deliver_shipments(v_order.account_id, v_order.id, v_order.order_number, v_order.user_id, p_shipment_id, v_delivered_at),
      v_actor.user_id, ledger.correlation_id());
  end if;

  -- answer, stored under the key
  v_answer := jsonb_build_object('success', true, 'transaction_id', v_change.transaction_id, 'order_id', v_order.id,
    'shipment_id', p_shipment_id, 'shipment_number', v_shipment.shipment_number, 'delivered_at', v_delivered_at,
    'order_status', coalesce(v_change.order_status, v_order.status));
  v_answer := ledger.idempotency_end('ledger_confirm_delivery', p_idempotency_key, v_actor.caller_id, v_request, v_order.account_id, v_answer);
  perform set_config('ledger.procedure', '', true);
  return next jsonb_populate_record(null::public.ledger_confirm_delivery_result, v_answer);
end $$;
revoke execute on function public.ledger_confirm_delivery(uuid, timestamptz, text, uuid) from public, anon;
grant execute on function public.ledger_confirm_delivery(uuid, timestamptz, text, uuid) to authenticated, service_role;
comment on function public.ledger_confirm_delivery(uuid, timestamptz, text, uuid) is
  'Marks shipment p_shipment_id as delivered, now or at p_delivered_at; the order becomes delivered when all of it has been shipped and has arrived (transaction_id is null before that). Needs orders.deliver. Errors: shipment_not_found, shipment_conflict (it has arrived already), invalid_argument, invalid_transition, payment_required, amount_too_large, idempotency_conflict. Source 004.';
