create type public.ledger_review_return_result as (
  success boolean, transaction_id uuid, error_code text, error_message text, error_details jsonb,
  order_id uuid, return_id uuid, status text, refund_id uuid, returned_amount bigint, order_status text, payment_status text
);

/*
 * Decides on a return and receives it. approve: what was asked, or of p_lines [{"line_number", "quantity"}]
 * less. reject: p_notes says why. receive: what has arrived, of p_lines [{"line_number", "received",
 * "restock", "write_off"}] or all of it, as often as parcels come, and with p_refund its money goes back
 * to p_to. close: what has not arrived is given up. Source 004.
 */
create function public.ledger_review_return(
  p_return_id uuid,
  p_action text,
  p_lines jsonb default null,
  p_notes text default null,
  p_refund boolean default true,
  p_to text default 'wallet',
  p_idempotency_key text default null,
  p_actor_id uuid default null)
returns setof public.ledger_review_return_result
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_actor ledger.actor;
  v_action text := lower(trim(p_action));
  v_refunds boolean := v_action = 'receive' and coalesce(p_refund, true);
  v_request jsonb;
  v_answer jsonb;
  v_order public.orders;
  v_return public.returns;
  v_change ledger.order_change;
  v_restocked jsonb;
  v_correlation_id uuid := ledger.correlation_id();
begin
  -- who may: goods are the warehouse's, money needs the permission for it as well
  v_actor := ledger.require_permission(ledger.current_actor(p_actor_id), 'returns.review');
  if v_refunds then
    v_actor := ledger.require_permission(v_actor, 'orders.refund');
  end if;

  -- asked before
  v_request := jsonb_build_array(p_return_id, v_action, p_lines, p_notes, p_refund, p_to, p_actor_id);
  v_answer := ledger.idempotency_begin('ledger_review_return', p_idempotency_key, v_actor.caller_id, v_request);
  if v_answer is null and (v_action is null or v_action not in ('approve', 'reject', 'receive', 'close')) then
    v_answer := ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_action', 'problem', 'one of approve, reject, receive, close'));
  end if;
  if v_answer is not null then
    return next jsonb_populate_record(null::public.ledger_review_return_result, v_answer);
    return;
  end if;

  -- lock: order; the return is read under it, because whoever changes a return holds its order: of two
  -- reviewers one wins, and the other is told
  select o.* into v_order
  from public.orders o
  where o.id = (select r.order_id from public.returns r where r.id = p_return_id)
  for no key update;
  select r.* into v_return
  from public.returns r
  where r.account_id = v_order.account_id and r.id = p_return_id;

  -- check
  v_answer := case
    when v_return.id is null then ledger.refuse('return_not_found', jsonb_build_object('return_id', p_return_id))
    when length(p_notes) > 2000 then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_notes', 'problem', 'at most 2000 characters'))
    when v_refunds and coalesce(p_to, '') not in ('wallet', 'original') then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_to', 'problem', 'one of wallet, original'))
    when v_action = 'reject' and coalesce(trim(p_notes), '') = '' then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_notes', 'problem', 'say why the return is rejected'))
    when v_return.status <> case when v_action in ('approve', 'reject') then 'requested' else 'approved' end then
      ledger.refuse('return_conflict', jsonb_build_object('return_id', p_return_id, 'status', v_return.status, 'wanted', v_action,
        'expected', case when v_action in ('approve', 'reject') then 'requested' else 'approved' end))
    when v_action = 'approve' then ledger.refuse_approval(v_order, p_return_id, p_lines)
    when v_action = 'receive' then ledger.refuse_arrival(v_order, p_return_id, p_lines)
  end;
  if v_answer is not null then
    return next jsonb_populate_record(null::public.ledger_review_return_result, v_answer);
    return;
  end if;

  -- write: money and goods of what arrived, return; of an order that was refunded ahead only goods come
  perform set_config('ledger.procedure', 'ledger_review_return', true);
  if v_action = 'receive' then
    v_restocked := ledger.units_to_restock(v_order, p_return_id, p_lines);
    v_change := ledger.receive_return(v_order, p_return_id, p_lines, v_refunds and v_order.status <> 'refunded', p_to, p_notes, v_actor, v_correlation_id);
    if v_change.refusal is not null then
      perform set_config('ledger.procedure', '', true);
      return next jsonb_populate_record(null::public.ledger_review_return_result, v_change.refusal);
      return;
    end if;
  elsif v_action = 'approve' then
    perform ledger.approve_lines(v_order, p_return_id, p_lines);
  end if;
  update public.returns r set
    status = case v_action
      when 'approve' then 'approved'
      when 'reject' then 'rejected'
      when 'close' then 'closed'
      else case
        when not exists (select from public.return_lines l
                         where l.account_id = r.account_id and l.return_id = r.id and l.received_quantity < l.approved_quantity) then 'received'
        when v_change.order_status = 'refunded' and not ledger.awaits_goods(v_order, r.id) then 'closed'
        else 'approved' end end,
    reviewed_by = v_actor.user_id,
    review_notes = coalesce(p_notes, r.review_notes),
    updated_at = clock_timestamp()
  where r.account_id = v_order.account_id and r.id = p_return_id
  returning r.status into v_return.status;

  -- record
  perform ledger.record_return(
    case v_action when 'approve' then 'order.return_approved' when 'reject' then 'order.return_rejected'
                  when 'receive' then 'order.return_received' else 'order.return_closed' end,
    v_order, p_return_id, v_actor, v_correlation_id,
    jsonb_strip_nulls(jsonb_build_object('refund_id', v_change.refund_id, 'restocked', v_restocked)));

  -- answer, stored under the key
  v_answer := jsonb_build_object('success', true, 'transaction_id', v_change.transaction_id, 'order_id', v_order.id,
    'return_id', p_return_id, 'status', v_return.status, 'refund_id', v_change.refund_id,
    'returned_amount', coalesce(v_change.returned_amount, 0), 'order_status', coalesce(v_change.order_status, v_order.status),
    'payment_status', coalesce(v_change.payment_status, v_order.payment_status));
  v_answer := ledger.idempotency_end('ledger_review_return', p_idempotency_key, v_actor.caller_id, v_request, v_order.account_id, v_answer);
  perform set_config('ledger.procedure', '', true);
  return next jsonb_populate_record(null::public.ledger_review_return_result, v_answer);
end $$;
revoke execute on function public.ledger_review_return(uuid, text, jsonb, text, boolean, text, text, uuid) from public, anon;
grant execute on function public.ledger_review_return(uuid, text, jsonb, text, boolean, text, text, uuid) to authenticated, service_role;
comment on function public.ledger_review_return(uuid, text, jsonb, text, boolean, text, text, uuid) is
  'Decides on a return (approve with p_lines [{"line_number", "quantity"}] for less than was asked; reject, with p_notes; close) or receives units of it (p_lines [{"line_number", "received", "restock", "write_off"}], received = restock + write_off, all that is awaited when null). With p_refund the units'' money goes back: what the wallet paid to the wallet, the rest to p_to (wallet or original); amounts in minor units, transaction_id and refund_id are null without it, and for an order that was refunded before its goods came. Needs returns.review, with p_refund also orders.refund. Errors: return_not_found, return_conflict, invalid_argument, line_not_found, units_not_returnable, units_not_refundable (refunded meanwhile), amount_too_large, idempotency_conflict. Source 004.';
