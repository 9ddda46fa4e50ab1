/* Which units of which lines a refund or an ending takes back, and how many of them go back in stock. */

/* A line of an order as it is taken back; amounts in minor units. */
create type ledger.taken_line as (
  line_number integer,
  variant_id uuid,
  quantity bigint,
  unshipped_quantity bigint,
  restocked_quantity bigint,
  goods_amount bigint,
  discount_amount bigint,
  tax_amount bigint,
  total_amount bigint,
  base_amount bigint,
  vendor_amount bigint
);

/* The lines with what follows from all of them together. */
create type ledger.taken_units as (
  lines ledger.taken_line[],
  part ledger.order_part,
  facts jsonb,
  restocked_ids uuid[],
  restocked bigint[]
);
comment on type ledger.taken_units is
  'part: what the lines cost, without shipping and allowance; facts: what events say of them; restocked: units that go back in stock, by variant.';

/* The same units, with what they cost after those that were refunded before. */
create function ledger.taken_lines(
  p_order public.orders, p_line_numbers integer[], p_units bigint[], p_unshipped bigint[], p_restocked bigint[])
returns ledger.taken_line[]
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  return (
    select array_agg(row(i.line_number, i.variant_id, t.units, t.unshipped, t.restocked,
             b.goods_amount - a.goods_amount, b.discount_amount - a.discount_amount, b.tax_amount - a.tax_amount,
             b.total_amount - a.total_amount, b.base_amount - a.base_amount, b.vendor_amount - a.vendor_amount)::ledger.taken_line
             order by i.line_number)
    from unnest(p_line_numbers, p_units, p_unshipped, p_restocked) t (line_number, units, unshipped, restocked)
    join public.order_items i on i.account_id = p_order.account_id and i.order_id = p_order.id and i.line_number = t.line_number
    left join ledger.refunded_units(p_order.id) r on r.line_number = i.line_number
    cross join lateral ledger.line_part(i, p_order.prices_include_tax, coalesce(r.quantity, 0)) a
    cross join lateral ledger.line_part(i, p_order.prices_include_tax, coalesce(r.quantity, 0) + t.units) b
    where t.units > 0);
end $$;
comment on function ledger.taken_lines(public.orders, integer[], bigint[], bigint[], bigint[]) is
  'Lines with the amounts of their next p_units units after those refunded before.';

/*
 * The units that a refund names. Of shipped ones those that came back through a return before are taken first:
 * they were put in stock or written off then, and are not restocked a second time. Of those that will not
 * be shipped the open backorder is given up first, and the others, which are in the house, go back in stock.
 */
create function ledger.lines_asked_back(p_order public.orders, p_lines jsonb, p_past ledger.order_past)
returns ledger.taken_line[]
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_line_numbers integer[];
  v_units bigint[];
  v_unshipped bigint[];
  v_restocked bigint[];
begin
  -- nothing came back before, and nothing is waited for
  if not (p_past.is_refunded or p_past.is_returned or p_past.awaits_stock) then
    return (
      select array_agg(row(i.line_number, i.variant_id, n.units, case when n.unshipped then n.units else 0 end,
               case when n.unshipped or n.restock then n.units else 0 end,
               l.goods_amount, l.discount_amount, l.tax_amount, l.total_amount, l.base_amount, l.vendor_amount)::ledger.taken_line
               order by i.line_number)
      from (select e.line_number::integer, e.quantity::bigint as units, e.restock, e.unshipped
            from jsonb_to_recordset(p_lines) e (line_number numeric, quantity numeric, restock boolean, unshipped boolean)) n
      join public.order_items i on i.account_id = p_order.account_id and i.order_id = p_order.id and i.line_number = n.line_number
      cross join lateral ledger.line_part(i, p_order.prices_include_tax, n.units) l
      where n.units > 0);
  end if;

  select array_agg(a.line_number), array_agg(a.quantity), array_agg(a.unshipped),
         array_agg(case
           when a.unshipped > 0 then a.unshipped - least(a.unshipped, greatest(coalesce(b.quantity, 0) - a.before, 0))
           when a.restock then greatest(a.quantity - coalesce(v.unrefunded_quantity, 0), 0)
           else 0 end)
  into v_line_numbers, v_units, v_unshipped, v_restocked
  from (
    select n.*, i.variant_id,
           (sum(n.unshipped) over (partition by i.variant_id order by n.line_number) - n.unshipped)::bigint as before
    from (
      select e.line_number::integer, e.quantity::bigint, e.restock, case when e.unshipped then e.quantity::bigint else 0 end as unshipped
      from jsonb_to_recordset(p_lines) e (line_number numeric, quantity numeric, restock boolean, unshipped boolean)) n
    join public.order_items i on i.account_id = p_order.account_id and i.order_id = p_order.id and i.line_number = n.line_number) a
  left join ledger.received_units(p_order.id) v on v.line_number = a.line_number
  left join ledger.open_backorders(p_order.id) b on b.variant_id = a.variant_id;
  return ledger.taken_lines(p_order, v_line_numbers, v_units, v_unshipped, v_restocked);
end $$;
comment on function ledger.lines_asked_back(public.orders, jsonb, ledger.order_past) is
  'The lines that a refund of well-formed p_lines takes back. Its stock is locked by the caller.';

/*
 * Everything that is left of an order. p_restock false: nothing goes back in stock. Else what never left the
 * house does (of a backorder, one figure per variant and counted against its last lines, there is nothing), and of
 * what was shipped and is neither refunded nor received: all where p_restock is true, where nothing is said
 * what is under way. Units refunded without a return are taken to be of parcels under way.
 */
create function ledger.lines_left(p_order public.orders, p_restock boolean)
returns ledger.taken_line[]
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_line_numbers integer[];
  v_units bigint[];
  v_unshipped bigint[];
  v_restocked bigint[];
begin
  select array_agg(l.line_number), array_agg(l.units), array_agg(l.unshipped),
         array_agg(case when p_restock is false then 0 else
           l.unshipped - least(l.unshipped, greatest(l.backordered - l.behind, 0))
           + case when p_restock then l.outside else least(l.outside, l.under_way) end end)
  into v_line_numbers, v_units, v_unshipped, v_restocked
  from (
    select o.*, (sum(o.unshipped) over (partition by o.variant_id order by o.line_number desc) - o.unshipped)::bigint as behind
    from (
      select i.line_number, i.variant_id, coalesce(b.quantity, 0) as backordered, i.quantity - coalesce(r.quantity, 0) as units,
             i.quantity - coalesce(s.shipped_quantity, 0) - coalesce(r.unshipped_quantity, 0) as unshipped,
             coalesce(s.shipped_quantity, 0) - coalesce(r.quantity - r.unshipped_quantity, 0) - coalesce(v.unrefunded_quantity, 0) as outside,
             greatest(coalesce(w.quantity, 0) - (coalesce(r.quantity - r.unshipped_quantity, 0)
                                                 - coalesce(v.received_quantity - v.unrefunded_quantity, 0)), 0) as under_way
      from public.order_items i
      left join ledger.refunded_units(p_order.id) r on r.line_number = i.line_number
      left join ledger.received_units(p_order.id) v on v.line_number = i.line_number
      left join ledger.shipped_units(p_order.id) s on s.line_number = i.line_number
      left join ledger.units_under_way(p_order.id) w on w.line_number = i.line_number
      left join ledger.open_backorders(p_order.id) b on b.variant_id = i.variant_id
      where i.account_id = p_order.account_id and i.order_id = p_order.id) o) l;
  return ledger.taken_lines(p_order, v_line_numbers, v_units, v_unshipped, v_restocked);
end $$;
comment on function ledger.lines_left(public.orders, boolean) is
  'All units of an order that were not refunded, with those that go back in stock as p_restock (or null) says. Its stock is locked by the caller.';

/* The lines with what they cost together, what events say of them, and the units that go back in stock by variant. */
create function ledger.units_together(p_lines ledger.taken_line[])
returns ledger.taken_units
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_units ledger.taken_units;
begin
  select p_lines,
         row(coalesce(sum(t.goods_amount), 0), coalesce(sum(t.discount_amount), 0), coalesce(sum(t.tax_amount), 0),
             coalesce(sum(t.total_amount), 0), coalesce(sum(t.base_amount), 0), coalesce(sum(t.vendor_amount), 0), 0, 0, 0)::ledger.order_part,
         coalesce(jsonb_agg(jsonb_build_object(
           'line_number', t.line_number, 'variant_id', t.variant_id, 'quantity', t.quantity, 'unshipped_quantity', t.unshipped_quantity,
           'restocked_quantity', t.restocked_quantity, 'total_amount', t.total_amount) order by t.line_number), '[]'),
         array_agg(t.variant_id) filter (where t.restocked_quantity > 0),
         array_agg(t.restocked_quantity) filter (where t.restocked_quantity > 0)
  into v_units
  from unnest(p_lines) t;
  -- lines of the same variant go back as one
  if cardinality(v_units.restocked_ids) > 1 then
    select array_agg(g.variant_id), array_agg(g.quantity) into v_units.restocked_ids, v_units.restocked
    from (select w.variant_id, sum(w.quantity)::bigint as quantity
          from unnest(v_units.restocked_ids, v_units.restocked) w (variant_id, quantity)
          group by w.variant_id) g;
  end if;
  return v_units;
end $$;
comment on function ledger.units_together(ledger.taken_line[]) is 'These lines and what follows from them together.';

/*
 * For an order of which nothing was shipped, refunded, returned or is waited for, as nearly every one that is
 * cancelled: every line whole, and all of it in the house.
 */
create function ledger.untouched_lines(p_account_id uuid, p_order_id uuid, p_prices_include_tax boolean, p_restock boolean)
returns ledger.taken_line[]
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  return (
    select array_agg(row(i.line_number, i.variant_id, i.quantity, i.quantity, case when p_restock is false then 0 else i.quantity end,
             l.goods_amount, l.discount_amount, l.tax_amount, l.total_amount, l.base_amount, l.vendor_amount)::ledger.taken_line
             order by i.line_number)
    from public.order_items i
    cross join lateral ledger.line_part(i, p_prices_include_tax, i.quantity) l
    where i.account_id = p_account_id and i.order_id = p_order_id);
end $$;
comment on function ledger.untouched_lines(uuid, uuid, boolean, boolean) is
  'All lines of an order to which nothing has happened yet; they go back in stock unless p_restock is false.';
