/* A line of an order with its price, before anything is written. Amounts in minor units. */
create type ledger.priced_line as (
  line_number integer,
  variant_id uuid,
  vendor_id uuid,
  product_name text,
  product_sku text,
  variant_name text,
  quantity bigint,
  unit_price_amount bigint,
  total_price_amount bigint,
  discount_amount bigint,
  tax_rate_bp integer,
  tax_amount bigint
);

create type ledger.order_pricing as (
  refusal jsonb,
  currency text,
  prices_include_tax boolean,
  subtotal_amount bigint,
  discount_amount bigint,
  shipping_amount bigint,
  tax_amount bigint,
  total_amount bigint,
  discount_code_id uuid,
  lines ledger.priced_line[]
);

/*
 * Totals of an order from the catalogue's present prices. The discount is shared out over the lines
 * in proportion (cumulative rounding, so the shares add up to it exactly); tax is rounded half up
 * per line, on the line after its share; a tax that prices contain is taken out of them the same
 * way. Source 004 (totals arithmetic).
 */
create function ledger.price_order(p_user_id uuid, p_items jsonb, p_shipping_method text, p_discount_code text)
returns ledger.order_pricing
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_pricing ledger.order_pricing;
  v_default_tax_bp integer := ledger.setting_text('tax_rate_bp')::integer;
  v_bad record;
  v_code public.discount_codes;
  v_subtotal numeric;
  v_currencies text[];
  v_asked_code text := upper(trim(p_discount_code));
begin
  v_pricing.refusal := ledger.refuse_item_shape(p_items);
  if v_pricing.refusal is not null then
    return v_pricing;
  end if;
  v_pricing.prices_include_tax := ledger.setting_text('prices_include_tax')::boolean;

  -- catalogue
  select array_agg(row(e.line, (e.item ->> 'variant_id')::uuid, p.vendor_id, p.name, v.sku, v.name, (e.item ->> 'quantity')::numeric::bigint,
                       v.price_amount, null, null, coalesce(p.tax_rate_bp, v_default_tax_bp), null)::ledger.priced_line order by e.line),
         array_agg(distinct v.currency), sum(v.price_amount * (e.item ->> 'quantity')::numeric)
  into v_pricing.lines, v_currencies, v_subtotal
  from jsonb_array_elements(p_items) with ordinality e (item, line)
  left join public.variants v on v.id = (e.item ->> 'variant_id')::uuid
  left join public.products p on p.id = v.product_id;

  select l.line_number, l.variant_id, l.variant_name, l.product_name into v_bad
  from unnest(v_pricing.lines) l
  left join public.variants v on v.id = l.variant_id and v.is_active
  left join public.products p on p.id = v.product_id and p.is_active
  where p.id is null
  order by l.line_number
  limit 1;
  if found then
    v_pricing.refusal := case
      when v_bad.variant_name is null then
        ledger.refuse('variant_not_found', jsonb_build_object('line', v_bad.line_number, 'variant_id', v_bad.variant_id))
      else ledger.refuse('variant_unavailable', jsonb_build_object('line', v_bad.line_number, 'variant_id', v_bad.variant_id,
             'name', ledger.item_name(v_bad.product_name, v_bad.variant_name))) end;
    return v_pricing;
  elsif cardinality(v_currencies) > 1 then
    v_pricing.refusal := ledger.refuse('currency_mismatch', jsonb_build_object('currencies', array_to_string(v_currencies, ', ')));
    return v_pricing;
  elsif v_subtotal > 9007199254740991 then
    v_pricing.refusal := ledger.refuse('amount_too_large', jsonb_build_object('maximum', 9007199254740991));
    return v_pricing;
  end if;
  v_pricing.currency := v_currencies[1];
  v_pricing.subtotal_amount := v_subtotal;

  -- discount
  v_pricing.discount_amount := 0;
  if v_asked_code is not null then
    select c.* into v_code from public.discount_codes c where c.code = v_asked_code;
    v_pricing.refusal := ledger.refuse_discount(v_code, v_asked_code, v_pricing.currency, v_pricing.subtotal_amount,
                                                ledger.account_id(p_user_id, v_pricing.currency));
    if v_pricing.refusal is not null then
      return v_pricing;
    end if;
    v_pricing.discount_code_id := v_code.id;
    v_pricing.discount_amount := case v_code.kind
      when 'percent' then ledger.divide_half_up(v_subtotal * v_code.percent_bp, 10000)
      else least(v_code.fixed_amount, v_pricing.subtotal_amount) end;
  end if;

  -- shipping
  v_pricing.shipping_amount := 0;
  if p_shipping_method is not null then
    select s.price_amount into v_pricing.shipping_amount
    from public.shipping_methods s
    where s.code = p_shipping_method and s.currency = v_pricing.currency and s.is_active;
    if not found then
      v_pricing.refusal := ledger.refuse('shipping_method_unavailable', jsonb_build_object(
        'shipping_method', p_shipping_method, 'currency', v_pricing.currency,
        'available', coalesce((select string_agg(s.code, ', ' order by s.code) from public.shipping_methods s
                               where s.currency = v_pricing.currency and s.is_active), 'none')));
      return v_pricing;
    end if;
  end if;

  -- the lines' shares and taxes
  select array_agg(row(t.line_number, t.variant_id, t.vendor_id, t.product_name, t.product_sku, t.variant_name, t.quantity,
                       t.unit_price_amount, t.gross, t.share, t.tax_rate_bp, t.tax)::ledger.priced_line order by t.line_number),
         sum(t.tax)
  into v_pricing.lines, v_pricing.tax_amount
  from (
    select s.*, case when v_pricing.prices_include_tax
                     then ledger.divide_half_up((s.gross - s.share)::numeric * s.tax_rate_bp, 10000 + s.tax_rate_bp)
                     else ledger.divide_half_up((s.gross - s.share)::numeric * s.tax_rate_bp, 10000) end::bigint as tax
    from (
      select g.*, case when v_subtotal = 0 then 0
                       else div(v_pricing.discount_amount * g.so_far, v_subtotal)
                            - div(v_pricing.discount_amount * (g.so_far - g.gross), v_subtotal) end::bigint as share
      from (
        select l.*, l.unit_price_amount * l.quantity as gross,
               sum((l.unit_price_amount * l.quantity)::numeric) over (order by l.line_number) as so_far
        from unnest(v_pricing.lines) l) g) s) t;

  if v_subtotal - v_pricing.discount_amount + v_pricing.shipping_amount
     + (case when v_pricing.prices_include_tax then 0 else v_pricing.tax_amount end) > 9007199254740991 then
    v_pricing.refusal := ledger.refuse('amount_too_large', jsonb_build_object('maximum', 9007199254740991));
    return v_pricing;
  end if;
  v_pricing.total_amount := v_pricing.subtotal_amount - v_pricing.discount_amount + v_pricing.shipping_amount
                            + case when v_pricing.prices_include_tax then 0 else v_pricing.tax_amount end;
  return v_pricing;
end $$;
comment on function ledger.price_order(uuid, jsonb, text, text) is
  'Totals and priced lines of an order, or the refusal. Minor units, rounded per line, half up.';

create function ledger.item_name(p_product_name text, p_variant_name text)
returns text
language sql immutable
set search_path = pg_catalog, pg_temp
as $$
  select case when p_variant_name in ('', 'Default', p_product_name) then p_product_name
              else p_product_name || ', ' || p_variant_name end;
$$;
comment on function ledger.item_name(text, text) is 'A variant as people call it: "Blue mug, large".';
