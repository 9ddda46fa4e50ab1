-- a vendor's lines, newest order first: vendor_order_lines, report_vendor. An order of five lines of vendors pays
-- 10 microseconds for it; lines of the house's own goods are not in it and pay nothing
create index order_items_by_vendor on public.order_items (vendor_id, order_id desc, line_number) where vendor_id is not null;

/* Whether somebody who packs or has packed an order needs to know where it goes. */
create function ledger.vendor_may_see_address(p_order_status text)
returns boolean
language sql immutable parallel safe
return p_order_status in ('confirmed', 'processing', 'shipped', 'delivered');
comment on function ledger.vendor_may_see_address(text) is 'Vendors see an order''s address once it is confirmed, and not when it was rejected, cancelled or refunded.';

/*
 * The lines of a vendor's products and nothing else of their orders: not who ordered, not what the order
 * costs, not what others sold in it. Where it goes they learn when it is confirmed. Source 004 (vendor
 * orders).
 */
create function public.vendor_order_lines(
  p_vendor_id uuid default null,
  p_order_status text default null,
  p_from timestamptz default null,
  p_to timestamptz default null,
  p_after_order_id uuid default null,
  p_after_line integer default null,
  p_limit integer default 50)
returns table (
  order_id uuid, order_number text, order_status text, line_number integer, vendor_id uuid, variant_id uuid,
  product_name text, product_sku text, variant_name text, quantity bigint, shipped_quantity bigint, refunded_quantity bigint,
  currency text, unit_price_amount bigint, total_price_amount bigint, discount_amount bigint, tax_amount bigint,
  platform_rate_bp integer, share_amount bigint, placed_at timestamptz, shipping_method text, shipping_address jsonb)
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_actor ledger.actor;
  v_vendor_ids uuid[];
  v_refusal jsonb;
  v_first_id uuid := coalesce(ledger.first_id_at(p_from, '-1 hour'), '00000000-0000-0000-0000-000000000000');
  v_last_id uuid := least(coalesce(ledger.first_id_at(p_to, '1 hour'), 'ffffffff-ffff-ffff-ffff-ffffffffffff'), p_after_order_id);
begin
  -- who may
  v_actor := ledger.current_actor();
  v_vendor_ids := ledger.vendors_of_call(v_actor, p_vendor_id, 'orders.read');
  if cardinality(v_vendor_ids) = 0 then
    v_refusal := ledger.refuse_vendor(p_vendor_id);
    raise exception using errcode = 'PT404', message = v_refusal ->> 'error_message', hint = v_refusal ->> 'error_code';
  end if;

  -- check
  if coalesce(p_limit, 0) not between 1 and 200 then
    raise exception using errcode = 'invalid_parameter_value', message = format('p_limit: from 1 to 200, not %s', coalesce(p_limit::text, 'null'));
  elsif not p_order_status = any (ledger.order_statuses()) then
    raise exception using errcode = 'invalid_parameter_value', message = format('p_order_status: one of %s, not "%s"',
      array_to_string(ledger.order_statuses(), ', '), left(p_order_status, 100));
  elsif (p_after_order_id is null) <> (p_after_line is null) then
    raise exception using errcode = 'invalid_parameter_value', message = 'p_after_order_id and p_after_line: both of the last line seen, or neither';
  end if;

  -- answer: so many lines of each vendor by its index, of these the newest, and what else there is to say for them alone
  return query
    select l.order_id, l.order_number, l.status, l.line_number, (l.item).vendor_id, (l.item).variant_id,
           (l.item).product_name, (l.item).product_sku, (l.item).variant_name, (l.item).quantity,
           coalesce((select s.shipped_quantity from ledger.shipped_units(l.order_id) s where s.line_number = l.line_number), 0),
           l.refunded, l.currency, (l.item).unit_price_amount, (l.item).total_price_amount, (l.item).discount_amount,
           (l.item).tax_amount, (l.item).platform_rate_bp,
           (select whole.vendor_amount - back.vendor_amount
            from ledger.line_part(l.item, l.prices_include_tax, (l.item).quantity) whole,
                 ledger.line_part(l.item, l.prices_include_tax, l.refunded) back),
           l.created_at, l.shipping_method,
           -- the address's own id would tell which orders are of one person
           case when ledger.vendor_may_see_address(l.status) then l.shipping_address - 'id' end
    from (
      select n.*, coalesce((select r.quantity from ledger.refunded_units(n.order_id) r where r.line_number = n.line_number), 0) as refunded
      from unnest(v_vendor_ids) v (vendor_id)
      cross join lateral (
        select i as item, i.order_id, i.line_number, o.order_number, o.status, o.currency, o.prices_include_tax, o.created_at,
               o.shipping_method, o.shipping_address
        from public.order_items i
        cross join lateral (
          select d.* from public.orders d
          where d.id = i.order_id and (p_order_status is null or d.status = p_order_status)
            and (p_from is null or d.created_at >= p_from) and (p_to is null or d.created_at < p_to)
          offset 0) o
        where i.vendor_id = v.vendor_id and i.order_id between v_first_id and v_last_id
          and (p_after_order_id is null or i.order_id < p_after_order_id or i.line_number > p_after_line)
        order by i.order_id desc, i.line_number
        limit p_limit) n
      order by n.order_id desc, n.line_number
      limit p_limit) l
    order by l.order_id desc, l.line_number;
end $$;
revoke execute on function public.vendor_order_lines(uuid, text, timestamptz, timestamptz, uuid, integer, integer) from public, anon;
grant execute on function public.vendor_order_lines(uuid, text, timestamptz, timestamptz, uuid, integer, integer) to authenticated, service_role;
comment on function public.vendor_order_lines(uuid, text, timestamptz, timestamptz, uuid, integer, integer) is
  'Order lines of a vendor''s products, newest order first: those of all vendors the caller owns, or of p_vendor_id (also for staff with orders.read). p_from is included, p_to is not; the next page comes after order_id and line_number of the last line; at most 200 at once. Amounts in minor units; share_amount is what the units that were not refunded are worth to the vendor; shipping_address is null unless the order is confirmed, processing, shipped or delivered. Raises PT404 with hint vendor_not_found for somebody else''s vendor, 22023 for arguments of the wrong shape. Source 004.';
