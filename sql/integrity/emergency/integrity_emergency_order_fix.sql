create type public.integrity_emergency_order_fix_result as (
  success boolean, transaction_id uuid, error_code text, error_message text, error_details jsonb,
  dry_run boolean, found_orders bigint, fixed_orders bigint, refused_orders bigint, remaining_orders bigint, orders jsonb
);

/* What is wrong with the call, or null. */
create function ledger.refuse_order_fix(p_user_id uuid, p_order_numbers text[], p_dry_run boolean)
returns jsonb
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_unknown text := (
    select n.number
    from unnest(p_order_numbers) with ordinality n (number, position)
    where n.number is not null and not exists (select from public.orders o where o.order_number = n.number)
    order by n.position
    limit 1);
begin
  return case
    when p_dry_run is null then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_dry_run', 'problem', 'true or false'))
    when p_user_id is not null and p_order_numbers is not null then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_user_id, p_order_numbers', 'problem', 'one of them, or neither for all orders'))
    when array_ndims(p_order_numbers) > 1 or cardinality(p_order_numbers) not between 1 and 100 or array_position(p_order_numbers, null) is not null then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_order_numbers', 'problem', 'a list of 1 to 100 order numbers'))
    when v_unknown is not null then ledger.refuse('order_not_found', jsonb_build_object('order_id', v_unknown))
    when p_user_id is not null and not exists (select from public.profiles p where p.id = p_user_id) then
      ledger.refuse('customer_not_found', jsonb_build_object('user_id', p_user_id))
  end;
end $$;
comment on function ledger.refuse_order_fix(uuid, text[], boolean) is 'The refusal for an emergency fix of orders as it was asked for, or null.';

/* Unsettled claims of a customer's orders, or of all. */
create function ledger.claims_to_fix(p_user_id uuid)
returns setof public.imported_order_claims
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select c.*
  from public.imported_order_claims c
  where c.settled_at is null
    and (p_user_id is null or c.account_id in (select a.id from public.accounts a where a.user_id = p_user_id));
$$;
comment on function ledger.claims_to_fix(uuid) is 'What is claimed of the orders of a customer (null: of all) and not settled yet.';

/*
 * Finds the orders that were broken in an older system and puts them right: a customer's, those named, or the
 * next 100 of all. A dry run, which is what it does unless told otherwise, does the same and takes it back.
 * Source 000 (emergency fix).
 */
create function public.integrity_emergency_order_fix(
  p_user_id uuid default null,
  p_order_numbers text[] default null,
  p_dry_run boolean default true,
  p_idempotency_key text default null,
  p_actor_id uuid default null)
returns setof public.integrity_emergency_order_fix_result
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_actor ledger.actor;
  v_key text := case when p_dry_run is false then p_idempotency_key end;
  v_request jsonb := jsonb_build_array(p_user_id, p_order_numbers, p_actor_id);
  v_answer jsonb;
  v_order_ids uuid[];
  v_order_id uuid;
  v_result public.integrity_emergency_order_fix_result;
begin
  -- who may
  v_actor := ledger.actor_with(p_actor_id, 'integrity.repair');

  -- asked before; a dry run leaves no key
  v_answer := ledger.idempotency_begin('integrity_emergency_order_fix', v_key, v_actor.caller_id, v_request);

  -- check the call; the orders are checked one by one
  v_answer := coalesce(v_answer, ledger.refuse_order_fix(p_user_id, p_order_numbers, p_dry_run));
  if v_answer is not null then
    return next jsonb_populate_record(null::public.integrity_emergency_order_fix_result, v_answer);
    return;
  end if;

  -- lock: orders, accounts, for all of them before the first is changed; two calls at once find each order once
  v_order_ids := case when p_order_numbers is not null
    then array(select o.id from public.orders o where o.order_number = any (p_order_numbers) order by o.id)
    else array(select c.order_id from ledger.claims_to_fix(p_user_id) c order by c.tried_at nulls first, c.order_id limit 100) end;
  perform ledger.lock_for_bulk_change(v_order_ids, 'delivered');

  -- write: each order whole or not at all, the oldest first
  v_result := row(true, null, null, null, null, p_dry_run, 0, 0, 0, 0, '[]'::jsonb);
  begin
    perform set_config('ledger.procedure', 'integrity_emergency_order_fix', true);
    for v_order_id in select u.id from unnest(v_order_ids) u (id) order by u.id loop
      v_result.orders := v_result.orders || ledger.try_order_fix(v_order_id, v_actor);
    end loop;
    if p_dry_run then
      set constraints all immediate;
      raise exception using errcode = 'LDRY0';
    end if;
  exception when sqlstate 'LDRY0' then
    -- nothing has happened, so nothing of it has an id
    v_result.orders := (
      select coalesce(jsonb_agg(e.value || jsonb_build_object(
          'outcome', case e.value ->> 'outcome' when 'fixed' then 'planned' else e.value ->> 'outcome' end,
          'steps', (select coalesce(jsonb_agg(s.value - '{transaction_id,payment_id}'::text[] order by s.ordinality), '[]')
                    from jsonb_array_elements(e.value -> 'steps') with ordinality s)) order by e.ordinality), '[]')
      from jsonb_array_elements(v_result.orders) with ordinality e);
  end;

  -- answer, stored under the key
  select count(*) filter (where cardinality(p.problems) > 0), count(*) filter (where p.outcome = 'fixed'), count(*) filter (where p.outcome = 'refused')
  into v_result.found_orders, v_result.fixed_orders, v_result.refused_orders
  from jsonb_to_recordset(v_result.orders) as p (problems text[], outcome text);
  v_result.remaining_orders := (
    select count(*) from ledger.claims_to_fix(p_user_id) c where p_order_numbers is null or c.order_id = any (v_order_ids));
  if not ledger.has_permission(v_actor, 'accounts.read') then
    v_result.orders := (
      select coalesce(jsonb_agg(e.value #- '{before,available_balance}' #- '{after,available_balance}' order by e.ordinality), '[]')
      from jsonb_array_elements(v_result.orders) with ordinality e);
  end if;
  v_answer := ledger.idempotency_end('integrity_emergency_order_fix', v_key, v_actor.caller_id, v_request, null, to_jsonb(v_result));
  perform set_config('ledger.procedure', '', true);
  return next v_result;
end $$;
revoke execute on function public.integrity_emergency_order_fix(uuid, text[], boolean, text, uuid) from public, anon;
grant execute on function public.integrity_emergency_order_fix(uuid, text[], boolean, text, uuid) to authenticated, service_role;
comment on function public.integrity_emergency_order_fix(uuid, text[], boolean, text, uuid) is
  'Puts orders right that were broken in an older system (imported_order_claims): of p_user_id, those of p_order_numbers (1 to 100), or with neither the next 100 of all. A wallet part without a transaction is paid from the wallet, a receipt under review is approved as far as something is due, the status follows the management''s, each through the product''s own steps; p_dry_run (the default) answers what would come of it and changes nothing. orders: [{order_id, order_number, user_id, currency, problems [status_mismatch, wallet_without_transaction, receipt_stuck], claimed, steps [{step, ...}], outcome (planned, fixed, nothing_to_do, refused), error_code, error_message, error_details, before and after {status, payment_status, stage, paid_amount, amount_due, available_balance}}], minor units; a refused one stays as it was, and the others go on. remaining_orders: claims that are still unsettled; call it again. Needs integrity.repair; balances are answered to who has accounts.read. An order of this system cannot have two statuses, for both sides are views of one row. Errors of the call: invalid_argument, order_not_found, customer_not_found, idempotency_conflict; of an order: insufficient_funds, account_frozen, payment_required, invalid_transition, own_receipt, receipt_not_due, payment_reference_used and others of those steps, bulk_item_failed. Source 000.';
