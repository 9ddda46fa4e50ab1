create type public.order_draft_save_result as (
  success boolean, transaction_id uuid, error_code text, error_message text, error_details jsonb,
  draft_id uuid, version bigint, currency text, subtotal_amount bigint, discount_amount bigint, shipping_amount bigint,
  tax_amount bigint, total_amount bigint
);

/*
 * Keeps a draft of an order, or replaces all of one (p_draft_id), and says what it would cost now.
 * Holds no stock and moves no money; what could not be priced cannot be saved. Source 004.
 */
create function public.order_draft_save(
  p_items jsonb,
  p_draft_id uuid default null,
  p_shipping_address_id uuid default null,
  p_billing_address_id uuid default null,
  p_shipping_method text default null,
  p_discount_code text default null,
  p_notes text default null,
  p_expected_version bigint default null,
  p_idempotency_key text default null,
  p_user_id uuid default null)
returns setof public.order_draft_save_result
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_actor ledger.actor;
  v_user_id uuid;
  v_request jsonb;
  v_answer jsonb;
  v_draft public.order_drafts;
  v_pricing ledger.order_pricing;
  v_items jsonb;
  v_maximum integer := ledger.setting_text('max_order_drafts')::integer;
begin
  -- who may
  v_actor := ledger.current_actor();
  v_user_id := ledger.customer_of_call(v_actor, p_user_id, 'orders.place');

  -- asked before
  v_request := jsonb_build_array(v_user_id, p_items, p_draft_id, p_shipping_address_id, p_billing_address_id, p_shipping_method,
                                 p_discount_code, p_notes, p_expected_version);
  v_answer := ledger.idempotency_begin('order_draft_save', p_idempotency_key, v_actor.caller_id, v_request);
  if v_answer is null and not v_actor.is_system then
    v_answer := ledger.rate_limit_take(v_actor.user_id, 'order_draft_save');
  end if;
  if v_answer is not null then
    return next jsonb_populate_record(null::public.order_draft_save_result, v_answer);
    return;
  end if;

  -- lock: the draft, or who gets a new one (so that their drafts can be counted); then the person, who stays meanwhile
  if p_draft_id is null then
    perform pg_advisory_xact_lock(hashtextextended('drafts of ' || v_user_id::text, 0));
  else
    select d.* into v_draft from public.order_drafts d where d.id = p_draft_id for no key update;
    -- staff need not say whose draft it is
    v_user_id := case when p_user_id is null and ledger.is_draft_of(v_draft, v_actor) then v_draft.user_id else v_user_id end;
  end if;
  perform from public.profiles p where p.id = v_user_id and p.erased_at is null for key share;

  -- check
  v_answer := case
    when v_user_id is null then ledger.refuse('customer_required')
    when not found then ledger.refuse('customer_not_found', jsonb_build_object('user_id', v_user_id))
    when p_draft_id is not null and v_draft.user_id is distinct from v_user_id then
      ledger.refuse('draft_not_found', jsonb_build_object('draft_id', p_draft_id))
    when p_expected_version <> v_draft.version then
      ledger.refuse('draft_conflict', jsonb_build_object('version', v_draft.version, 'expected', p_expected_version))
    when p_draft_id is null and (select count(*) from public.order_drafts d where d.user_id = v_user_id) >= v_maximum then
      ledger.refuse('too_many_drafts', jsonb_build_object('maximum', v_maximum))
    when length(p_notes) > 2000 then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_notes', 'problem', 'at most 2000 characters'))
    when p_shipping_address_id is not null and ledger.address_snapshot(p_shipping_address_id, v_user_id) is null then
      ledger.refuse('address_not_found', jsonb_build_object('address_id', p_shipping_address_id))
    when p_billing_address_id is not null and ledger.address_snapshot(p_billing_address_id, v_user_id) is null then
      ledger.refuse('address_not_found', jsonb_build_object('address_id', p_billing_address_id))
  end;
  if v_answer is null then
    v_pricing := ledger.price_order(v_user_id, p_items, p_shipping_method, p_discount_code, ledger.all_settings());
    v_answer := v_pricing.refusal;
  end if;
  if v_answer is not null then
    return next jsonb_populate_record(null::public.order_draft_save_result, v_answer);
    return;
  end if;

  -- write
  perform set_config('ledger.procedure', 'order_draft_save', true);
  select jsonb_agg(jsonb_build_object('variant_id', l.variant_id, 'quantity', l.quantity, 'unit_price_amount', l.unit_price_amount)
                   order by l.line_number)
  into v_items
  from unnest(v_pricing.lines) l;
  insert into public.order_drafts as d
    (id, account_id, user_id, currency, items, total_amount, shipping_address_id, billing_address_id, shipping_method,
     discount_code, notes, saved_by)
  values
    (coalesce(p_draft_id, ledger.uuid_v7()), ledger.account_id(v_user_id, v_pricing.currency), v_user_id, v_pricing.currency, v_items,
     v_pricing.total_amount, p_shipping_address_id, p_billing_address_id, p_shipping_method, upper(trim(p_discount_code)), p_notes,
     v_actor.user_id)
  on conflict (id) do update set
    account_id = excluded.account_id, currency = excluded.currency, items = excluded.items, total_amount = excluded.total_amount,
    shipping_address_id = excluded.shipping_address_id, billing_address_id = excluded.billing_address_id,
    shipping_method = excluded.shipping_method, discount_code = excluded.discount_code, notes = excluded.notes,
    saved_by = excluded.saved_by, version = d.version + 1, updated_at = clock_timestamp()
  returning d.* into v_draft;

  -- answer
  v_answer := jsonb_build_object('success', true, 'draft_id', v_draft.id, 'version', v_draft.version, 'currency', v_draft.currency,
    'subtotal_amount', v_pricing.subtotal_amount, 'discount_amount', v_pricing.discount_amount,
    'shipping_amount', v_pricing.shipping_amount, 'tax_amount', v_pricing.tax_amount, 'total_amount', v_pricing.total_amount);
  v_answer := ledger.idempotency_end('order_draft_save', p_idempotency_key, v_actor.caller_id, v_request, v_draft.account_id, v_answer);
  perform set_config('ledger.procedure', '', true);
  return next jsonb_populate_record(null::public.order_draft_save_result, v_answer);
end $$;
revoke execute on function public.order_draft_save(jsonb, uuid, uuid, uuid, text, text, text, bigint, text, uuid) from public, anon;
grant execute on function public.order_draft_save(jsonb, uuid, uuid, uuid, text, text, text, bigint, text, uuid) to authenticated, service_role;
comment on function public.order_draft_save(jsonb, uuid, uuid, uuid, text, text, text, bigint, text, uuid) is
  'Keeps a draft of p_items [{"variant_id": uuid, "quantity": int}] for the caller (staff with orders.place: for p_user_id), or replaces draft p_draft_id, if its version still is p_expected_version. Amounts in minor units. Errors: draft_not_found, draft_conflict, too_many_drafts, customer_required, customer_not_found, address_not_found, invalid_argument, rate_limited, and those of ledger_place_order for items, shipping and discount. Source 004.';
