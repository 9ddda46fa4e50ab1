create type public.order_quote_result as (
  success boolean, transaction_id uuid, error_code text, error_message text, error_details jsonb,
  currency text, prices_include_tax boolean, subtotal_amount bigint, discount_amount bigint, shipping_amount bigint,
  tax_amount bigint, total_amount bigint, lines jsonb
);

/*
 * What an order would cost, without placing it. Also for visitors who are not signed in; per-customer
 * limits of a discount code count for the signed-in customer only. Stock is not promised.
 */
create function public.order_quote(
  p_items jsonb,
  p_shipping_method text default null,
  p_discount_code text default null,
  p_user_id uuid default null)
returns setof public.order_quote_result
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_user_id uuid := auth.uid();
  v_pricing ledger.order_pricing;
begin
  -- who may
  if p_user_id is distinct from v_user_id and p_user_id is not null then
    v_user_id := ledger.customer_of_call(ledger.current_actor(), p_user_id, 'orders.place');
  end if;

  -- answer
  v_pricing := ledger.price_order(v_user_id, p_items, p_shipping_method, p_discount_code, ledger.all_settings());
  return next jsonb_populate_record(null::public.order_quote_result, coalesce(v_pricing.refusal, jsonb_build_object(
    'success', true, 'currency', v_pricing.currency, 'prices_include_tax', v_pricing.prices_include_tax,
    'subtotal_amount', v_pricing.subtotal_amount, 'discount_amount', v_pricing.discount_amount,
    'shipping_amount', v_pricing.shipping_amount, 'tax_amount', v_pricing.tax_amount,
    'total_amount', v_pricing.total_amount, 'lines', to_jsonb(v_pricing.lines))));
end $$;
revoke execute on function public.order_quote(jsonb, text, text, uuid) from public;
grant execute on function public.order_quote(jsonb, text, text, uuid) to anon, authenticated, service_role;
comment on function public.order_quote(jsonb, text, text, uuid) is
  'Totals (minor units) of p_items [{"variant_id": uuid, "quantity": int}] with shipping and discount; lines is an array with each line''s price, discount share and tax. Errors: as ledger_place_order''s for items, shipping and discount.';
