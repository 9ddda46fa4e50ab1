create type public.ledger_save_address_result as (
  success boolean, transaction_id uuid, error_code text, error_message text, error_details jsonb,
  address_id uuid
);

/*
 * Adds an address of the caller, or changes one (p_address_id). Orders already placed keep the
 * address they were placed with.
 */
create function public.ledger_save_address(
  p_recipient text,
  p_line1 text,
  p_city text,
  p_country text,
  p_line2 text default null,
  p_region text default null,
  p_postal_code text default null,
  p_phone text default null,
  p_address_id uuid default null,
  p_idempotency_key text default null,
  p_user_id uuid default null)
returns setof public.ledger_save_address_result
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_actor ledger.actor;
  v_user_id uuid;
  v_request jsonb;
  v_answer jsonb;
  v_problem text;
  v_address_id uuid;
begin
  -- who may
  v_actor := ledger.current_actor();
  v_user_id := ledger.customer_of_call(v_actor, p_user_id, 'orders.place');

  -- asked before
  v_request := jsonb_build_array(v_user_id, p_address_id, p_recipient, p_line1, p_line2, p_city, p_region, p_postal_code, p_country, p_phone);
  v_answer := ledger.idempotency_begin('ledger_save_address', p_idempotency_key, v_actor.caller_id, v_request);
  if v_answer is not null then
    return next jsonb_populate_record(null::public.ledger_save_address_result, v_answer);
    return;
  end if;

  -- lock: the person, who is not erased meanwhile
  perform from public.profiles p where p.id = v_user_id and p.erased_at is null for key share;

  -- check
  v_answer := case
    when v_user_id is null then ledger.refuse('customer_required')
    when not found then ledger.refuse('customer_not_found', jsonb_build_object('user_id', v_user_id))
  end;
  v_problem := case
    when coalesce(length(p_recipient), 0) not between 1 and 200 then 'p_recipient: 1 to 200 characters'
    when coalesce(length(p_line1), 0) not between 1 and 300 then 'p_line1: 1 to 300 characters'
    when coalesce(length(p_city), 0) not between 1 and 200 then 'p_city: 1 to 200 characters'
    when coalesce(upper(p_country), '') !~ '^[A-Z]{2}$' then 'p_country: the two letters of ISO 3166-1, such as IQ'
    when length(p_line2) > 300 then 'p_line2: at most 300 characters'
    when length(p_region) > 200 then 'p_region: at most 200 characters'
    when length(p_postal_code) > 20 then 'p_postal_code: at most 20 characters'
    when length(p_phone) > 40 then 'p_phone: at most 40 characters'
  end;
  v_answer := case
    when v_answer is not null then v_answer
    when v_problem is not null then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', split_part(v_problem, ': ', 1), 'problem', split_part(v_problem, ': ', 2)))
    when p_address_id is not null
      and not exists (select from public.addresses a where a.id = p_address_id and a.user_id = v_user_id) then
      ledger.refuse('address_not_found', jsonb_build_object('address_id', p_address_id))
  end;
  if v_answer is not null then
    return next jsonb_populate_record(null::public.ledger_save_address_result, v_answer);
    return;
  end if;

  -- write
  perform set_config('ledger.procedure', 'ledger_save_address', true);
  insert into public.addresses as a (id, user_id, recipient, line1, line2, city, region, postal_code, country, phone)
  values (coalesce(p_address_id, ledger.uuid_v7()), v_user_id, p_recipient, p_line1, p_line2, p_city, p_region,
          p_postal_code, upper(p_country), p_phone)
  on conflict (id) do update set
    recipient = excluded.recipient, line1 = excluded.line1, line2 = excluded.line2, city = excluded.city,
    region = excluded.region, postal_code = excluded.postal_code, country = excluded.country, phone = excluded.phone
  where a.user_id = v_user_id
  returning a.id into v_address_id;

  -- answer
  v_answer := jsonb_build_object('success', true, 'address_id', v_address_id);
  v_answer := ledger.idempotency_end('ledger_save_address', p_idempotency_key, v_actor.caller_id, v_request, null, v_answer);
  perform set_config('ledger.procedure', '', true);
  return next jsonb_populate_record(null::public.ledger_save_address_result, v_answer);
end $$;
revoke execute on function public.ledger_save_address(text, text, text, text, text, text, text, text, uuid, text, uuid) from public, anon;
grant execute on function public.ledger_save_address(text, text, text, text, text, text, text, text, uuid, text, uuid) to authenticated, service_role;
comment on function public.ledger_save_address(text, text, text, text, text, text, text, text, uuid, text, uuid) is
  'Adds or changes an address of the caller (staff with orders.place: of p_user_id). Errors: customer_required, customer_not_found, invalid_argument, address_not_found.';
