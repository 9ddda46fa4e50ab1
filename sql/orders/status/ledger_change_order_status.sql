create type public.ledger_change_order_status_result as (
  success boolean, transaction_id uuid, error_code text, error_message text, error_details jsonb,
  order_id uuid, order_status text, payment_status text, returned_amount bigint, available_balance bigint
);

/*
 * Moves an order to another status. p_user_id is the customer, p_reference_id the order,
 * p_old_status its present status (of two that try, one wins), p_amount its total in minor units.
 * Cancelling or refunding returns the wallet's part and the goods that have not arrived
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
  v_order_id uuid;
  v_account_id uuid;
  v_order_number text;
  v_currency text;
  v_permission text;
  v_may_go boolean;
  v_order public.orders;
  v_change ledger.order_change;
  v_phase text;
  v_result public.ledger_change_order_status_result;
begin
  -- who may: staff who may read orders; which change, their permissions say below
  v_actor := ledger.actor_with(p_actor_id, 'orders.read');

  -- asked before
  if p_idempotency_key is not null then
    v_request := jsonb_build_array(p_user_id, p_reference_id, v_old, v_new, p_amount, p_metadata, p_actor_id, p_actor_action);
    v_answer := ledger.idempotency_begin('ledger_change_order_status', p_idempotency_key, v_actor.caller_id, v_request);
    if v_answer is not null then
      return next jsonb_populate_record(null::public.ledger_change_order_status_result, v_answer);
      return;
    end if;
  end if;

  -- lock: order; its transition is looked up by what the caller says, which has to be the order's status anyway
  select o.id, o.account_id, o.order_number, o.currency, t.permission,
         t.permission is not null and o.status = v_old and o.total_amount = p_amount
           and (not t.needs_payment or o.amount_due = 0)
  into v_order_id, v_account_id, v_order_number, v_currency, v_permission, v_may_go
  from public.orders o
  left join public.order_status_transitions t on t.from_status = v_old and t.to_status = v_new
  where o.id = p_reference_id and o.user_id = p_user_id
  for no key update of o;

  -- check; refusals are worded only where one may be needed
  if v_may_go is not true or p_metadata is distinct from '{}' or p_actor_action is not null then
    select o.* into v_order from public.orders o where o.id = v_order_id;
    v_answer := ledger.refuse_status_change(v_order, p_reference_id, p_old_status, p_new_status, p_amount, p_metadata, p_actor_action);
    v_permission := (select t.permission from public.order_status_transitions t where t.from_status = v_order.status and t.to_status = v_new);
  end if;
  if v_permission is not null and not v_actor.is_system then
    v_actor := ledger.require_permission(v_actor, v_permission);
  end if;
  if v_answer is not null then
    return next jsonb_populate_record(null::public.ledger_change_order_status_result, v_answer);
    return;
  end if;

  -- write and record
  v_phase := set_config('ledger.procedure', 'ledger_change_order_status', true);
  if v_new in ('shipped', 'delivered') then
    v_change := ledger.send_out(v_account_id, v_order_id, v_new, v_actor, p_actor_action, p_metadata);
  elsif v_new in ('rejected', 'cancelled', 'refunded') then
    select o.* into v_order from public.orders o where o.id = v_order_id;
    v_change := ledger.apply_order_status(v_order, v_new, v_actor, p_actor_action, p_metadata);
  else
    v_change := ledger.change_status_plainly(v_account_id, v_order_id, v_order_number, p_user_id, v_currency, v_old, v_new,
                                             v_actor.user_id, p_actor_action, p_metadata);
  end if;
  if v_change.refusal is not null then
    v_phase := set_config('ledger.procedure', '', true);
    return next jsonb_populate_record(null::public.ledger_change_order_status_result, v_change.refusal);
    return;
  end if;

  -- answer, stored under the key
  v_result := row(true, v_change.transaction_id, null, null, null, v_order_id, v_change.order_status, v_change.payment_status,
                  v_change.returned_amount,
                  case when v_actor.is_system or ledger.has_permission(v_actor, 'accounts.read') then v_change.available_balance end);
  if p_idempotency_key is not null then
    v_answer := ledger.idempotency_end('ledger_change_order_status', p_idempotency_key, v_actor.caller_id, v_request, v_account_id, to_jsonb(v_result));
  end if;
  v_phase := set_config('ledger.procedure', '', true);
  return next v_result;
end $$;
revoke execute on function public.ledger_change_order_status(uuid, uuid, text, text, bigint, jsonb, uuid, text, text) from public, anon;
grant execute on function public.ledger_change_order_status(uuid, uuid, text, text, bigint, jsonb, uuid, text, text) to authenticated, service_role;
comment on function public.ledger_change_order_status(uuid, uuid, text, text, bigint, jsonb, uuid, text, text) is
  'Moves order p_reference_id of customer p_user_id from p_old_status to p_new_status (any case); p_amount is its total in minor units. Needs orders.read and the permission of the row in order_status_transitions; available_balance is answered to who has accounts.read. The customer can read p_actor_action and p_metadata. Errors: order_not_found, unknown_status, status_conflict, amount_mismatch, invalid_transition, payment_required, units_not_shippable (something of it is on backorder), order_invoiced (to rejected, with payments allocated to its invoice or credit notes of it; without, the invoice becomes void), invalid_argument, amount_too_large (an account cannot hold what it would get). Source 003.';
