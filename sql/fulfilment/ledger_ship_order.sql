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
  v_units jsonb;
  v_permission text;
  v_may_go boolean;
  v_is_rest boolean;
  v_change ledger.order_change;
  v_transaction public.transactions;
  v_correlation_id uuid;
  v_shipped jsonb;
  v_phase text;
  v_result public.ledger_ship_order_result;
begin
  -- who may
  v_actor := ledger.actor_with(p_actor_id, 'orders.ship');

  -- asked before
  if p_idempotency_key is not null then
    v_request := jsonb_build_array(p_order_id, p_lines, p_carrier, p_tracking_number, p_estimated_delivery_at, p_metadata, p_actor_id);
    v_answer := ledger.idempotency_begin('ledger_ship_order', p_idempotency_key, v_actor.caller_id, v_request);
    if v_answer is not null then
      return next jsonb_populate_record(null::public.ledger_ship_order_result, v_answer);
      return;
    end if;
  end if;

  -- lock: order
  select o.* into v_order from public.orders o where o.id = p_order_id for no key update;

  -- check; refusals are worded only where one may be needed
  select t.permission, not t.needs_payment or v_order.amount_due = 0 into v_permission, v_may_go
  from public.order_status_transitions t
  where t.from_status = v_order.status and t.to_status = 'shipped';
  v_answer := case
    when v_order.id is null then ledger.refuse('order_not_found', jsonb_build_object('order_id', p_order_id))
    when coalesce(jsonb_typeof(p_metadata), 'object') <> 'object' or octet_length(p_metadata::text) > 16384 then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_metadata', 'problem', 'a JSON object of at most 16 KB'))
    when not isfinite(p_estimated_delivery_at) then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_estimated_delivery_at', 'problem', 'a moment that comes'))
    when v_may_go is not true then ledger.refuse_transition(v_order, 'shipped')
  end;
  if v_answer is null then
    v_metadata := coalesce(p_metadata, '{}') || jsonb_strip_nulls(jsonb_build_object(
      'carrier', p_carrier, 'tracking_number', p_tracking_number, 'estimated_delivery_at', p_estimated_delivery_at));
    v_answer := ledger.refuse_parcel(v_order.created_at, v_metadata);
  end if;
  if v_answer is null then
    -- all of an order of which nothing went out, came back or waits needs no look at its lines
    v_is_rest := p_lines is null
      and not exists (select from public.shipments s where s.order_id = p_order_id)
      and not exists (select from public.refunds r where r.order_id = p_order_id)
      and not exists (select from public.backorders b where b.order_id = p_order_id and b.open_quantity > 0);
    if not v_is_rest then
      v_answer := ledger.refuse_shipping(v_order, p_lines);
    end if;
  end if;
  if v_answer is not null then
    return next jsonb_populate_record(null::public.ledger_ship_order_result, v_answer);
    return;
  end if;
  if not v_is_rest then
    select jsonb_agg(jsonb_build_object('line_number', s.line_number, 'quantity', s.asked) order by s.line_number) filter (where s.asked > 0),
           bool_and(s.asked = s.quantity - s.shipped_quantity)
    into v_units, v_is_rest
    from ledger.lines_to_ship(v_order, p_lines) s;
  end if;
  if v_is_rest and v_permission is not null and not v_actor.is_system then
    v_actor := ledger.require_permission(v_actor, v_permission);
  end if;

  -- write and record: the last units make the order shipped, which ships what is left; units before them
  -- leave a shipment with a transaction of its own
  v_phase := set_config('ledger.procedure', 'ledger_ship_order', true);
  if v_is_rest then
    v_change := ledger.send_out(v_order.account_id, v_order.id, 'shipped', v_actor, null, v_metadata);
    if v_change.refusal is not null then
      v_phase := set_config('ledger.procedure', '', true);
      return next jsonb_populate_record(null::public.ledger_ship_order_result, v_change.refusal);
      return;
    end if;
    v_result := row(true, v_change.transaction_id, null, null, null, v_order.id, null, null, v_change.order_status);
    select s.id, s.shipment_number into v_result.shipment_id, v_result.shipment_number
    from public.shipments s
    where s.account_id = v_order.account_id and s.order_id = v_order.id
    order by s.shipment_number desc
    limit 1;
  else
    v_correlation_id := ledger.correlation_id();
    v_transaction := ledger.write_transaction(
      v_order.account_id, 'order_shipped', v_actor, 'a part of the order shipped', v_correlation_id,
      p_order_id => v_order.id, p_metadata => v_metadata);
    v_shipped := ledger.ship_units(
      v_order.account_id, v_order.id, v_order.order_number, v_order.user_id,
      (select 1 + coalesce(max(s.shipment_number), 0) from public.shipments s where s.order_id = v_order.id),
      v_units, v_actor.user_id, v_metadata);
    perform ledger.record_operation('order.shipment_created', 'order', v_order.id, v_order.account_id,
      ledger.balance_effect(v_transaction) || v_shipped, v_actor, v_correlation_id);
    v_result := row(true, v_transaction.id, null, null, null, v_order.id, (v_shipped ->> 'shipment_id')::uuid, (v_shipped ->> 'shipment_number')::integer,
                    v_order.status);
  end if;

  -- answer, stored under the key
  if p_idempotency_key is not null then
    v_answer := ledger.idempotency_end('ledger_ship_order', p_idempotency_key, v_actor.caller_id, v_request, v_order.account_id, to_jsonb(v_result));
  end if;
  v_phase := set_config('ledger.procedure', '', true);
  return next v_result;
end $$;
revoke execute on function public.ledger_ship_order(uuid, jsonb, text, text, timestamptz, jsonb, text, uuid) from public, anon;
grant execute on function public.ledger_ship_order(uuid, jsonb, text, text, timestamptz, jsonb, text, uuid) to authenticated, service_role;
comment on function public.ledger_ship_order(uuid, jsonb, text, text, timestamptz, jsonb, text, uuid) is
  'Ships units of order p_order_id: p_lines [{"line_number": int, "quantity": units}], or all that can go when null. The order must be allowed to become shipped (order_status_transitions), and does with the last units. p_metadata is a JSON object of at most 16 KB. Needs orders.ship. Errors: order_not_found, invalid_transition, payment_required, invalid_argument, line_not_found, units_not_shippable, nothing_to_ship, idempotency_conflict. Source 004.';
