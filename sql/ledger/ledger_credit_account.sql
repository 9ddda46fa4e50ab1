create type public.ledger_credit_account_result as (
  success boolean, transaction_id uuid, error_code text, error_message text, error_details jsonb,
  account_id uuid, amount bigint, currency text, available_balance bigint
);

/*
 * Credits a customer's wallet: deposit (money that came in at the bank), earning or bonus (the
 * house's expense), or adjustment, which may also be negative but never takes the balance below
 * zero. Amounts in minor units. Source 003 (account balance logic).
 */
create function public.ledger_credit_account(
  p_user_id uuid,
  p_amount bigint,
  p_type text default 'deposit',
  p_currency text default null,
  p_notes text default null,
  p_metadata jsonb default '{}',
  p_idempotency_key text default null,
  p_actor_id uuid default null)
returns setof public.ledger_credit_account_result
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_actor ledger.actor;
  v_request jsonb;
  v_answer jsonb;
  v_account_id uuid;
  v_currency text;
  v_version bigint;
  v_earned bigint;
  v_available bigint;
  v_is_checked boolean := false;
  v_transaction_id uuid;
  v_phase text;
  v_result public.ledger_credit_account_result;
begin
  -- who may
  v_actor := ledger.actor_with(p_actor_id, case p_type when 'adjustment' then 'accounts.adjust' else 'accounts.credit' end);

  -- asked before
  if p_idempotency_key is not null then
    v_request := jsonb_build_array(p_user_id, p_amount, p_type, p_currency, p_notes, p_metadata, p_actor_id);
    v_answer := ledger.idempotency_begin('ledger_credit_account', p_idempotency_key, v_actor.caller_id, v_request);
  end if;

  -- check what needs no lock; refusals are worded only where one may be needed
  if v_answer is null and (p_user_id is null or p_type is null or p_type not in ('deposit', 'earning', 'bonus', 'adjustment')
     or p_amount is null or p_amount not between 1 and 9007199254740991 or p_notes is not null or p_metadata is distinct from '{}') then
    v_answer := case
      when p_user_id is null then ledger.refuse('customer_required')
      when p_type is null or p_type not in ('deposit', 'earning', 'bonus', 'adjustment') then
        ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_type', 'problem', 'one of deposit, earning, bonus, adjustment'))
      when p_amount is null or p_amount = 0 or (p_amount < 0 and p_type <> 'adjustment') then
        ledger.refuse('invalid_amount', jsonb_build_object('amount', p_amount,
          'expected', case p_type when 'adjustment' then 'other than zero' else 'above zero' end))
      when p_amount not between -9007199254740991 and 9007199254740991 then
        ledger.refuse('amount_too_large', jsonb_build_object('maximum', 9007199254740991))
      when length(p_notes) > 2000 or octet_length(p_metadata::text) > 16384 or coalesce(jsonb_typeof(p_metadata), 'object') <> 'object' then
        ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_notes, p_metadata',
          'problem', 'notes have at most 2000 characters; metadata is a JSON object of at most 16 KB'))
    end;
  end if;
  if v_answer is not null then
    return next jsonb_populate_record(null::public.ledger_credit_account_result, v_answer);
    return;
  end if;

  -- lock, check and write the account: one statement where it is open, not frozen and has room, as nearly always
  v_phase := set_config('ledger.procedure', 'ledger_credit_account', true);
  loop
    update public.accounts a set total_earned = a.total_earned + p_amount, version = a.version + 1, updated_at = clock_timestamp()
    where a.id = ledger.account_id(p_user_id, upper(coalesce(
            p_currency, (select s.value #>> '{}' from public.settings s where s.key = 'default_currency'))))
      and a.total_earned + p_amount <= 9007199254740991 and (p_amount > 0 or a.available_balance + p_amount >= 0)
      and (a.frozen_reason is null or v_is_checked)
    returning a.id, a.currency, a.version, a.available_balance into v_account_id, v_currency, v_version, v_available;
    exit when found;

    -- else lock it and say why not, or open it (a first credit), and then it has room; a frozen one may be an erased person's
    v_currency := upper(coalesce(p_currency, ledger.setting_text('default_currency')));
    select a.id, coalesce(a.total_earned, 0), coalesce(a.available_balance, 0) into v_account_id, v_earned, v_available
    from ledger.lock_account(p_user_id, v_currency, p_open => false) a;
    v_answer := coalesce(
      case when v_account_id is null then ledger.refuse_opening(p_user_id, v_currency) else ledger.refuse_erased(p_user_id) end,
      case when v_earned + p_amount > 9007199254740991 then ledger.refuse('amount_too_large', jsonb_build_object('maximum', 9007199254740991))
           when p_amount < 0 and v_available + p_amount < 0 then
             ledger.refuse('insufficient_funds', jsonb_build_object('required', -p_amount, 'available', v_available, 'currency', v_currency)) end);
    if v_answer is not null then
      v_phase := set_config('ledger.procedure', '', true);
      return next jsonb_populate_record(null::public.ledger_credit_account_result, v_answer);
      return;
    end if;
    v_is_checked := true;
    if v_account_id is null then
      insert into public.accounts (id, user_id, currency) values (ledger.account_id(p_user_id, v_currency), p_user_id, v_currency);
    end if;
  end loop;

  -- record: transaction, posting, event, audit, outbox
  v_transaction_id := ledger.write_operation(
    v_account_id, v_version, v_available, p_type, p_amount, jsonb_build_object('total_earned', p_amount),
    v_actor.user_id, coalesce(p_notes, p_type), p_metadata, null, v_currency,
    array[case p_type
      when 'deposit' then row('bank', 'wallet', p_amount)::ledger.posting_leg
      when 'adjustment' then
        case when p_amount > 0 then row('adjustments', 'wallet', p_amount)::ledger.posting_leg
             else row('wallet', 'adjustments', -p_amount)::ledger.posting_leg end
      else row('commission_expense', 'wallet', p_amount)::ledger.posting_leg end],
    'account.credited', jsonb_build_object('type', p_type, 'currency', v_currency),
    case when p_notes is not null or p_metadata <> '{}' then jsonb_build_object('notes', p_notes, 'metadata', p_metadata) end);

  -- answer, stored under the key
  v_result := row(true, v_transaction_id, null, null, null, v_account_id, p_amount, v_currency, v_available);
  if p_idempotency_key is not null then
    v_answer := ledger.idempotency_end('ledger_credit_account', p_idempotency_key, v_actor.caller_id, v_request, v_account_id, to_jsonb(v_result));
  end if;
  v_phase := set_config('ledger.procedure', '', true);
  return next v_result;
end $$;
revoke execute on function public.ledger_credit_account(uuid, bigint, text, text, text, jsonb, text, uuid) from public, anon;
grant execute on function public.ledger_credit_account(uuid, bigint, text, text, text, jsonb, text, uuid) to authenticated, service_role;
comment on function public.ledger_credit_account(uuid, bigint, text, text, text, jsonb, text, uuid) is
  'Credits p_amount (minor units) to a customer''s wallet as deposit, earning, bonus or adjustment (may be negative). Needs accounts.credit, for adjustments accounts.adjust. Errors: customer_required, customer_not_found, invalid_argument, unknown_currency, invalid_amount, amount_too_large, insufficient_funds, idempotency_conflict. Source 003.';
