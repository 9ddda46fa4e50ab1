/* What was taken back of an order, beside what the order says of it and what its lines are worth. */
create function ledger.differences_of_refunds()
returns table (check_code text, subject text, expected text, found text)
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  with per_order as (
    select f.order_id, sum(f.credited_amount) as credited,
           sum(f.wallet_amount + f.credit_amount + case f.payout_status when 'withdrawn' then 0 else f.payout_amount end) as refunded,
           sum(f.wallet_amount) as to_wallet, sum(f.shipping_amount) as shipping, sum(f.allowance_amount) as allowance
    from public.refunds f
    group by f.order_id),
  per_refund as (
    select l.refund_id, sum(l.goods_amount) as goods, sum(l.discount_amount) as discount, sum(l.tax_amount) as tax, sum(l.total_amount) as total
    from public.refund_lines l
    group by l.refund_id),
  per_line as (
    select l.order_id, l.line_number, sum(l.quantity)::bigint as quantity, sum(l.unshipped_quantity) as unshipped, sum(l.restocked_quantity) as restocked,
           row(sum(l.goods_amount), sum(l.discount_amount), sum(l.tax_amount), sum(l.total_amount), sum(l.base_amount),
               sum(l.vendor_amount))::ledger.line_part as part
    from public.refund_lines l
    group by l.order_id, l.line_number),
  shipped as (
    select l.order_id, l.line_number, sum(l.quantity) as quantity
    from public.shipment_lines l
    group by l.order_id, l.line_number)
  select 'credited_equals_refunds', o.id::text, o.credited_amount::text, coalesce(f.credited, 0)::text
  from public.orders o left join per_order f on f.order_id = o.id
  where o.credited_amount <> coalesce(f.credited, 0)
  union all
  select 'refunded_equals_refunds', o.id::text, format('%s/%s', o.refunded_amount, o.wallet_refunded_amount),
         format('%s/%s', coalesce(f.refunded, 0), coalesce(f.to_wallet, 0))
  from public.orders o left join per_order f on f.order_id = o.id
  where (o.refunded_amount, o.wallet_refunded_amount) <> (coalesce(f.refunded, 0), coalesce(f.to_wallet, 0))
  union all
  select 'ended_order_is_credited_whole', o.id::text, format('%s credited, nothing outstanding', o.total_amount),
         format('%s credited, %s outstanding', o.credited_amount, o.outstanding_amount)
  from public.orders o
  where o.status in ('cancelled', 'refunded')
    -- what was withdrawn waits for its payment to be voided, or for being paid out after all
    and (o.credited_amount <> o.total_amount or o.outstanding_amount > 0 or o.outstanding_amount < -(
      select coalesce(sum(f.payout_amount), 0) from public.refunds f where f.order_id = o.id and f.payout_status = 'withdrawn'))
  union all
  select 'refund_equals_its_parts', f.id::text,
         format('%s/%s/%s/%s', f.goods_amount, f.discount_amount, f.tax_amount, f.credited_amount - f.shipping_amount - f.allowance_amount),
         format('%s/%s/%s/%s', coalesce(l.goods, 0), coalesce(l.discount, 0), coalesce(l.tax, 0), coalesce(l.total, 0))
  from public.refunds f left join per_refund l on l.refund_id = f.id
  where (f.goods_amount, f.discount_amount, f.tax_amount, f.credited_amount - f.shipping_amount - f.allowance_amount)
        <> (coalesce(l.goods, 0), coalesce(l.discount, 0), coalesce(l.tax, 0), coalesce(l.total, 0))
  union all
  select 'refunded_shipping_is_part_of_it', o.id::text, format('at most %s, allowance not below 0', o.shipping_amount),
         format('%s, %s', f.shipping, f.allowance)
  from public.orders o join per_order f on f.order_id = o.id
  where f.shipping > o.shipping_amount or f.allowance < 0
  union all
  select 'refunded_units_cost_their_part', format('%s/%s', i.order_id, i.line_number), p::text, l.part::text
  from per_line l
  join public.order_items i on i.order_id = l.order_id and i.line_number = l.line_number
  join public.orders o on o.id = i.order_id
  cross join lateral ledger.line_part(i, o.prices_include_tax, l.quantity) p
  where p is distinct from l.part
  union all
  select 'refunded_units_were_shipped', format('%s/%s', i.order_id, i.line_number), format('at most %s', coalesce(s.quantity, 0)),
         (l.quantity - l.unshipped)::text
  from per_line l
  join public.order_items i on i.order_id = l.order_id and i.line_number = l.line_number
  left join shipped s on s.order_id = l.order_id and s.line_number = l.line_number
  where l.quantity - l.unshipped > coalesce(s.quantity, 0)
  union all
  select 'given_up_units_were_not_shipped', format('%s/%s', i.order_id, i.line_number),
         format('at most %s', i.quantity - coalesce(s.quantity, 0)), l.unshipped::text
  from per_line l
  join public.order_items i on i.order_id = l.order_id and i.line_number = l.line_number
  left join shipped s on s.order_id = l.order_id and s.line_number = l.line_number
  where l.unshipped > i.quantity - coalesce(s.quantity, 0)
  union all
  select 'restocked_refunds_equal_movements', format('%s/%s', coalesce(b.order_id, m.order_id), coalesce(b.variant_id, m.variant_id)),
         coalesce(b.quantity, 0)::text, coalesce(m.quantity, 0)::text
  from (select l.order_id, i.variant_id, sum(l.restocked) as quantity
        from per_line l join public.order_items i on i.order_id = l.order_id and i.line_number = l.line_number
        where l.restocked > 0
        group by l.order_id, i.variant_id) b
  full join (select m.order_id, m.variant_id, sum(m.quantity) as quantity
             from public.stock_movements m
             where m.reason in ('order_cancelled', 'order_refunded')
             group by m.order_id, m.variant_id) m on m.order_id = b.order_id and m.variant_id = b.variant_id
  where coalesce(b.quantity, 0) <> coalesce(m.quantity, 0)
  union all
  select 'refund_refers_to_what_is_there', f.id::text, 'an order of its account and currency', format('%s %s', f.account_id, f.currency)
  from public.refunds f
  left join public.orders o on o.id = f.order_id and o.account_id = f.account_id and o.currency = f.currency
  where o.id is null;
$$;
comment on function ledger.differences_of_refunds() is 'Refunds that differ from their orders, their lines, the shipments or the stock.';
