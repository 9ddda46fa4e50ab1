create type public.ledger_cancel_order_result as (
  success boolean, transaction_id uuid, error_code text, error_message text, error_details jsonb,
  order_id uuid, order_status text, payment_status text, returned_amount bigint, available_balance bigint
);

/*
 * The customer cancels their own order, while its status (order_status_transitions.customer_may)
 * and the cancellation window allow it. The goods come back, and the money: what the wallet paid to
 * the wallet, what came from outside to p_to, wallet or original (to be paid out).
 */
create function public.ledger_cancel_order(
  p_order_id uuid,
  p_reason text default null,
  p_idempotency_key text default null,
  p_user_id uuid default null,
  p_to text default 'wallet')
returns setof public.ledger_cancel_order_result
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_actor ledger.actor;
  v_user_id uuid;
  v_request jsonb;
  v_answer jsonb;
  v_order public.orders;
  v_may_go boolean;
  v_window integer;
  v_change ledger.order_change;
  v_phase text;
  v_result public.ledger_cancel_order_result;
begin
  -- who may
  v_actor := ledger.current_actor();
  v_user_id := ledger.customer_of_call(v_actor, p_user_id, 'orders.cancel');

  -- asked before
  if p_idempotency_key is not null then
    v_request := jsonb_build_array(v_user_id, p_order_id, p_reason, p_to);
    v_answer := ledger.idempotency_begin('ledger_cancel_order', p_idempotency_key, v_actor.caller_id, v_request);
  end if;
  if v_answer is null and not v_actor.is_system then
    v_answer := ledger.rate_limit_take(v_actor.user_id, 'ledger_cancel_order');
  end if;
  if v_answer is not null then
    return next jsonb_populate_record(null::public.ledger_cancel_order_result, v_answer);
    return;
  end if;

  -- lock: order
  select o.* into v_order
  from public.orders o
  where o.id = p_order_id and o.user_id = v_user_id
  for no key update;

  -- check; refusals are worded only where one may be needed
  select t.customer_may and (not t.needs_payment or v_order.amount_due = 0)
         and clock_timestamp() <= v_order.created_at + make_interval(mins => (
           select (s.value #>> '{}')::integer from public.settings s where s.key = 'cancellation_window_minutes'))
  into v_may_go
  from public.order_status_transitions t
  where t.from_status = v_order.status and t.to_status = 'cancelled';
  if v_may_go is not true or p_reason is not null or p_to is distinct from 'wallet' then
    v_window := ledger.setting_text('cancellation_window_minutes')::integer;
    v_answer := case
      when v_user_id is null then ledger.refuse('customer_required')
      when v_order.id is null then ledger.refuse('order_not_found', jsonb_build_object('order_id', p_order_id))
      when length(p_reason) > 2000 then
        ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_reason', 'problem', 'at most 2000 characters'))
      when p_to is null or p_to not in ('wallet', 'original') then
        ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_to', 'problem', 'wallet or original'))
      else coalesce(
        ledger.refuse_transition(v_order, 'cancelled'),
        case
          when not (select t.customer_may from public.order_status_transitions t
                    where t.from_status = v_order.status and t.to_status = 'cancelled') then
            ledger.refuse('cancellation_not_allowed', jsonb_build_object('order_number', v_order.order_number,
              'reason', format('it is already %s', v_order.status)))
          when clock_timestamp() > v_order.created_at + make_interval(mins => v_window) then
            ledger.refuse('cancellation_not_allowed', jsonb_build_object('order_number', v_order.order_number,
              'reason', format('it was placed more than %s minutes ago', v_window)))
        end)
    end;
  end if;
  if v_answer is not null then
    return next jsonb_populate_record(null::public.ledger_cancel_order_result, v_answer);
    return;
  end if;

  -- write and record
  v_phase := set_config('ledger.procedure', 'ledger_cancel_order', true);
  v_change := ledger.take_back(v_order, null, 0, 0, p_to, v_actor, coalesce(p_reason, 'cancelled by the customer'), ledger.correlation_id(),
                               p_ends_as => 'cancelled',
                               p_metadata => case p_to when 'wallet' then '{}' else jsonb_build_object('refund_to', p_to) end);
  if v_change.refusal is not null then
    perform set_config('ledger.procedure', '', true);
    return next jsonb_populate_record(null::public.ledger_cancel_order_result, v_change.refusal);
    return;
  end if;

  -- answer, stored under the key
  v_result := row(true, v_change.transaction_id, null, null, null, v_order.id, v_change.order_status, v_change.payment_status,
                  v_change.returned_amount, v_change.available_balance);
  if p_idempotency_key is not null then
    v_answer := ledger.idempotency_end('ledger_cancel_order', p_idempotency_key, v_actor.caller_id, v_request, v_order.account_id, to_jsonb(v_result));
  end if;
  v_phase := set_config('ledger.procedure', '', true);
  return next v_result;
end $$;
revoke execute on function public.ledger_cancel_order(uuid, text, text, uuid, text) from public, anon;
grant execute on function public.ledger_cancel_order(uuid, text, text, uuid, text) to authenticated, service_role;
comment on function public.ledger_cancel_order(uuid, text, text, uuid, text) is
  'Cancels an order of the caller (staff with orders.cancel: of p_user_id). What was paid from outside becomes wallet credit, or with p_to = original a refund to pay out; returned_amount (minor units) is all that goes back. Errors: order_not_found, invalid_argument, invalid_transition, cancellation_not_allowed. Source 004.';
