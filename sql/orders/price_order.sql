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
  lines ledger.priced_line[],
  variant_ids uuid[],
  quantities bigint[],
  thresholds bigint[],
  items jsonb
);
comment on type ledger.order_pricing is
  'Priced lines and their totals, or the refusal. variant_ids and quantities: what leaves the stock of each variant (below zero), lines of the same one together; thresholds: where each runs low; items: the lines as events keep them.';

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
                         ledger.line_tax(s.total_price_amount - s.share, s.tax_rate_bp, p_prices_include_tax))::ledger.priced_line
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
  v_max_amount bigint := 9007199254740991;
  v_max_quantity integer := (p_settings ->> 'max_line_quantity')::integer;
  v_default_tax_bp integer := (p_settings ->> 'tax_rate_bp')::integer;
  v_default_threshold bigint := (p_settings ->> 'low_stock_threshold')::bigint;
  v_pricing ledger.order_pricing;
  v_variant_ids uuid[];
  v_quantities bigint[];
  v_names_each_once boolean;
  v_found integer;
  v_last_currency text;
  v_subtotal numeric;
  v_total numeric;
  v_code public.discount_codes;
  v_asked_code text := upper(trim(p_discount_code));
begin
  v_pricing.refusal := ledger.refuse_item_list(p_items, p_settings);
  if v_pricing.refusal is not null then
    return v_pricing;
  end if;

  -- what is asked: null where a line has no proper id or quantity
  select array_agg(case when i.item ->> 'variant_id' ~* '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' then (i.item ->> 'variant_id')::uuid end),
         array_agg(case when jsonb_typeof(i.item -> 'quantity') = 'number' then
                     case when (i.item -> 'quantity')::numeric between 1 and v_max_quantity
                           and (i.item -> 'quantity')::numeric = trunc((i.item -> 'quantity')::numeric) then (i.item -> 'quantity')::bigint end end)
  into v_variant_ids, v_quantities
  from jsonb_array_elements(p_items) i (item);

  -- catalogue; amounts that are too large are null
  v_pricing.prices_include_tax := (p_settings ->> 'prices_include_tax')::boolean;
  select array_agg(row(c.line, c.id, c.vendor_id, c.product_name, c.sku, c.name, c.quantity, c.price_amount, c.gross, 0, c.tax_rate_bp,
                       c.tax)::ledger.priced_line order by c.line),
         jsonb_agg(jsonb_build_object('variant_id', c.id, 'quantity', c.quantity, 'unit_price_amount', c.price_amount) order by c.line),
         array_agg(c.id), array_agg(-c.quantity), array_agg(c.threshold), bool_and(array_position(v_variant_ids, c.id) = c.line),
         count(*), min(c.currency), max(c.currency), case when count(c.gross) = count(*) then sum(c.gross) end,
         case when sum(c.gross) <= v_max_amount then sum(c.tax) end -- no tax is more than its line
  into v_pricing.lines, v_pricing.items, v_pricing.variant_ids, v_pricing.quantities, v_pricing.thresholds, v_names_each_once,
       v_found, v_pricing.currency, v_last_currency, v_subtotal, v_pricing.tax_amount
  from (
    select g.*, ledger.line_tax(g.gross, g.tax_rate_bp, v_pricing.prices_include_tax) as tax
    from (
      select w.line, w.quantity, v.id, v.sku, v.name, v.price_amount, v.currency, p.vendor_id, p.name as product_name,
             coalesce(p.tax_rate_bp, v_default_tax_bp) as tax_rate_bp, coalesce(v.low_stock_threshold, v_default_threshold) as threshold,
             case when v.price_amount <= v_max_amount / w.quantity then v.price_amount * w.quantity end as gross
      from unnest(v_variant_ids, v_quantities) with ordinality w (variant_id, quantity, line)
      join public.variants v on v.id = w.variant_id
      join public.products p on p.id = v.product_id
      where v.id = any (v_variant_ids) and v.is_active and p.is_active and w.quantity is not null) g
    offset 0) c;
  if v_found < cardinality(v_variant_ids) or v_last_currency <> v_pricing.currency or v_subtotal is null or v_subtotal > v_max_amount then
    v_pricing.refusal := case
      when v_found < cardinality(v_variant_ids) then coalesce(
        ledger.refuse_lines(p_items, p_settings), ledger.refuse('invalid_items', jsonb_build_object('line', 0, 'problem', 'cannot be priced')))
      when v_last_currency <> v_pricing.currency then ledger.refuse_currencies(v_pricing.lines)
      else ledger.refuse('amount_too_large', jsonb_build_object('maximum', v_max_amount)) end;
    return v_pricing;
  end if;
  v_pricing.subtotal_amount := v_subtotal;
  if not v_names_each_once then
    select array_agg(w.variant_id), array_agg(w.quantity), array_agg(w.threshold)
    into v_pricing.variant_ids, v_pricing.quantities, v_pricing.thresholds
    from (select s.variant_id, sum(s.quantity)::bigint as quantity, min(s.threshold) as threshold
          from unnest(v_pricing.variant_ids, v_pricing.quantities, v_pricing.thresholds) s (variant_id, quantity, threshold)
          group by s.variant_id) w;
  end if;

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
  if v_pricing.discount_amount > 0 then
    v_pricing.lines := ledger.share_discount(v_pricing.lines, v_pricing.discount_amount, v_pricing.subtotal_amount, v_pricing.prices_include_tax);
    v_pricing.tax_amount := (select sum(l.tax_amount) from unnest(v_pricing.lines) l);
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

  -- total
  v_total := v_subtotal - v_pricing.discount_amount + v_pricing.shipping_amount
             + case when v_pricing.prices_include_tax then 0 else v_pricing.tax_amount end;
  if v_total > v_max_amount then
    v_pricing.refusal := ledger.refuse('amount_too_large', jsonb_build_object('maximum', v_max_amount));
    return v_pricing;
  end if;
  v_pricing.total_amount := v_total;
  return v_pricing;
end $$;
comment on function ledger.price_order(uuid, jsonb, text, text, jsonb) is
  'Totals and priced lines of an order, or the refusal. Minor units, rounded per line, half up. p_settings: ledger.all_settings().';

create function ledger.item_name(p_product_name text, p_variant_name text)
returns text
language sql immutable
return case when p_variant_name in ('', 'Default', p_product_name) then p_product_name
            else p_product_name || ', ' || p_variant_name end;
comment on function ledger.item_name(text, text) is 'A variant as people call it: "Blue mug, large".';
