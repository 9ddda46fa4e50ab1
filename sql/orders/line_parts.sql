/* What the first units of a line cost, with everything that follows from it. Amounts in minor units. */
create type ledger.line_part as (
  goods_amount bigint,
  discount_amount bigint,
  tax_amount bigint,
  total_amount bigint,
  base_amount bigint,
  vendor_amount bigint
);
comment on type ledger.line_part is
  'goods: price before discount; total: what the customer pays; base: goods after discount without tax; vendor: the vendor''s share of the base.';

/*
 * The one place where a line is divided. Amounts are cumulative, so units a to b cost part(b) - part(a)
 * whichever way they were reached, and all units together cost exactly the line. The tax follows what is left
 * after the discount: so the base never falls from one unit to the next, and neither does the vendor's share.
 */
create function ledger.line_part(p_item public.order_items, p_prices_include_tax boolean, p_units bigint)
returns ledger.line_part
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_line_net bigint := p_item.total_price_amount - p_item.discount_amount;
  v_net bigint;
  v_part ledger.line_part;
begin
  v_part.goods_amount := p_item.unit_price_amount * p_units;
  v_part.discount_amount := div(p_item.discount_amount::numeric * p_units, p_item.quantity);
  v_net := v_part.goods_amount - v_part.discount_amount;
  v_part.tax_amount := case when v_line_net = 0 then 0
                            else ledger.divide_half_up(p_item.tax_amount::numeric * v_net, v_line_net) end;
  v_part.total_amount := v_net + case when p_prices_include_tax then 0 else v_part.tax_amount end;
  v_part.base_amount := v_net - case when p_prices_include_tax then v_part.tax_amount else 0 end;
  v_part.vendor_amount := case when p_item.platform_rate_bp is null then 0
    else v_part.base_amount - ledger.divide_half_up(v_part.base_amount::numeric * p_item.platform_rate_bp, 10000) end;
  return v_part;
end $$;
comment on function ledger.line_part(public.order_items, boolean, bigint) is
  'What the first p_units units of a line amount to, minor units. Refunds and vendor shares divide lines by this alone; all lines of an order whole are its own columns (check order_totals_equal_items).';

/* Parts of lines added up, with the parts of an order that belong to no line. */
create type ledger.order_part as (
  goods_amount bigint,
  discount_amount bigint,
  tax_amount bigint,
  lines_amount bigint,
  base_amount bigint,
  vendor_amount bigint,
  shipping_amount bigint,
  allowance_amount bigint,
  allowance_tax_amount bigint
);
comment on type ledger.order_part is
  'lines: what units cost the customer. An allowance is an amount taken off without any unit coming back; allowance_tax is the tax in it.';

create function ledger.part_between(p_from ledger.order_part, p_to ledger.order_part)
returns ledger.order_part
language sql immutable
return row(
  (p_to).goods_amount - (p_from).goods_amount,
  (p_to).discount_amount - (p_from).discount_amount,
  (p_to).tax_amount - (p_from).tax_amount,
  (p_to).lines_amount - (p_from).lines_amount,
  (p_to).base_amount - (p_from).base_amount,
  (p_to).vendor_amount - (p_from).vendor_amount,
  (p_to).shipping_amount - (p_from).shipping_amount,
  (p_to).allowance_amount - (p_from).allowance_amount,
  (p_to).allowance_tax_amount - (p_from).allowance_tax_amount)::ledger.order_part;
comment on function ledger.part_between(ledger.order_part, ledger.order_part) is 'What lies between two parts of an order.';

create function ledger.cost_of(p_part ledger.order_part)
returns bigint
language sql immutable
return (p_part).lines_amount + (p_part).shipping_amount + (p_part).allowance_amount;
comment on function ledger.cost_of(ledger.order_part) is 'What a part of an order amounts to for the customer, minor units.';

/* The first units of each of these lines together; all lines whole when none is named. */
create function ledger.part_of_lines(p_order public.orders, p_line_numbers integer[] default null, p_units bigint[] default null)
returns ledger.order_part
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_part ledger.order_part;
begin
  select coalesce(sum(l.goods_amount), 0), coalesce(sum(l.discount_amount), 0), coalesce(sum(l.tax_amount), 0),
         coalesce(sum(l.total_amount), 0), coalesce(sum(l.base_amount), 0), coalesce(sum(l.vendor_amount), 0), 0, 0, 0
  into v_part
  from public.order_items i
  cross join lateral ledger.line_part(i, p_order.prices_include_tax,
    case when p_line_numbers is null then i.quantity else p_units[array_position(p_line_numbers, i.line_number)] end) l
  where i.account_id = p_order.account_id and i.order_id = p_order.id
    and (p_line_numbers is null or i.line_number = any (p_line_numbers));
  return v_part;
end $$;
comment on function ledger.part_of_lines(public.orders, integer[], bigint[]) is
  'What the first p_units units of these lines amount to together; of all lines whole when p_line_numbers is null.';

create function ledger.whole_order(p_order public.orders)
returns ledger.order_part
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_part ledger.order_part := ledger.part_of_lines(p_order);
begin
  v_part.shipping_amount := p_order.shipping_amount;
  return v_part;
end $$;
comment on function ledger.whole_order(public.orders) is 'All lines and the shipping of an order as a part.';

/*
 * An allowance takes money off what has not come back otherwise, so it holds that much of its tax and of
 * its goods. It grows and shrinks with the allowance, and everything taken off holds everything.
 */
create function ledger.share_of_allowance(p_amount bigint, p_whole ledger.order_part, p_credited ledger.order_part)
returns bigint
language sql immutable
return case when (p_credited).allowance_amount = 0 then 0
  else ledger.divide_half_up(p_amount::numeric * (p_credited).allowance_amount,
    (p_whole).lines_amount - (p_credited).lines_amount + (p_whole).shipping_amount - (p_credited).shipping_amount) end::bigint;
comment on function ledger.share_of_allowance(bigint, ledger.order_part, ledger.order_part) is
  'What of an amount (the tax or the goods that no refunded unit holds) the allowance on an order takes off, minor units, half up.';
