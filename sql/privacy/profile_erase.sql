create type public.profile_erase_result as (
  success boolean, transaction_id uuid, error_code text, error_message text, error_details jsonb,
  user_id uuid, erased_at timestamptz, sign_in_erased boolean
);

/*
 * Makes a person nobody in particular: name, addresses, notes, bank details, drafts and sign-in go,
 * everything that the register of personal data lists. Orders, money and seals stay as they are, under
 * an id that no longer leads to anybody; their accounts are frozen. Only who has nothing open can be
 * erased, and whose account is frozen only by staff. Cannot be undone, but repeated: then what has been written
 * about them since goes.
 */
create function public.profile_erase(
  p_user_id uuid default null,
  p_reason text default 'requested',
  p_idempotency_key text default null,
  p_actor_id uuid default null)
returns setof public.profile_erase_result
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_actor ledger.actor;
  v_user_id uuid;
  v_request jsonb;
  v_answer jsonb;
  v_profile public.profiles;
  v_is_repeated boolean;
  v_order_ids uuid[];
  v_account_ids uuid[];
  v_account_id uuid;
  v_open jsonb;
  v_transaction public.transactions;
  v_correlation_id uuid;
  v_sign_in_erased boolean;
begin
  -- who may: everybody themselves; a backend says whom
  v_actor := ledger.current_actor(p_actor_id);
  v_user_id := case when v_actor.is_system then p_user_id
                    else ledger.customer_of_call(v_actor, p_user_id, 'customers.erase') end;

  -- asked before
  v_request := jsonb_build_array(v_user_id, p_reason, p_actor_id);
  v_answer := ledger.idempotency_begin('profile_erase', p_idempotency_key, v_actor.caller_id, v_request);
  if v_answer is not null then
    return next jsonb_populate_record(null::public.profile_erase_result, v_answer);
    return;
  end if;

  -- lock: drafts, orders, accounts, each by id; then the person, so that no first account, address or draft comes in between
  perform from public.order_drafts d where d.user_id = v_user_id order by d.id for update;
  v_order_ids := array(select o.id from public.orders o where o.user_id = v_user_id order by o.id for no key update);
  v_account_ids := array(select a.id from public.accounts a where a.user_id = v_user_id order by a.id for no key update);
  select p.* into v_profile from public.profiles p where p.id = v_user_id for update;
  v_is_repeated := v_profile.erased_at is not null;

  -- check
  v_answer := case
    when v_user_id is null then ledger.refuse('customer_required')
    when v_profile.id is null then ledger.refuse('customer_not_found', jsonb_build_object('user_id', v_user_id))
    when p_reason is null or p_reason not in ('requested', 'retention_over', 'legal_order') then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_reason', 'problem', 'one of requested, retention_over, legal_order'))
  end;
  if v_answer is null and not v_is_repeated then
    v_open := ledger.open_business_of(v_user_id, v_account_ids, v_order_ids, ledger.has_permission(v_actor, 'customers.erase'));
    v_answer := case when v_open is not null then ledger.refuse('erase_not_possible', v_open) end;
  end if;
  if v_answer is not null then
    return next jsonb_populate_record(null::public.profile_erase_result, v_answer);
    return;
  end if;

  -- write: accounts are frozen, so that a token which is still good buys nothing
  perform set_config('ledger.procedure', 'profile_erase', true);
  v_correlation_id := ledger.correlation_id();
  foreach v_account_id in array case when v_is_repeated then '{}' else v_account_ids end loop
    v_transaction := ledger.write_transaction(v_account_id, 'account_frozen', v_actor, 'erased', v_correlation_id);
    perform ledger.record_operation('account.frozen', 'account', v_account_id, v_account_id,
      ledger.balance_effect(v_transaction), v_actor, v_correlation_id);
  end loop;

  -- write: what is known of the person
  perform ledger.erase_personal_data(v_user_id, v_account_ids);
  update public.audit_log l set details = '{"erased": true}'
  where l.details <> '{}'
    -- which roles they had is no word about them, and is asked when something went wrong
    and l.target_type <> 'user_roles'
    and l.details <> '{"erased": true}'
    and (v_user_id::text in (l.details -> 'old' ->> 'user_id', l.details -> 'new' ->> 'user_id')
         or (l.target_type = 'profiles' and l.target_id = v_user_id::text));
  -- nobody is left to earn by whom they brought
  update public.referrals r set rate_bp = 0 where r.referrer_user_id = v_user_id;
  -- their own names for what they asked; the key of being erased is still needed to answer it
  delete from ledger.idempotency_keys k where k.caller_id = v_user_id and k.procedure <> 'profile_erase';
  v_sign_in_erased := ledger.erase_sign_in(v_user_id);

  -- record
  if not v_is_repeated then
    perform ledger.record_operation('profile.erased', 'profile', v_user_id, null,
      jsonb_build_object('grounds', p_reason, 'accounts', cardinality(v_account_ids), 'orders', cardinality(v_order_ids),
                         'sign_in_erased', v_sign_in_erased),
      v_actor, v_correlation_id);
  end if;

  -- answer, stored under the key
  v_answer := jsonb_build_object('success', true, 'user_id', v_user_id, 'sign_in_erased', v_sign_in_erased, 'erased_at',
    (select p.erased_at from public.profiles p where p.id = v_user_id));
  v_answer := ledger.idempotency_end('profile_erase', p_idempotency_key, v_actor.caller_id, v_request, null, v_answer);
  perform set_config('ledger.procedure', '', true);
  return next jsonb_populate_record(null::public.profile_erase_result, v_answer);
end $$;
revoke execute on function public.profile_erase(uuid, text, text, uuid) from public, anon;
grant execute on function public.profile_erase(uuid, text, text, uuid) to authenticated, service_role;
comment on function public.profile_erase(uuid, text, text, uuid) is
  'Erases what is known of the caller, or of p_user_id (needs customers.erase): profile, addresses, drafts, sign-in, address snapshots but for country and region, notes, metadata, bank details, words of transactions and events. Books, events and seals stay. p_reason: requested, retention_over or legal_order. sign_in_erased false: the backend still has to call auth.admin.deleteUser(user_id, true). Addresses of clients in audit_log go with its retention; events sealed before event_texts was there keep their words, which no view shows any more. Of somebody who is erased it removes what was written since. Errors: erase_not_possible (what is open: balances, orders, withdrawals, refunds, returns, roles, vendors; frozen accounts, without customers.erase), customer_not_found, customer_required, invalid_argument. Cannot be undone.';
