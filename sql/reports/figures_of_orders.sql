/*
 * The parts of report_orders, each over the orders placed in a range in one currency. An order counts as
 * a sale unless it was rejected or cancelled; its revenue is what of its total was not taken back.
 * They are PL/pgSQL, so that each range is planned for what it is: a day or a year.
 */
create function ledger.is_sale(p_order_status text)
returns boolean
language sql immutable parallel safe
return p_order_status not in ('rejected', 'cancelled');
comment on function ledger.is_sale(text) is 'Whether an order counts as sold: not rejected, not cancelled.';

/*
 * Totals, statuses and days, from one reading of the orders. Days are of UTC, so that the same day has
 * the same orders wherever the report is read.
 */
create function ledger.order_figures(p_range ledger.report_range, p_currency text)
returns jsonb
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  return (
    with sums as materialized (
      select (o.created_at at time zone 'UTC')::date as day, o.status, ledger.is_sale(o.status) as sold, count(*) as orders,
             sum(o.total_amount) as total, sum(o.subtotal_amount) as subtotal, sum(o.discount_amount) as discount,
             sum(o.shipping_amount) as shipping, sum(o.tax_amount) as tax, sum(o.credited_amount) as credited, sum(o.amount_due) as due
      from public.orders o
      where o.id >= p_range.first_id and o.id < p_range.last_id
        and o.created_at >= p_range.from_at and o.created_at < p_range.to_at and o.currency = p_currency
      group by 1, 2)
    select jsonb_build_object(
      'totals', (
        select jsonb_build_object(
          'orders', coalesce(sum(s.orders), 0),
          'sales', coalesce(sum(s.orders) filter (where s.sold), 0),
          'placed_amount', coalesce(sum(s.total), 0),
          'average_amount', ledger.divide_half_up(sum(s.total), sum(s.orders)),
          'subtotal_amount', coalesce(sum(s.subtotal) filter (where s.sold), 0),
          'discount_amount', coalesce(sum(s.discount) filter (where s.sold), 0),
          'shipping_amount', coalesce(sum(s.shipping) filter (where s.sold), 0),
          'tax_amount', coalesce(sum(s.tax) filter (where s.sold), 0),
          'credited_amount', coalesce(sum(s.credited) filter (where s.sold), 0),
          'revenue_amount', coalesce(sum(s.total - s.credited) filter (where s.sold), 0),
          'outstanding_amount', coalesce(sum(s.due) filter (where s.sold), 0),
          'success_rate_bp', ledger.divide_half_up(
            coalesce(sum(s.orders) filter (where s.status = 'delivered'), 0) * 10000,
            sum(s.orders) filter (where s.status in ('delivered', 'rejected', 'cancelled', 'refunded'))))
        from sums s),
      'by_status', (
        select coalesce(jsonb_agg(jsonb_build_object('status', t.status, 'orders', t.orders, 'total_amount', t.total)
                                  order by array_position(ledger.order_statuses(), t.status)), '[]')
        from (select s.status, sum(s.orders) as orders, sum(s.total) as total from sums s group by s.status) t),
      'by_day', (
        select coalesce(jsonb_agg(jsonb_build_object('day', d.day, 'orders', d.orders, 'placed_amount', d.total, 'revenue_amount', d.revenue)
                                  order by d.day), '[]')
        from (select s.day, sum(s.orders) as orders, sum(s.total) as total,
                     coalesce(sum(s.total - s.credited) filter (where s.sold), 0) as revenue
              from sums s group by s.day) d)));
end $$;
comment on function ledger.order_figures(ledger.report_range, text) is
  'totals: volume, revenue, average, and success: delivered orders among those that have come to an end, in basis points; by_status; by_day, days without orders left out.';

create function ledger.top_products(p_range ledger.report_range, p_currency text)
returns jsonb
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  return (
    select coalesce(jsonb_agg(jsonb_build_object('product_id', t.product_id, 'product_name', p.name, 'orders', t.orders,
                                                 'units', t.units, 'amount', t.amount) order by t.amount desc, t.product_id), '[]')
    from (select v.product_id, count(distinct i.order_id) as orders, sum(i.quantity) as units,
                 sum(i.total_price_amount - i.discount_amount) as amount
          from public.orders o
          join public.order_items i on i.order_id = o.id
          join public.variants v on v.id = i.variant_id
          where o.id >= p_range.first_id and o.id < p_range.last_id
            and o.created_at >= p_range.from_at and o.created_at < p_range.to_at and o.currency = p_currency
            and ledger.is_sale(o.status)
            -- the same bounds for the lines, so that they are a range of their key too
            and i.order_id >= p_range.first_id and i.order_id < p_range.last_id
          group by v.product_id
          order by amount desc, v.product_id
          limit 10) t
    join public.products p on p.id = t.product_id);
end $$;
comment on function ledger.top_products(ledger.report_range, text) is
  'The ten products that sold for most, after discount, before refunds; by their present names.';
