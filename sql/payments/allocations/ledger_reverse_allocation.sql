create type public.ledger_reverse_allocation_result as (
  success boolean, transaction_id uuid, error_code text, error_message text, error_details jsonb,
  allocation_id uuid, payment_id uuid, invoice_id uuid, reversed_amount bigint, remaining_amount bigint, unapplied_amount bigint, allocations jsonb
);

/*
 * Takes an allocation back whole, by a row of its own: the money is remainder of its payment again,
 * and the invoice is open by it. An order that it paid owes it again, unless the order's money has
 * gone back to the customer meanwhile. Amounts in minor units. Source 002 (E-A2).
 */
create function public.ledger_reverse_allocation(
  p_allocation_id uuid,
  p_reason text default null,
  p_idempotency_key text default null,
  p_actor_id uuid default null)
returns setof public.ledger_reverse_allocation_result
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_actor ledger.actor;
  v_request jsonb;
  v_answer jsonb;
  v_allocation public.payment_allocations;
  v_order public.orders;
  v_change ledger.allocation_change;
  v_result public.ledger_reverse_allocation_result;
begin
  -- who may
  v_actor := ledger.require_permission(ledger.current_actor(p_actor_id), 'payments.allocate');

  -- asked before
  v_request := jsonb_build_array(p_allocation_id, p_reason, p_actor_id);
  v_answer := ledger.idempotency_begin('ledger_reverse_allocation', p_idempotency_key, v_actor.caller_id, v_request);
  if v_answer is not null then
    return next jsonb_populate_record(null::public.ledger_reverse_allocation_result, v_answer);
    return;
  end if;

  -- lock: order, account, payment, invoice; a row of allocations never changes
  select l.* into v_allocation from public.payment_allocations l where l.id = p_allocation_id;
  perform ledger.lock_for_allocation(v_allocation.payment_id, array[v_allocation.invoice_id]);
  select o.* into v_order
  from public.orders o
  where o.account_id = v_allocation.account_id
    and o.id = (select i.order_id from public.invoices i where i.account_id = v_allocation.account_id and i.id = v_allocation.invoice_id);

  -- check
  v_answer := case
    when v_allocation.id is null then ledger.refuse('allocation_not_found', jsonb_build_object('allocation_id', p_allocation_id))
    when length(p_reason) > 2000 then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_reason', 'problem', 'at most 2000 characters'))
    when v_allocation.reverses_allocation_id is not null then
      ledger.refuse('allocation_conflict', jsonb_build_object('allocation_id', p_allocation_id, 'problem', 'is a reversal itself'))
    when exists (select from public.payment_allocations r where r.reverses_allocation_id = p_allocation_id) then
      ledger.refuse('allocation_conflict', jsonb_build_object('allocation_id', p_allocation_id, 'problem', 'is reversed already'))
    when v_allocation.allocated_amount > ledger.held_from_outside(v_order) then
      ledger.refuse('payment_already_used', jsonb_build_object('currency', v_order.currency, 'amount', v_allocation.allocated_amount,
        'left', ledger.held_from_outside(v_order), 'where', 'with the order ' || v_order.order_number))
    else ledger.refuse_during_backfill()
  end;
  if v_answer is not null then
    return next jsonb_populate_record(null::public.ledger_reverse_allocation_result, v_answer);
    return;
  end if;

  -- write and record
  perform set_config('ledger.procedure', 'ledger_reverse_allocation', true);
  v_change := ledger.reverse_allocations(v_allocation.account_id, array[p_allocation_id], v_actor, p_reason, ledger.correlation_id());

  -- answer, stored under the key
  v_result := row(true, v_change.transaction_id, null, null, null,
                  p_allocation_id, v_allocation.payment_id, v_allocation.invoice_id, v_allocation.allocated_amount,
                  (v_change.allocations #>> '{0,remaining_amount}')::bigint, v_change.unapplied_amount, v_change.allocations);
  v_answer := ledger.idempotency_end('ledger_reverse_allocation', p_idempotency_key, v_actor.caller_id, v_request, v_allocation.account_id, to_jsonb(v_result));
  perform set_config('ledger.procedure', '', true);
  return next v_result;
end $$;
revoke execute on function public.ledger_reverse_allocation(uuid, text, text, uuid) from public, anon;
grant execute on function public.ledger_reverse_allocation(uuid, text, text, uuid) to authenticated, service_role;
comment on function public.ledger_reverse_allocation(uuid, text, text, uuid) is
  'Reverses a live allocation whole: reversed_amount (minor units) is unapplied remainder of its payment again, remaining_amount is what is left to pay of the invoice now; allocations is the reversing row, as of ledger_allocate_payment. Needs payments.allocate. Errors: allocation_not_found, invalid_argument, allocation_conflict (reversed already, or a reversal itself), payment_already_used (the order it paid has given the money back), backfill_running, idempotency_conflict. Source 002.';
