create type public.order_tracking_result as (
  success boolean, transaction_id uuid, error_code text, error_message text, error_details jsonb,
  order_id uuid, order_number text, status text, payment_status text, stage text, currency text,
  total_amount bigint, amount_due bigint, placed_at timestamptz, updated_at timestamptz, history jsonb, next_steps jsonb,
  shipments jsonb, backorders jsonb, returns jsonb
);

/*
 * Where an order is: its status, every status it has had, what is out and when it comes, what is still
 * awaited, what comes back, and what the caller can do next. Somebody else's order reads as not found,
 * except for staff with orders.read. Source 004.
 */
create function public.order_tracking(p_order_id uuid)
returns setof public.order_tracking_result
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_actor ledger.actor;
  v_order public.order_management;
  v_is_owner boolean;
  v_may_cancel_until timestamptz;
begin
  -- who may
  v_actor := ledger.current_actor();
  select m.* into v_order from public.order_management m where m.order_id = p_order_id;
  v_is_owner := v_order.user_id = v_actor.user_id;
  if v_order.order_id is null or not (coalesce(v_is_owner, false) or ledger.has_permission(v_actor, 'orders.read')) then
    return next jsonb_populate_record(null::public.order_tracking_result,
      ledger.refuse('order_not_found', jsonb_build_object('order_id', p_order_id)));
    return;
  end if;

  -- answer
  v_may_cancel_until := v_order.created_at + make_interval(mins => ledger.setting_text('cancellation_window_minutes')::integer);
  return query
    select true, null::uuid, null::text, null::text, null::jsonb,
           v_order.order_id, v_order.order_number, v_order.status, v_order.payment_status, v_order.stage, v_order.currency,
           v_order.total_amount, v_order.amount_due, v_order.created_at, v_order.updated_at,
           (select coalesce(jsonb_agg(jsonb_build_object(
                     'event_id', h.event_id, 'from_status', h.from_status, 'status', h.status, 'notes', h.notes, 'at', h.created_at)
                     order by h.event_id), '[]')
            from public.order_status_history h
            where h.order_id = v_order.order_id),
           -- what ledger_change_order_status would let this caller do, or ledger_cancel_order
           (select coalesce(jsonb_agg(t.to_status order by t.to_status), '[]')
            from public.order_status_transitions t
            where t.from_status = v_order.status
              and (not t.needs_payment or v_order.amount_due = 0 or ledger.may_owe(
                     v_order.account_id, v_order.order_id, v_order.payment_status, v_order.payment_method))
              -- what is not in stock yet keeps an order from going out
              and (t.to_status not in ('shipped', 'delivered') or not exists (select from ledger.open_backorders(v_order.order_id)))
              and (ledger.has_permission(v_actor, t.permission)
                   or (v_is_owner and t.customer_may and clock_timestamp() <= v_may_cancel_until))),
           ledger.tracked_shipments(v_order.account_id, v_order.order_id),
           ledger.tracked_backorders(v_order.account_id, v_order.order_id),
           ledger.tracked_returns(v_order.account_id, v_order.order_id);
end $$;
revoke execute on function public.order_tracking(uuid) from public, anon;
grant execute on function public.order_tracking(uuid) to authenticated, service_role;
comment on function public.order_tracking(uuid) is
  'Status and history of an order: history is an array of {event_id, from_status, status, notes, at}, oldest first; next_steps an array of the statuses that the caller can bring it to now; shipments of {shipment_id, shipment_number, status, carrier, tracking_number, estimated_delivery_at, shipped_at, delivered_at, lines of {line_number, quantity}}; backorders of {line_number, variant_id, quantity}, what is not in stock yet; returns of {return_id, status, reason, created_at, updated_at, lines of {line_number, quantity, approved_quantity, received_quantity, refunded_quantity}}. Amounts in minor units, quantities in units. For its customer, and for staff with orders.read. Errors: order_not_found. Source 004.';
