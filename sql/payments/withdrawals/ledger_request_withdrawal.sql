create type public.ledger_request_withdrawal_result as (
  success boolean, transaction_id uuid, error_code text, error_message text, error_details jsonb,
  withdrawal_id uuid, status text, amount bigint, currency text, available_balance bigint
);

/*
 * Asks for money out of the wallet. The amount (minor units) is held at once: it leaves the
 * available balance and waits in total_pending_withdrawals. Source 003 (balance formula).
 */
create function public.ledger_request_withdrawal(
  p_amount bigint,
  p_destination jsonb,
  p_currency text default null,
  p_notes text default null,
  p_idempotency_key text default null,
  p_user_id uuid default null)
returns setof public.ledger_request_withdrawal_result
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_actor ledger.actor;
  v_user_id uuid;
  v_request jsonb;
  v_answer jsonb;
  v_currency text := upper(coalesce(p_currency, ledger.setting_text('default_currency')));
  v_account public.accounts;
  v_withdrawal_id uuid := ledger.uuid_v7();
  v_transaction public.transactions;
  v_correlation_id uuid;
begin
  -- who may
  v_actor := ledger.current_actor();
  v_user_id := ledger.customer_of_call(v_actor, p_user_id, 'withdrawals.review');

  -- asked before
  v_request := jsonb_build_array(v_user_id, p_amount, p_destination, p_currency, p_notes);
  v_answer := ledger.idempotency_begin('ledger_request_withdrawal', p_idempotency_key, v_actor.caller_id, v_request);
  if v_answer is null and not v_actor.is_system then
    v_answer := ledger.rate_limit_take(v_actor.user_id, 'ledger_request_withdrawal');
  end if;
  if v_answer is not null then
    return next jsonb_populate_record(null::public.ledger_request_withdrawal_result, v_answer);
    return;
  end if;

  -- lock: account
  select a.* into v_account
  from public.accounts a
  where a.id = ledger.account_id(v_user_id, v_currency)
  for no key update;

  -- check
  v_answer := case
    when v_user_id is null then ledger.refuse('customer_required')
    when p_amount is null or p_amount <= 0 then
      ledger.refuse('invalid_amount', jsonb_build_object('amount', p_amount, 'expected', 'above zero'))
    when p_amount > 9007199254740991 then ledger.refuse('amount_too_large', jsonb_build_object('maximum', 9007199254740991))
    when coalesce(jsonb_typeof(p_destination), 'null') <> 'object' or p_destination = '{}' or octet_length(p_destination::text) > 4096 then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_destination',
        'problem', 'a JSON object of at most 4 KB that says where the money goes, such as {"iban": "..."}'))
    when length(p_notes) > 2000 then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_notes', 'problem', 'at most 2000 characters'))
    when v_account.id is null then ledger.refuse('account_not_found', jsonb_build_object('currency', v_currency))
    when v_account.frozen_reason is not null then
      ledger.refuse('account_frozen', jsonb_build_object('reason', v_account.frozen_reason))
    when p_amount > v_account.available_balance then ledger.refuse('insufficient_funds', jsonb_build_object(
      'required', p_amount, 'available', v_account.available_balance, 'currency', v_currency))
  end;
  if v_answer is not null then
    return next jsonb_populate_record(null::public.ledger_request_withdrawal_result, v_answer);
    return;
  end if;

  -- write: withdrawal, account, transaction, posting
  perform set_config('ledger.procedure', 'ledger_request_withdrawal', true);
  v_correlation_id := ledger.correlation_id();
  insert into public.withdrawals (id, account_id, user_id, amount, currency, destination, notes)
  values (v_withdrawal_id, v_account.id, v_user_id, p_amount, v_currency, p_destination, p_notes);
  v_transaction := ledger.write_transaction(
    v_account.id, 'withdrawal_requested', v_actor, coalesce(p_notes, 'withdrawal requested'), v_correlation_id,
    p_pending_withdrawals => p_amount, p_reference_id => v_withdrawal_id);
  perform ledger.write_postings(v_transaction, v_currency,
    array[row('wallet', 'withdrawals_payable', p_amount)]::ledger.posting_leg[]);

  -- record
  perform ledger.record_operation('withdrawal.requested', 'withdrawal', v_withdrawal_id, v_account.id,
    ledger.balance_effect(v_transaction, p_pending_withdrawals => p_amount)
      || jsonb_build_object('currency', v_currency, 'status', 'requested'),
    v_actor, v_correlation_id);

  -- answer
  v_answer := jsonb_build_object('success', true, 'transaction_id', v_transaction.id, 'withdrawal_id', v_withdrawal_id,
    'status', 'requested', 'amount', p_amount, 'currency', v_currency, 'available_balance', v_transaction.balance_after);
  v_answer := ledger.idempotency_end('ledger_request_withdrawal', p_idempotency_key, v_actor.caller_id, v_request, v_account.id, v_answer);
  perform set_config('ledger.procedure', '', true);
  return next jsonb_populate_record(null::public.ledger_request_withdrawal_result, v_answer);
end $$;
revoke execute on function public.ledger_request_withdrawal(bigint, jsonb, text, text, text, uuid) from public, anon;
grant execute on function public.ledger_request_withdrawal(bigint, jsonb, text, text, text, uuid) to authenticated, service_role;
comment on function public.ledger_request_withdrawal(bigint, jsonb, text, text, text, uuid) is
  'Holds p_amount (minor units) of the caller''s wallet for paying out to p_destination (a JSON object). Errors: invalid_amount, amount_too_large, invalid_argument, account_not_found, account_frozen, insufficient_funds, rate_limited. Source 003.';
