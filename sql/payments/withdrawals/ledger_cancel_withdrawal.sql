create type public.ledger_cancel_withdrawal_result as (
  success boolean, transaction_id uuid, error_code text, error_message text, error_details jsonb,
  withdrawal_id uuid, status text, available_balance bigint
);

/* The customer takes a requested withdrawal back; the money returns to the wallet. */
create function public.ledger_cancel_withdrawal(
  p_withdrawal_id uuid,
  p_idempotency_key text default null,
  p_user_id uuid default null)
returns setof public.ledger_cancel_withdrawal_result
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_actor ledger.actor;
  v_user_id uuid;
  v_request jsonb;
  v_answer jsonb;
  v_change ledger.withdrawal_change;
begin
  -- who may
  v_actor := ledger.current_actor();
  v_user_id := ledger.customer_of_call(v_actor, p_user_id, 'withdrawals.review');

  -- asked before
  v_request := jsonb_build_array(v_user_id, p_withdrawal_id);
  v_answer := ledger.idempotency_begin('ledger_cancel_withdrawal', p_idempotency_key, v_actor.caller_id, v_request);
  if v_answer is null and v_user_id is null then
    v_answer := ledger.refuse('customer_required');
  end if;
  if v_answer is not null then
    return next jsonb_populate_record(null::public.ledger_cancel_withdrawal_result, v_answer);
    return;
  end if;

  -- lock, check, write, record
  v_change := ledger.settle_withdrawal(
    p_withdrawal_id, v_user_id, '{requested}', 'cancelled', 'ledger_cancel_withdrawal', v_actor, null);

  -- answer
  v_answer := coalesce(v_change.refusal, jsonb_build_object('success', true, 'transaction_id', v_change.transaction_id,
    'withdrawal_id', p_withdrawal_id, 'status', v_change.status, 'available_balance', v_change.available_balance));
  if v_change.refusal is null then
    v_answer := ledger.idempotency_end('ledger_cancel_withdrawal', p_idempotency_key, v_actor.caller_id, v_request, null, v_answer);
  end if;
  return next jsonb_populate_record(null::public.ledger_cancel_withdrawal_result, v_answer);
end $$;
revoke execute on function public.ledger_cancel_withdrawal(uuid, text, uuid) from public, anon;
grant execute on function public.ledger_cancel_withdrawal(uuid, text, uuid) to authenticated, service_role;
comment on function public.ledger_cancel_withdrawal(uuid, text, uuid) is
  'Cancels a requested withdrawal of the caller (staff with withdrawals.review: of p_user_id). Errors: withdrawal_not_found, withdrawal_conflict, customer_required.';
