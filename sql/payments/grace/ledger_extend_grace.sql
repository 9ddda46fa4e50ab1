create type public.ledger_extend_grace_result as (
  success boolean, transaction_id uuid, error_code text, error_message text, error_details jsonb,
  order_id uuid, payment_status text, due_at timestamptz, extensions integer, outstanding_amount bigint
);

/* Why an order cannot be given until p_until, or null; the order and its account are locked. */
create function ledger.refuse_grace(p_order public.orders, p_until timestamptz)
returns jsonb
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_deadline public.payment_deadlines;
  v_reason text := case
    when p_order.status in ('rejected', 'cancelled', 'refunded') then format('it is %s', p_order.status)
    when p_order.payment_method not in ('bank_transfer', 'bank_transfer_grace', 'wallet_partial') then
      format('it is paid by %s, not by transfer', p_order.payment_method)
    when p_order.amount_due = 0 then 'nothing is due'
  end;
begin
  if v_reason is not null then
    return ledger.refuse('grace_not_possible', jsonb_build_object('order_number', p_order.order_number, 'reason', v_reason));
  end if;
  select d.* into v_deadline
  from public.payment_deadlines d
  where d.account_id = p_order.account_id and d.order_id = p_order.id and d.status <> 'settled';
  return case
    when p_until <= v_deadline.due_at then ledger.refuse('invalid_argument', jsonb_build_object(
      'argument', 'p_until', 'problem', format('later than %s, which is granted already', v_deadline.due_at)))
    when v_deadline.order_id is null then ledger.refuse_grace_limit(p_order.account_id, p_order.id)
  end;
end $$;
comment on function ledger.refuse_grace(public.orders, timestamptz) is 'The refusal for giving a locked order time to be paid, or null.';

/*
 * Gives an order that is paid by transfer time until p_until: it is in_grace and may go out unpaid. Of one
 * that has a deadline, also one that has passed, it is put off. Source 000 (bank_transfer_grace).
 */
create function public.ledger_extend_grace(
  p_order_id uuid,
  p_until timestamptz,
  p_reason text default null,
  p_idempotency_key text default null,
  p_actor_id uuid default null)
returns setof public.ledger_extend_grace_result
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_actor ledger.actor;
  v_request jsonb;
  v_answer jsonb;
  v_order public.orders;
  v_transaction public.transactions;
  v_correlation_id uuid := ledger.correlation_id();
  v_result public.ledger_extend_grace_result;
begin
  -- who may
  v_actor := ledger.actor_with(p_actor_id, 'grace.grant');

  -- asked before
  v_request := jsonb_build_array(p_order_id, p_until, p_reason, p_actor_id);
  v_answer := ledger.idempotency_begin('ledger_extend_grace', p_idempotency_key, v_actor.caller_id, v_request);
  if v_answer is not null then
    return next jsonb_populate_record(null::public.ledger_extend_grace_result, v_answer);
    return;
  end if;

  -- lock: order, account
  select o.* into v_order from public.orders o where o.id = p_order_id for no key update;
  perform from public.accounts a where a.id = v_order.account_id for no key update;

  -- check
  v_answer := case
    when v_order.id is null then ledger.refuse('order_not_found', jsonb_build_object('order_id', p_order_id))
    when p_until is null or p_until <= clock_timestamp() or p_until > clock_timestamp() + interval '366 days' then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_until', 'problem', 'a time from now on, within a year'))
    when length(p_reason) > 2000 then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_reason', 'problem', 'at most 2000 characters'))
    else ledger.refuse_grace(v_order, p_until)
  end;
  if v_answer is not null then
    return next jsonb_populate_record(null::public.ledger_extend_grace_result, v_answer);
    return;
  end if;

  -- write: order, transaction; while a receipt is looked at the order goes on saying so
  perform set_config('ledger.procedure', 'ledger_extend_grace', true);
  update public.orders o set
    payment_status = case o.payment_status when 'receipt_uploaded' then o.payment_status else 'in_grace' end,
    version = o.version + 1,
    updated_at = clock_timestamp()
  where o.account_id = v_order.account_id and o.id = v_order.id
  returning o.* into v_order;
  v_transaction := ledger.write_transaction(
    v_order.account_id, 'grace_granted', v_actor, coalesce(p_reason, 'time to pay granted'), v_correlation_id, p_order_id => v_order.id);

  -- write and record: deadline, with its event
  perform ledger.grant_grace(v_order, p_until, v_actor, v_correlation_id,
                             ledger.balance_effect(v_transaction) || jsonb_build_object('reason', p_reason));

  -- answer, stored under the key
  v_result := row(true, v_transaction.id, null, null, null, v_order.id, v_order.payment_status, p_until,
                  (select d.extensions from public.payment_deadlines d where d.order_id = v_order.id), v_order.outstanding_amount);
  v_answer := ledger.idempotency_end('ledger_extend_grace', p_idempotency_key, v_actor.caller_id, v_request, v_order.account_id, to_jsonb(v_result));
  perform set_config('ledger.procedure', '', true);
  return next v_result;
end $$;
revoke execute on function public.ledger_extend_grace(uuid, timestamptz, text, text, uuid) from public, anon;
grant execute on function public.ledger_extend_grace(uuid, timestamptz, text, text, uuid) to authenticated, service_role;
comment on function public.ledger_extend_grace(uuid, timestamptz, text, text, uuid) is
  'Gives an order by bank_transfer, bank_transfer_grace or wallet_partial time to be paid until p_until (within a year), or puts its deadline off, also one that has passed. It is in_grace from then on and may go out unpaid. Needs grace.grant. outstanding_amount in minor units. The customer can read p_reason. p_until is later than the present deadline. Errors: order_not_found, invalid_argument, grace_not_possible, grace_limit_reached. Source 000.';
