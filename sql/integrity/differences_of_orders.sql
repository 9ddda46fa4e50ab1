/* What an order says, beside its lines, its history, its discount code. Its money: differences_of_order_money. */
create function ledger.differences_of_orders()
returns table (check_code text, subject text, expected text, found text)
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  with item_sums as (
    select i.order_id, sum(i.quantity) as quantity, sum(i.total_price_amount) as subtotal, sum(i.discount_amount) as discount, sum(i.tax_amount) as tax
    from public.order_items i
    group by i.order_id),
  last_status as (
    select h.order_id, (array_agg(h.status order by h.event_id desc))[1] as status, bool_or(h.status = 'delivered') as was_delivered
    from public.order_status_history h
    group by h.order_id)
  select 'order_totals_equal_items', o.id::text,
         format('%s/%s/%s', o.subtotal_amount, o.discount_amount, o.tax_amount),
         format('%s/%s/%s', i.subtotal, i.discount, i.tax)
  from public.orders o left join item_sums i on i.order_id = o.id
  where (o.subtotal_amount, o.discount_amount, o.tax_amount) is distinct from (i.subtotal, i.discount, i.tax)
  union all
  select 'order_has_its_transaction', o.id::text, 'an order_created transaction', 'none'
  from public.orders o
  where not exists (select from public.transactions t where t.order_id = o.id and t.type = 'order_created')
  union all
  select 'order_status_equals_history', o.id::text, o.status, coalesce(l.status, 'none')
  from public.orders o left join last_status l on l.order_id = o.id
  where o.status is distinct from l.status
  union all
  -- what foreign keys would say, and more; orders do not pay for them
  select 'order_refers_to_what_is_there', o.id::text, 'account of its customer and currency, payment method', format('%s %s', o.account_id, o.payment_method)
  from public.orders o
  left join public.accounts a on a.id = o.account_id and a.user_id = o.user_id and a.currency = o.currency
  left join public.payment_methods p on p.code = o.payment_method
  where a.id is null or p.code is null
  union all
  select 'line_refers_to_what_is_there', format('%s/%s', i.order_id, i.line_number), 'its order''s account, variant, vendor',
         format('%s %s %s', i.account_id, i.variant_id, i.vendor_id)
  from public.order_items i
  left join public.orders o on o.id = i.order_id and o.account_id = i.account_id
  left join public.variants v on v.id = i.variant_id
  left join public.vendors w on w.id = i.vendor_id
  where o.id is null or v.id is null or (w.id is null and i.vendor_id is not null)
  union all
  select 'discount_usage_equals_redemptions', u.discount_code_id::text, u.redemptions::text, count(r.order_id)::text
  from public.discount_usage u
  left join public.discount_redemptions r on r.discount_code_id = u.discount_code_id and r.released_at is null
  group by u.discount_code_id, u.redemptions
  having u.redemptions <> count(r.order_id)
  union all
  -- an order that ended before it was delivered has given its code back
  select 'discount_redemption_follows_order', coalesce(o.id, r.order_id)::text, format('%s of %s in %s', o.discount_amount, e.discount_code_id, o.account_id),
         format('%s of %s in %s', r.amount, r.discount_code_id, r.account_id)
  from public.orders o
  left join last_status l on l.order_id = o.id
  full join (select * from public.discount_redemptions where released_at is null) r on r.order_id = o.id
  cross join lateral (select case when o.status not in ('cancelled', 'refunded') or l.was_delivered then o.discount_code_id end as discount_code_id) e
  where r.discount_code_id is distinct from e.discount_code_id or r.amount <> o.discount_amount or r.account_id <> o.account_id;
$$;
comment on function ledger.differences_of_orders() is 'Orders that differ from their lines, history or discount code.';
