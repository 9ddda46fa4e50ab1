create type public.ledger_request_return_result as (
  success boolean, transaction_id uuid, error_code text, error_message text, error_details jsonb,
  order_id uuid, return_id uuid, status text
);

/*
 * Asks to send units of an order back: p_lines [{"line_number", "quantity", "reason"}]. Customers may
 * within return_window_days of the arrival of the shipment; staff, on their behalf, at any time.
 * Nothing moves yet, so no transaction is written. Source 004.
 */
create function public.ledger_request_return(
  p_order_id uuid,
  p_lines jsonb,
  p_reason text default null,
  p_idempotency_key text default null,
  p_user_id uuid default null)
returns setof public.ledger_request_return_result
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_actor ledger.actor;
  v_user_id uuid;
  v_request jsonb;
  v_answer jsonb;
  v_order public.orders;
  v_since timestamptz;
  v_return_id uuid := ledger.uuid_v7();
begin
  -- who may
  v_actor := ledger.current_actor();
  v_user_id := ledger.customer_of_call(v_actor, p_user_id, 'returns.review');

  -- asked before
  v_request := jsonb_build_array(v_user_id, p_order_id, p_lines, p_reason);
  v_answer := ledger.idempotency_begin('ledger_request_return', p_idempotency_key, v_actor.caller_id, v_request);
  if v_answer is null and not v_actor.is_system then
    v_answer := ledger.rate_limit_take(v_actor.user_id, 'ledger_request_return');
  end if;
  if v_answer is not null then
    return next jsonb_populate_record(null::public.ledger_request_return_result, v_answer);
    return;
  end if;

  -- lock: order
  select o.* into v_order
  from public.orders o
  where o.id = p_order_id and o.user_id = v_user_id
  for no key update;

  -- check
  if v_user_id is not distinct from v_actor.user_id and not v_actor.is_system then
    v_since := clock_timestamp() - make_interval(days => ledger.setting_text('return_window_days')::integer);
  end if;
  v_answer := case
    when v_user_id is null then ledger.refuse('customer_required')
    when v_order.id is null then ledger.refuse('order_not_found', jsonb_build_object('order_id', p_order_id))
    when length(p_reason) > 2000 then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_reason', 'problem', 'at most 2000 characters'))
    else coalesce(ledger.refuse_erased(v_user_id), ledger.refuse_line_list(p_lines, '{quantity}'), ledger.refuse_return(v_order, v_since),
                  ledger.refuse_unknown_line(v_order, p_lines), ledger.refuse_returned_units(v_order, p_lines, v_since))
  end;
  if v_answer is not null then
    return next jsonb_populate_record(null::public.ledger_request_return_result, v_answer);
    return;
  end if;

  -- write: return, its lines
  perform set_config('ledger.procedure', 'ledger_request_return', true);
  insert into public.returns (id, account_id, order_id, user_id, reason, requested_by)
  values (v_return_id, v_order.account_id, v_order.id, v_order.user_id, p_reason, v_actor.user_id);
  insert into public.return_lines (return_id, line_number, account_id, order_id, quantity, reason)
  select v_return_id, (e.line ->> 'line_number')::numeric::integer, v_order.account_id, v_order.id,
         (e.line ->> 'quantity')::numeric::bigint, e.line ->> 'reason'
  from jsonb_array_elements(p_lines) e (line);

  -- record
  perform ledger.record_return('order.return_requested', v_order, v_return_id, v_actor, ledger.correlation_id());

  -- answer, stored under the key
  v_answer := jsonb_build_object('success', true, 'order_id', v_order.id, 'return_id', v_return_id, 'status', 'requested');
  v_answer := ledger.idempotency_end('ledger_request_return', p_idempotency_key, v_actor.caller_id, v_request, v_order.account_id, v_answer);
  perform set_config('ledger.procedure', '', true);
  return next jsonb_populate_record(null::public.ledger_request_return_result, v_answer);
end $$;
revoke execute on function public.ledger_request_return(uuid, jsonb, text, text, uuid) from public, anon;
grant execute on function public.ledger_request_return(uuid, jsonb, text, text, uuid) to authenticated, service_role;
comment on function public.ledger_request_return(uuid, jsonb, text, text, uuid) is
  'Asks to return units of an order of the caller (staff with returns.review: of p_user_id): p_lines [{"line_number": int, "quantity": units, "reason": text of at most 500 characters}]. transaction_id is null. Errors: customer_required, order_not_found, customer_not_found (erased), invalid_argument, return_not_allowed (not shipped, ended, or the return window is over), line_not_found, units_not_returnable, rate_limited, idempotency_conflict. Source 004.';
