create type public.ledger_review_withdrawal_result as (
  success boolean, transaction_id uuid, error_code text, error_message text, error_details jsonb,
  withdrawal_id uuid, status text, available_balance bigint
);

/*
 * Finance decides: approve a requested withdrawal, reject a requested or approved one (the money
 * returns to the wallet), or mark an approved one as paid, with the bank's reference.
 */
create function public.ledger_review_withdrawal(
  p_withdrawal_id uuid,
  p_decision text,
  p_notes text default null,
  p_bank_reference text default null,
  p_idempotency_key text default null,
  p_actor_id uuid default null)
returns setof public.ledger_review_withdrawal_result
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_actor ledger.actor;
  v_request jsonb;
  v_answer jsonb;
  v_decision text := lower(trim(p_decision));
  v_change ledger.withdrawal_change;
begin
  -- who may
  v_actor := ledger.current_actor(p_actor_id);
  perform ledger.require_permission(v_actor, 'withdrawals.review');

  -- asked before
  v_request := jsonb_build_array(p_withdrawal_id, v_decision, p_notes, p_bank_reference, p_actor_id);
  v_answer := ledger.idempotency_begin('ledger_review_withdrawal', p_idempotency_key, v_actor.caller_id, v_request);
  if v_answer is null and (v_decision is null or v_decision not in ('approve', 'reject', 'mark_paid')) then
    v_answer := ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_decision', 'problem', 'one of approve, reject, mark_paid'));
  end if;
  if v_answer is not null then
    return next jsonb_populate_record(null::public.ledger_review_withdrawal_result, v_answer);
    return;
  end if;

  -- lock, check, write, record
  v_change := ledger.settle_withdrawal(
    p_withdrawal_id, null,
    case v_decision when 'approve' then '{requested}' when 'reject' then '{requested,approved}' else '{approved}' end::text[],
    case v_decision when 'approve' then 'approved' when 'reject' then 'rejected' else 'paid' end,
    'ledger_review_withdrawal', v_actor, p_notes, p_bank_reference);

  -- answer
  v_answer := coalesce(v_change.refusal, jsonb_build_object('success', true, 'transaction_id', v_change.transaction_id,
    'withdrawal_id', p_withdrawal_id, 'status', v_change.status, 'available_balance', v_change.available_balance));
  if v_change.refusal is null then
    v_answer := ledger.idempotency_end('ledger_review_withdrawal', p_idempotency_key, v_actor.caller_id, v_request, null, v_answer);
  end if;
  return next jsonb_populate_record(null::public.ledger_review_withdrawal_result, v_answer);
end $$;
revoke execute on function public.ledger_review_withdrawal(uuid, text, text, text, text, uuid) from public, anon;
grant execute on function public.ledger_review_withdrawal(uuid, text, text, text, text, uuid) to authenticated, service_role;
comment on function public.ledger_review_withdrawal(uuid, text, text, text, text, uuid) is
  'Decides on a withdrawal: approve, reject or mark_paid. Needs withdrawals.review. Of a frozen account none is approved or paid. Errors: withdrawal_not_found, withdrawal_conflict, account_frozen, invalid_argument.';
