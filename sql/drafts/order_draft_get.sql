create type public.order_draft_get_result as (
  success boolean, transaction_id uuid, error_code text, error_message text, error_details jsonb,
  draft_id uuid, user_id uuid, version bigint, currency text, subtotal_amount bigint, discount_amount bigint,
  shipping_amount bigint, tax_amount bigint, total_amount bigint, saved_total_amount bigint, price_changed boolean,
  lines jsonb, problem jsonb, shipping_address_id uuid, billing_address_id uuid, shipping_method text, discount_code text,
  notes text, created_at timestamptz, updated_at timestamptz
);

/*
 * A draft at present prices: what it would cost now and what it did when it was saved, and what would
 * keep it from being placed. Only reads: who has seen the new total says so with p_expected_total.
 */
create function public.order_draft_get(p_draft_id uuid)
returns setof public.order_draft_get_result
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_actor ledger.actor;
  v_draft public.order_drafts;
  v_pricing ledger.order_pricing;
  v_problem jsonb;
begin
  -- who may
  v_actor := ledger.current_actor();
  select d.* into v_draft from public.order_drafts d where d.id = p_draft_id;
  if not ledger.is_draft_of(v_draft, v_actor) then
    return next jsonb_populate_record(null::public.order_draft_get_result,
      ledger.refuse('draft_not_found', jsonb_build_object('draft_id', p_draft_id)));
    return;
  end if;

  -- answer
  v_pricing := ledger.price_order(v_draft.user_id, v_draft.items, v_draft.shipping_method, v_draft.discount_code, ledger.all_settings());
  v_problem := case
    when v_pricing.refusal is not null then v_pricing.refusal
    when v_draft.shipping_address_id is not null and ledger.address_snapshot(v_draft.shipping_address_id, v_draft.user_id) is null then
      ledger.refuse('address_not_found', jsonb_build_object('address_id', v_draft.shipping_address_id))
    when v_draft.billing_address_id is not null and ledger.address_snapshot(v_draft.billing_address_id, v_draft.user_id) is null then
      ledger.refuse('address_not_found', jsonb_build_object('address_id', v_draft.billing_address_id))
  end;
  return next row(true, null, null, null, null,
    v_draft.id, v_draft.user_id, v_draft.version, v_draft.currency, v_pricing.subtotal_amount, v_pricing.discount_amount,
    v_pricing.shipping_amount, v_pricing.tax_amount, v_pricing.total_amount, v_draft.total_amount,
    v_pricing.total_amount <> v_draft.total_amount, ledger.draft_lines(v_draft), v_problem - 'success',
    v_draft.shipping_address_id, v_draft.billing_address_id, v_draft.shipping_method, v_draft.discount_code, v_draft.notes,
    v_draft.created_at, v_draft.updated_at)::public.order_draft_get_result;
end $$;
revoke execute on function public.order_draft_get(uuid) from public, anon;
grant execute on function public.order_draft_get(uuid) to authenticated, service_role;
comment on function public.order_draft_get(uuid) is
  'A draft of the caller (staff with orders.place: of anybody). Amounts in minor units, as they are now; saved_total_amount as it was saved; price_changed says whether the two differ. lines: [{line_number, variant_id, product_name, product_sku, variant_name, quantity, unit_price_amount, saved_unit_price_amount, price_changed, is_for_sale, available_quantity}]. problem: {error_code, error_message, error_details} why it cannot be placed as it is, or null; amounts are null when it cannot be priced. Stock is not promised. Errors: draft_not_found.';
