create type public.ledger_freeze_account_result as (
  success boolean, transaction_id uuid, error_code text, error_message text, error_details jsonb,
  account_id uuid, frozen boolean
);

/*
 * Freezes an account, so that nothing can be spent or withdrawn from it, or releases it again.
 * Credits and the return of money go on while it is frozen.
 */
create function public.ledger_freeze_account(
  p_user_id uuid,
  p_frozen boolean,
  p_reason text default null,
  p_currency text default null,
  p_idempotency_key text default null,
  p_actor_id uuid default null)
returns setof public.ledger_freeze_account_result
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_actor ledger.actor;
  v_request jsonb;
  v_answer jsonb;
  v_currency text := upper(coalesce(p_currency, ledger.setting_text('default_currency')));
  v_account public.accounts;
  v_transaction public.transactions;
  v_correlation_id uuid;
begin
  -- who may
  v_actor := ledger.current_actor(p_actor_id);
  perform ledger.require_permission(v_actor, 'accounts.freeze');

  -- asked before
  v_request := jsonb_build_array(p_user_id, p_frozen, p_reason, p_currency, p_actor_id);
  v_answer := ledger.idempotency_begin('ledger_freeze_account', p_idempotency_key, v_actor.caller_id, v_request);
  if v_answer is not null then
    return next jsonb_populate_record(null::public.ledger_freeze_account_result, v_answer);
    return;
  end if;

  -- lock: account
  select a.* into v_account
  from public.accounts a
  where a.id = ledger.account_id(p_user_id, v_currency)
  for no key update;

  -- check
  v_answer := case
    when v_account.id is null then ledger.refuse('account_not_found', jsonb_build_object('currency', v_currency))
    when p_frozen is null then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_frozen', 'problem', 'true to freeze, false to release'))
    when p_frozen and coalesce(length(trim(p_reason)), 0) not between 1 and 1000 then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_reason', 'problem', 'say why, in 1 to 1000 characters'))
    when length(p_reason) > 1000 then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_reason', 'problem', 'at most 1000 characters'))
    when p_frozen = (v_account.frozen_reason is not null) then
      ledger.refuse('account_already_frozen', jsonb_build_object('state', case when p_frozen then 'frozen' else 'released' end))
    -- the accounts of the erased stay frozen
    else ledger.refuse_erased(p_user_id)
  end;
  if v_answer is not null then
    return next jsonb_populate_record(null::public.ledger_freeze_account_result, v_answer);
    return;
  end if;

  -- write: account, transaction
  perform set_config('ledger.procedure', 'ledger_freeze_account', true);
  v_correlation_id := ledger.correlation_id();
  update public.accounts a set frozen_reason = case when p_frozen then trim(p_reason) end where a.id = v_account.id;
  v_transaction := ledger.write_transaction(
    v_account.id, case when p_frozen then 'account_frozen' else 'account_released' end, v_actor,
    coalesce(p_reason, 'account released'), v_correlation_id);

  -- record
  perform ledger.record_operation(case when p_frozen then 'account.frozen' else 'account.released' end, 'account',
    v_account.id, v_account.id, ledger.balance_effect(v_transaction) || jsonb_build_object('reason', p_reason),
    v_actor, v_correlation_id);

  -- answer
  v_answer := jsonb_build_object('success', true, 'transaction_id', v_transaction.id, 'account_id', v_account.id, 'frozen', p_frozen);
  v_answer := ledger.idempotency_end('ledger_freeze_account', p_idempotency_key, v_actor.caller_id, v_request, v_account.id, v_answer);
  perform set_config('ledger.procedure', '', true);
  return next jsonb_populate_record(null::public.ledger_freeze_account_result, v_answer);
end $$;
revoke execute on function public.ledger_freeze_account(uuid, boolean, text, text, text, uuid) from public, anon;
grant execute on function public.ledger_freeze_account(uuid, boolean, text, text, text, uuid) to authenticated, service_role;
comment on function public.ledger_freeze_account(uuid, boolean, text, text, text, uuid) is
  'Freezes (with a reason) or releases a customer''s account. Needs accounts.freeze. Errors: account_not_found, customer_not_found (erased), invalid_argument, account_already_frozen.';
