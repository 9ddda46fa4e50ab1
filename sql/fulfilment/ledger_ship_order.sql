create type public.ledger_ship_order_result as (
  success boolean, transaction_id uuid, error_code text, error_message text, error_details jsonb,
  order_id uuid, shipment_id uuid, shipment_number integer, order_status text
);

/*
 * Sends units of an order in a shipment: those of p_lines [{"line_number", "quantity"}], or all that
 * can go. With the last units the order becomes shipped; before that it keeps its status. Source 004.
 */
create function public.ledger_ship_order(
  p_order_id uuid,
  p_lines jsonb default null,
  p_carrier text default null,
  p_tracking_number text default null,
  p_estimated_delivery_at timestamptz default null,
  p_metadata jsonb default '{}',
  p_idempotency_key text default null,
  p_actor_id uuid default null)
returns setof public.ledger_ship_order_result
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_actor ledger.actor;
  v_request jsonb;
  v_answer jsonb;
  v_metadata jsonb;
  v_order public.orders;
  v_line_numbers integer[];
  v_quantities bigint[];
  v_is_rest boolean;
  v_change ledger.order_change;
  v_transaction public.transactions;
  v_correlation_id uuid;
  v_shipment public.shipments;
begin
  -- who may
  v_actor := ledger.require_permission(ledger.current_actor(p_actor_id), 'orders.ship');

  -- asked before
  v_request := jsonb_build_array(p_order_id, p_lines, p_carrier, p_tracking_number, p_estimated_delivery_at, p_metadata, p_actor_id);
  v_answer := ledger.idempotency_begin('ledger_ship_order', p_idempotency_key, v_actor.caller_id, v_request);
  if v_answer is not null then
    return next jsonb_populate_record(null::public.ledger_ship_order_result, v_answer);
    return;
  end if;

  -- lock: order
  select o.* into v_order from public.orders o where o.id = p_order_id for no key update;

  -- check
  v_answer := case
    when v_order.id is null then ledger.refuse('order_not_found', jsonb_build_object('order_id', p_order_id))
    when coalesce(jsonb_typeof(p_metadata), 'object') <> 'object' or octet_length(p_metadata::text) > 16384 then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_metadata', 'problem', 'a JSON object of at most 16 KB'))
    when not isfinite(p_estimated_delivery_at) then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_estimated_delivery_at', 'problem', 'a moment that comes'))
    else ledger.refuse_transition(v_order, 'shipped')
  end;
  if v_answer is null then
    v_metadata := coalesce(p_metadata, '{}') || jsonb_strip_nulls(jsonb_build_object(
      'carrier', p_carrier, 'tracking_number', p_tracking_number, 'estimated_delivery_at', p_estimated_delivery_at));
    v_answer := coalesce(ledger.refuse_parcel(v_order, v_metadata), ledger.refuse_shipping(v_order, p_lines));
  end if;
  if v_answer is not null then
    return next jsonb_populate_record(null::public.ledger_ship_order_result, v_answer);
    return;
  end if;
  select array_agg(s.line_number order by s.line_number) filter (where s.asked > 0),
         array_agg(s.asked order by s.line_number) filter (where s.asked > 0),
         bool_and(s.asked = s.quantity - s.shipped_quantity)
  into v_line_numbers, v_quantities, v_is_rest
  from ledger.lines_to_ship(v_order, p_lines) s;
  if v_is_rest then
    v_actor := ledger.require_transition(v_actor, v_order.status, 'shipped');
  end if;

  -- write and record: the last units make the order shipped, which ships what is left; units before them
  -- leave a shipment with a transaction of its own
  perform set_config('ledger.procedure', 'ledger_ship_order', true);
  if v_is_rest then
    v_change := ledger.apply_order_status(v_order, 'shipped', v_actor, null, v_metadata);
    if v_change.refusal is not null then
      perform set_config('ledger.procedure', '', true);
      return next jsonb_populate_record(null::public.ledger_ship_order_result, v_change.refusal);
      return;
    end if;
    select s.* into v_shipment
    from public.shipments s
    where s.account_id = v_order.account_id and s.order_id = v_order.id
    order by s.shipment_number desc
    limit 1;
  else
    v_correlation_id := ledger.correlation_id();
    v_transaction := ledger.write_transaction(
      v_order.account_id, 'order_shipped', v_actor, 'a part of the order shipped', v_correlation_id,
      p_order_id => v_order.id, p_metadata => v_metadata);
    v_shipment := ledger.ship_units(v_order, v_line_numbers, v_quantities, v_actor, v_correlation_id, v_metadata,
                                    p_effect => ledger.balance_effect(v_transaction));
  end if;

  -- answer, stored under the key
  v_answer := jsonb_build_object('success', true, 'transaction_id', coalesce(v_change.transaction_id, v_transaction.id),
    'order_id', v_order.id, 'shipment_id', v_shipment.id, 'shipment_number', v_shipment.shipment_number,
    'order_status', coalesce(v_change.order_status, v_order.status));
  v_answer := ledger.idempotency_end('ledger_ship_order', p_idempotency_key, v_actor.caller_id, v_request, v_order.account_id, v_answer);
  perform set_config('ledger.procedure', '', true);
  return next jsonb_populate_record(null::public.ledger_ship_order_result, v_answer);
end $$;
revoke execute on function public.ledger_ship_order(uuid, jsonb, text, text, timestamptz, jsonb, text, uuid) from public, anon;
grant execute on function public.ledger_ship_order(uuid, jsonb, text, text, timestamptz, jsonb, text, uuid) to authenticated, service_role;
comment on function public.ledger_ship_order(uuid, jsonb, text, text, timestamptz, jsonb, text, uuid) is
  'Ships units of order p_order_id: p_lines [{"line_number": int, "quantity": units}], or all that can go when null. The order must be allowed to become shipped (order_status_transitions), and does with the last units. p_metadata is a JSON object of at most 16 KB. Needs orders.ship. Errors: order_not_found, invalid_transition, payment_required, invalid_argument, line_not_found, units_not_shippable, nothing_to_ship, idempotency_conflict. Source 004.';
