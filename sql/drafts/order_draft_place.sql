create type public.order_draft_place_result as (
  success boolean, transaction_id uuid, error_code text, error_message text, error_details jsonb,
  order_id uuid, order_number text, status text, payment_status text, currency text, total_amount bigint,
  wallet_amount bigint, amount_due bigint, available_balance bigint
);

/*
 * Makes an order of a draft, and the draft is gone, in one transaction: ledger_place_order with the
 * draft's lines. Prices are those of now; a total other than p_expected_total, or than the draft was
 * saved with, is refused as price_changed. Source 004.
 */
create function public.order_draft_place(
  p_draft_id uuid,
  p_payment_method text default 'wallet',
  p_wallet_amount bigint default null,
  p_expected_total bigint default null,
  p_expected_version bigint default null,
  p_metadata jsonb default '{}',
  p_idempotency_key text default null,
  p_reservation_id uuid default null)
returns setof public.order_draft_place_result
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_actor ledger.actor;
  v_request jsonb;
  v_answer jsonb;
  v_draft public.order_drafts;
  v_order public.ledger_place_order_result;
begin
  -- who may
  v_actor := ledger.current_actor();

  -- asked before
  v_request := jsonb_build_array(p_draft_id, p_payment_method, p_wallet_amount, p_expected_total, p_expected_version, p_metadata,
                                 p_reservation_id);
  v_answer := ledger.idempotency_begin('order_draft_place', p_idempotency_key, v_actor.caller_id, v_request);
  if v_answer is not null then
    return next jsonb_populate_record(null::public.order_draft_place_result, v_answer);
    return;
  end if;

  -- lock: the draft, before everything that an order locks; of two who place it one finds it gone
  select d.* into v_draft from public.order_drafts d where d.id = p_draft_id for update;

  -- check
  v_answer := case
    when not ledger.is_draft_of(v_draft, v_actor) then ledger.refuse('draft_not_found', jsonb_build_object('draft_id', p_draft_id))
    when p_expected_version <> v_draft.version then
      ledger.refuse('draft_conflict', jsonb_build_object('version', v_draft.version, 'expected', p_expected_version))
  end;
  if v_answer is not null then
    return next jsonb_populate_record(null::public.order_draft_place_result, v_answer);
    return;
  end if;

  -- write: the order, with its own locks, checks and records
  select o.* into v_order
  from public.ledger_place_order(
    v_draft.items, p_payment_method, p_wallet_amount, v_draft.shipping_address_id, v_draft.billing_address_id,
    v_draft.shipping_method, v_draft.discount_code, coalesce(p_expected_total, v_draft.total_amount), v_draft.notes, p_metadata,
    p_user_id => v_draft.user_id, p_reservation_id => p_reservation_id) o;
  v_answer := to_jsonb(v_order);
  if not v_order.success then
    return next jsonb_populate_record(null::public.order_draft_place_result, v_answer);
    return;
  end if;

  -- write: the draft is used up
  perform set_config('ledger.procedure', 'order_draft_place', true);
  delete from public.order_drafts d where d.id = p_draft_id;

  -- answer
  v_answer := ledger.idempotency_end('order_draft_place', p_idempotency_key, v_actor.caller_id, v_request, v_draft.account_id, v_answer);
  perform set_config('ledger.procedure', '', true);
  return next jsonb_populate_record(null::public.order_draft_place_result, v_answer);
end $$;
revoke execute on function public.order_draft_place(uuid, text, bigint, bigint, bigint, jsonb, text, uuid) from public, anon;
grant execute on function public.order_draft_place(uuid, text, bigint, bigint, bigint, jsonb, text, uuid) to authenticated, service_role;
comment on function public.order_draft_place(uuid, text, bigint, bigint, bigint, jsonb, text, uuid) is
  'Places the order of a draft of the caller (staff with orders.place: of anybody, recorded as placed by them) and removes the draft. p_expected_total (minor units) is the total the customer saw; left out, the one the draft was saved with. p_reservation_id: stock that order_reserve holds for it. Errors: draft_not_found, draft_conflict, and those of ledger_place_order. Source 004.';
