create type public.ledger_set_credit_terms_result as (
  success boolean, transaction_id uuid, error_code text, error_message text, error_details jsonb,
  account_id uuid, currency text, credit_limit_amount bigint, due_days integer, max_grace_orders integer, version bigint
);

/*
 * Sets what a customer is trusted with in one currency, all of it: what is left out is none (credit), or as
 * the shop's settings say (days, orders in grace). Orders placed before stay as they are. Amounts in minor
 * units. Opens the account when the customer has none yet.
 */
create function public.ledger_set_credit_terms(
  p_user_id uuid,
  p_currency text default null,
  p_credit_limit_amount bigint default null,
  p_due_days integer default null,
  p_max_grace_orders integer default null,
  p_reason text default null,
  p_idempotency_key text default null,
  p_actor_id uuid default null)
returns setof public.ledger_set_credit_terms_result
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_actor ledger.actor;
  v_request jsonb;
  v_answer jsonb;
  v_currency text := upper(coalesce(p_currency, ledger.setting_text('default_currency')));
  v_account_id uuid;
  v_before public.credit_terms;
  v_terms public.credit_terms;
  v_transaction public.transactions;
  v_correlation_id uuid := ledger.correlation_id();
  v_result public.ledger_set_credit_terms_result;
begin
  -- who may
  v_actor := ledger.actor_with(p_actor_id, 'credit.grant');

  -- asked before
  v_request := jsonb_build_array(p_user_id, p_currency, p_credit_limit_amount, p_due_days, p_max_grace_orders, p_reason, p_actor_id);
  v_answer := ledger.idempotency_begin('ledger_set_credit_terms', p_idempotency_key, v_actor.caller_id, v_request);

  -- check what needs no lock
  v_answer := case
    when v_answer is not null then v_answer
    when p_user_id is null then ledger.refuse('customer_required')
    when p_credit_limit_amount < 0 then
      ledger.refuse('invalid_amount', jsonb_build_object('amount', p_credit_limit_amount, 'expected', 'zero or above'))
    when p_credit_limit_amount > 9007199254740991 then
      ledger.refuse('amount_too_large', jsonb_build_object('maximum', 9007199254740991))
    when p_due_days not between 0 and 365 or p_max_grace_orders not between 0 and 1000 then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_due_days, p_max_grace_orders',
        'problem', 'days from 0 to 365, orders from 0 to 1000'))
    when length(p_reason) > 2000 then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_reason', 'problem', 'at most 2000 characters'))
  end;

  -- lock: account; its customer may be gone, or be no customer yet
  if v_answer is null then
    select a.id into v_account_id from ledger.lock_account(p_user_id, v_currency, p_open => false) a;
    v_answer := case when v_account_id is null then ledger.refuse_opening(p_user_id, v_currency) else ledger.refuse_erased(p_user_id) end;
  end if;
  if v_answer is not null then
    return next jsonb_populate_record(null::public.ledger_set_credit_terms_result, v_answer);
    return;
  end if;

  -- write: account, terms, transaction
  perform set_config('ledger.procedure', 'ledger_set_credit_terms', true);
  if v_account_id is null then
    insert into public.accounts as a (id, user_id, currency) values (ledger.account_id(p_user_id, v_currency), p_user_id, v_currency)
    returning a.id into v_account_id;
  end if;
  select t.* into v_before from public.credit_terms t where t.account_id = v_account_id;
  insert into public.credit_terms as t (account_id, credit_limit_amount, due_days, max_grace_orders, granted_by)
  values (v_account_id, p_credit_limit_amount, p_due_days, p_max_grace_orders, v_actor.user_id)
  on conflict (account_id) do update set
    credit_limit_amount = excluded.credit_limit_amount,
    due_days = excluded.due_days,
    max_grace_orders = excluded.max_grace_orders,
    granted_by = excluded.granted_by,
    version = t.version + 1,
    updated_at = clock_timestamp()
  returning t.* into v_terms;
  v_transaction := ledger.write_transaction(
    v_account_id, 'credit_terms_set', v_actor, coalesce(p_reason, 'credit terms set'), v_correlation_id);

  -- record: what it was stays in the event
  perform ledger.record_operation('account.credit_terms_set', 'account', v_account_id, v_account_id,
    ledger.balance_effect(v_transaction) || jsonb_build_object(
      'user_id', p_user_id, 'currency', v_currency, 'version', v_terms.version,
      'old', jsonb_build_object('credit_limit_amount', v_before.credit_limit_amount, 'due_days', v_before.due_days,
                                'max_grace_orders', v_before.max_grace_orders),
      'new', jsonb_build_object('credit_limit_amount', p_credit_limit_amount, 'due_days', p_due_days, 'max_grace_orders', p_max_grace_orders),
      'reason', p_reason),
    v_actor, v_correlation_id);

  -- answer, stored under the key
  v_result := row(true, v_transaction.id, null, null, null, v_account_id, v_currency, v_terms.credit_limit_amount, v_terms.due_days,
                  v_terms.max_grace_orders, v_terms.version);
  v_answer := ledger.idempotency_end('ledger_set_credit_terms', p_idempotency_key, v_actor.caller_id, v_request, v_account_id, to_jsonb(v_result));
  perform set_config('ledger.procedure', '', true);
  return next v_result;
end $$;
revoke execute on function public.ledger_set_credit_terms(uuid, text, bigint, integer, integer, text, text, uuid) from public, anon;
grant execute on function public.ledger_set_credit_terms(uuid, text, bigint, integer, integer, text, text, uuid) to authenticated, service_role;
comment on function public.ledger_set_credit_terms(uuid, text, bigint, integer, integer, text, text, uuid) is
  'Sets a customer''s credit terms in p_currency (the default currency when left out): p_credit_limit_amount (minor units) that they may owe by invoices when they order on invoice, null for no credit; p_due_days until those invoices are due and p_max_grace_orders at a time, null for as the settings say. Needs credit.grant. The customer can read p_reason. Errors: customer_required, customer_not_found, unknown_currency, invalid_amount, amount_too_large, invalid_argument, idempotency_conflict.';
