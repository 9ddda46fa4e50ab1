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
  tax_amount bigint,
  platform_rate_bp integer
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
  lines ledger.priced_line[],
  variant_ids uuid[],
  quantities bigint[],
  thresholds bigint[],
  items jsonb,
  stock_is_plain boolean
);
comment on type ledger.order_pricing is
  'Priced lines and their totals, or the refusal. variant_ids and quantities: what leaves the stock of each variant (below zero), lines of the same one together; thresholds: where each runs low; items: the lines as events keep them; stock_is_plain: all of it lies in slot 0 and cannot be backordered.';

/* Tax of a line after its discount, half up; a tax that prices contain is taken out of them. */
create function ledger.line_tax(p_amount numeric, p_tax_rate_bp integer, p_prices_include_tax boolean)
returns bigint
language sql immutable parallel safe
return case
  when p_tax_rate_bp = 0 then 0
  else ledger.divide_half_up(p_amount * p_tax_rate_bp, case when p_prices_include_tax then 10000 + p_tax_rate_bp else 10000 end)
end::bigint;
comment on function ledger.line_tax(numeric, integer, boolean) is 'Tax on, or contained in, an amount of minor units.';

/*
 * The discount shared out over the lines in proportion, by cumulative rounding so that the shares add
 * up to it exactly, and the tax on what is left of each line.
 */
create function ledger.share_discount(p_lines ledger.priced_line[], p_discount bigint, p_subtotal bigint, p_prices_include_tax boolean)
returns ledger.priced_line[]
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  return (
    select array_agg(row(s.line_number, s.variant_id, s.vendor_id, s.product_name, s.product_sku, s.variant_name, s.quantity,
                         s.unit_price_amount, s.total_price_amount, s.share, s.tax_rate_bp,
                         ledger.line_tax(s.total_price_amount - s.share, s.tax_rate_bp, p_prices_include_tax),
                         s.platform_rate_bp)::ledger.priced_line
                     order by s.line_number)
    from (
      select g.*, (div(p_discount * g.so_far, p_subtotal) - div(p_discount * (g.so_far - g.total_price_amount), p_subtotal))::bigint as share
      from (
        select l.*, sum(l.total_price_amount) over (order by l.line_number) as so_far
        from unnest(p_lines) l) g) s);
end $$;
comment on function ledger.share_discount(ledger.priced_line[], bigint, bigint, boolean) is
  'Priced lines with their shares of a discount on this subtotal (above zero), and their tax after it.';

/*
 * Totals of an order from the catalogue's present prices. Tax is rounded half up per line. Variants are
 * found by an array of ids, which the planner knows to be few; a plan made for an array of known
 * length looks cheaper to it each time and would be made each time. Source 004 (totals arithmetic).
 */
create function ledger.price_order(
  p_user_id uuid, p_items jsonb, p_shipping_method text, p_discount_code text, p_settings jsonb)
returns ledger.order_pricing
language plpgsql stable
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
as $$
declare
  v_max_quantity integer := (p_settings ->> 'max_line_quantity')::integer;
  v_includes_tax boolean := (p_settings ->> 'prices_include_tax')::boolean;
  v_refusal jsonb;
  v_currency text;
  v_last_currency text;
  v_asked_ids uuid[];
  v_asked_quantities bigint[];
  v_lines ledger.priced_line[];
  v_items jsonb;
  v_variant_ids uuid[];
  v_quantities bigint[];
  v_thresholds bigint[];
  v_stock_is_plain boolean;
  v_each_once boolean;
  v_found integer;
  v_code public.discount_codes;
  v_subtotal numeric;
  v_discount bigint := 0;
  v_shipping bigint := 0;
  v_tax numeric;
  v_total numeric;
begin
  v_refusal := ledger.refuse_item_list(p_items, p_settings);

  -- what is asked: null where a line has no proper id or quantity
  if v_refusal is null then
    select array_agg(case when i.item ->> 'variant_id' ~* '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' then (i.item ->> 'variant_id')::uuid end),
           array_agg(case when jsonb_typeof(i.item -> 'quantity') = 'number' then
                       case when (i.item -> 'quantity')::numeric between 1 and v_max_quantity
                             and (i.item -> 'quantity')::numeric = trunc((i.item -> 'quantity')::numeric) then (i.item -> 'quantity')::bigint end end)
    into v_asked_ids, v_asked_quantities
    from jsonb_array_elements(p_items) i (item);

    -- catalogue; amounts that are too large are null, and no tax is more than its line
    select array_agg(row(c.line, c.id, c.vendor_id, c.product_name, c.sku, c.name, c.quantity, c.price_amount, c.gross, 0, c.tax_rate_bp,
                         c.tax, c.platform_rate_bp)::ledger.priced_line order by c.line),
           jsonb_agg(jsonb_build_object('variant_id', c.id, 'quantity', c.quantity, 'unit_price_amount', c.price_amount) order by c.line),
           array_agg(c.id), array_agg(-c.quantity), array_agg(c.threshold), bool_and(c.stock_is_plain), bool_and(array_position(v_asked_ids, c.id) = c.line),
           count(*), min(c.currency), max(c.currency), case when count(c.gross) = count(*) then sum(c.gross) end, sum(c.tax)
    into v_lines, v_items, v_variant_ids, v_quantities, v_thresholds, v_stock_is_plain, v_each_once,
         v_found, v_currency, v_last_currency, v_subtotal, v_tax
    from (
      select g.*, ledger.line_tax(g.gross, g.tax_rate_bp, v_includes_tax) as tax
      from (
        select w.line, w.quantity, v.id, v.sku, v.name, v.price_amount, v.currency, p.vendor_id, d.platform_rate_bp, p.name as product_name,
               coalesce(p.tax_rate_bp, (p_settings ->> 'tax_rate_bp')::integer) as tax_rate_bp,
               coalesce(v.low_stock_threshold, (p_settings ->> 'low_stock_threshold')::bigint) as threshold,
               case when v.price_amount <= 9007199254740991 / w.quantity then v.price_amount * w.quantity end as gross,
               v.stock_slots = 1 and not v.backorder_allowed as stock_is_plain
        from unnest(v_asked_ids, v_asked_quantities) with ordinality w (variant_id, quantity, line)
        join public.variants v on v.id = w.variant_id
        join public.products p on p.id = v.product_id
        left join public.vendors d on d.id = p.vendor_id
        where v.id = any (v_asked_ids) and v.is_active and p.is_active and w.quantity is not null) g
      offset 0) c;
    if v_found < cardinality(v_asked_ids) or v_last_currency <> v_currency or v_subtotal is null or v_subtotal > 9007199254740991 then
      v_refusal := case
        when v_found < cardinality(v_asked_ids) then coalesce(
          ledger.refuse_lines(p_items, p_settings), ledger.refuse('invalid_items', jsonb_build_object('line', 0, 'problem', 'cannot be priced')))
        when v_last_currency <> v_currency then ledger.refuse_currencies(v_lines)
        else ledger.refuse('amount_too_large', jsonb_build_object('maximum', 9007199254740991)) end;
    elsif not v_each_once then
      select array_agg(w.variant_id), array_agg(w.quantity), array_agg(w.threshold)
      into v_variant_ids, v_quantities, v_thresholds
      from (select s.variant_id, sum(s.quantity)::bigint as quantity, min(s.threshold) as threshold
            from unnest(v_variant_ids, v_quantities, v_thresholds) s (variant_id, quantity, threshold)
            group by s.variant_id) w;
    end if;
  end if;

  -- discount
  if p_discount_code is not null and v_refusal is null then
    select c.* into v_code from public.discount_codes c where c.code = upper(trim(p_discount_code));
    v_refusal := ledger.refuse_discount(v_code, upper(trim(p_discount_code)), v_currency, v_subtotal::bigint,
                                        ledger.account_id(p_user_id, v_currency));
    v_discount := case v_code.kind when 'percent' then ledger.divide_half_up(v_subtotal * v_code.percent_bp, 10000)
                                   else least(v_code.fixed_amount, v_subtotal) end;
    if v_refusal is null and v_discount > 0 then
      v_lines := ledger.share_discount(v_lines, v_discount, v_subtotal::bigint, v_includes_tax);
      v_tax := (select sum(l.tax_amount) from unnest(v_lines) l);
    end if;
  end if;

  -- shipping
  if p_shipping_method is not null and v_refusal is null then
    select s.price_amount into v_shipping
    from public.shipping_methods s
    where s.code = p_shipping_method and s.currency = v_currency and s.is_active;
    if not found then
      v_refusal := ledger.refuse('shipping_method_unavailable', jsonb_build_object(
        'shipping_method', p_shipping_method, 'currency', v_currency,
        'available', coalesce((select string_agg(s.code, ', ' order by s.code) from public.shipping_methods s
                               where s.currency = v_currency and s.is_active), 'none')));
    end if;
  end if;

  -- total
  v_total := v_subtotal - v_discount + v_shipping + case when v_includes_tax then 0 else v_tax end;
  if v_total > 9007199254740991 then
    v_refusal := coalesce(v_refusal, ledger.refuse('amount_too_large', jsonb_build_object('maximum', 9007199254740991)));
  end if;
  if v_refusal is not null then
    return row(v_refusal, null, null, null, null, null, null, null, null, null, null, null, null, null, null)::ledger.order_pricing;
  end if;
  return row(null, v_currency, v_includes_tax, v_subtotal, v_discount, v_shipping, v_tax, v_total, v_code.id,
             v_lines, v_variant_ids, v_quantities, v_thresholds, v_items, v_stock_is_plain)::ledger.order_pricing;
end $$;
comment on function ledger.price_order(uuid, jsonb, text, text, jsonb) is
  'Totals and priced lines of an order, or the refusal. Minor units, rounded per line, half up. p_settings: ledger.all_settings(), or those of ledger.settings_of_placing().';

create function ledger.item_name(p_product_name text, p_variant_name text)
returns text
language sql immutable
return case when p_variant_name in ('', 'Default', p_product_name) then p_product_name
            else p_product_name || ', ' || p_variant_name end;
comment on function ledger.item_name(text, text) is 'A variant as people call it: "Blue mug, large".';
