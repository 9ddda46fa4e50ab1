create type public.ledger_register_referral_result as (
  success boolean, transaction_id uuid, error_code text, error_message text, error_details jsonb,
  referrer_user_id uuid, rate_bp integer
);

/*
 * Says who brought a customer, by the referrer's code: once, and before the customer's first
 * order. The commission rate is the setting's at that moment. Source 003 (referral commission).
 */
create function public.ledger_register_referral(
  p_referral_code text,
  p_idempotency_key text default null,
  p_user_id uuid default null)
returns setof public.ledger_register_referral_result
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_actor ledger.actor;
  v_user_id uuid;
  v_request jsonb;
  v_answer jsonb;
  v_referrer_id uuid;
  v_rate_bp integer := ledger.setting_text('referral_rate_bp')::integer;
begin
  -- who may
  v_actor := ledger.current_actor();
  v_user_id := ledger.customer_of_call(v_actor, p_user_id, 'orders.place');

  -- asked before
  v_request := jsonb_build_array(v_user_id, p_referral_code);
  v_answer := ledger.idempotency_begin('ledger_register_referral', p_idempotency_key, v_actor.caller_id, v_request);
  if v_answer is not null then
    return next jsonb_populate_record(null::public.ledger_register_referral_result, v_answer);
    return;
  end if;

  -- lock: the customer's profile, so that two codes at once give one referrer; the referrer's, so that they are not erased meanwhile
  perform from public.profiles p where p.id = v_user_id for no key update;
  select p.id into v_referrer_id
  from public.profiles p
  where p.referral_code = upper(trim(p_referral_code)) and p.erased_at is null
  for key share;

  -- check
  v_answer := case
    when v_user_id is null then ledger.refuse('customer_required')
    when not exists (select from public.profiles p where p.id = v_user_id and p.erased_at is null) then
      ledger.refuse('customer_not_found', jsonb_build_object('user_id', v_user_id))
    when v_referrer_id is null then ledger.refuse('referral_code_not_found', jsonb_build_object('code', p_referral_code))
    when v_referrer_id = v_user_id then
      ledger.refuse('referral_not_allowed', jsonb_build_object('reason', 'nobody can refer themselves'))
    when exists (select from public.referrals r where r.referee_user_id = v_user_id) then
      ledger.refuse('referral_not_allowed', jsonb_build_object('reason', 'the customer already has a referrer'))
    when exists (select from public.orders o where o.user_id = v_user_id) then
      ledger.refuse('referral_not_allowed', jsonb_build_object('reason', 'the customer has already ordered'))
  end;
  if v_answer is not null then
    return next jsonb_populate_record(null::public.ledger_register_referral_result, v_answer);
    return;
  end if;

  -- write
  perform set_config('ledger.procedure', 'ledger_register_referral', true);
  insert into public.referrals (referee_user_id, referrer_user_id, rate_bp) values (v_user_id, v_referrer_id, v_rate_bp);

  -- record
  perform ledger.record_operation('referral.registered', 'profile', v_user_id, null,
    jsonb_build_object('referrer_user_id', v_referrer_id, 'referee_user_id', v_user_id, 'rate_bp', v_rate_bp),
    v_actor, ledger.correlation_id());

  -- answer
  v_answer := jsonb_build_object('success', true, 'referrer_user_id', v_referrer_id, 'rate_bp', v_rate_bp);
  v_answer := ledger.idempotency_end('ledger_register_referral', p_idempotency_key, v_actor.caller_id, v_request, null, v_answer);
  perform set_config('ledger.procedure', '', true);
  return next jsonb_populate_record(null::public.ledger_register_referral_result, v_answer);
end $$;
revoke execute on function public.ledger_register_referral(text, text, uuid) from public, anon;
grant execute on function public.ledger_register_referral(text, text, uuid) to authenticated, service_role;
comment on function public.ledger_register_referral(text, text, uuid) is
  'Registers the owner of p_referral_code as referrer of the caller (staff with orders.place: of p_user_id). rate_bp is in basis points. Errors: referral_code_not_found, referral_not_allowed, customer_required, customer_not_found. Source 003.';
