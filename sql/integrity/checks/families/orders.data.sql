-- what an order says, beside its lines, its history, its discount code
insert into public.integrity_checks (family, code, severity, repair, proves, query) values
  ('orders', 'order_totals_equal_items', 'critical', null, 'Subtotal, discount and tax of each order are the sums of its lines.', $$
    select o.id, o.account_id, format('%s/%s/%s', o.subtotal_amount, o.discount_amount, o.tax_amount), format('%s/%s/%s', i.subtotal, i.discount, i.tax),
           abs(o.subtotal_amount - coalesce(i.subtotal, 0)) + abs(o.discount_amount - coalesce(i.discount, 0)) + abs(o.tax_amount - coalesce(i.tax, 0))
    from orders o
    left join (select n.order_id, sum(n.total_price_amount) as subtotal, sum(n.discount_amount) as discount, sum(n.tax_amount) as tax
               from order_items n group by n.order_id) i on i.order_id = o.id
    where (o.subtotal_amount, o.discount_amount, o.tax_amount) is distinct from (i.subtotal, i.discount, i.tax)
  $$),
  ('orders', 'order_has_its_transaction', 'critical', null, 'Each order has the transaction that it was placed with.', $$
    select o.id, o.account_id, 'an order_created transaction', 'none', o.wallet_amount
    from orders o
    where not exists (select from order_transactions t where t.order_id = o.id and t.type = 'order_created')
  $$),
  ('orders', 'order_status_equals_history', 'critical', 'order_status', 'The status of each order is the last one in its history.', $$
    select o.id, o.account_id, o.status, coalesce(l.status, 'none'), null
    from orders o left join order_last_statuses l on l.order_id = o.id
    where o.status is distinct from l.status
  $$),
  -- what foreign keys would say, and more; orders do not pay for them
  ('orders', 'order_refers_to_what_is_there', 'critical', null, 'Each order is of its customer''s account in its currency, with a payment method that there is.', $$
    select o.id, o.account_id, 'account of its customer and currency, payment method', format('%s %s', o.account_id, o.payment_method), null
    from orders o
    left join touched_accounts a on a.id = o.account_id and a.user_id = o.user_id and a.currency = o.currency
    left join public.payment_methods p on p.code = o.payment_method
    where a.id is null or p.code is null
  $$),
  ('orders', 'line_refers_to_what_is_there', 'critical', null, 'Each line is in its order''s account, of a variant and a vendor that there are.', $$
    select format('%s/%s', i.order_id, i.line_number), coalesce(o.account_id, i.account_id), 'its order''s account, variant, vendor',
           format('%s %s %s', i.account_id, i.variant_id, i.vendor_id), null
    from order_items i
    left join orders o on o.id = i.order_id
    left join public.variants v on v.id = i.variant_id
    left join public.vendors w on w.id = i.vendor_id
    where o.account_id is distinct from i.account_id or v.id is null or (w.id is null and i.vendor_id is not null)
  $$),
  -- an order that ended before it was delivered has given its code back
  ('orders', 'discount_redemption_follows_order', 'error', null, 'Each order with a discount code has redeemed it for what it saved, and ended orders have given theirs back.', $$
    select coalesce(o.id, r.order_id), coalesce(o.account_id, r.account_id), format('%s of %s in %s', o.discount_amount, o.code_id, o.account_id),
           format('%s of %s in %s', r.amount, r.discount_code_id, r.account_id), coalesce(r.amount, 0) - case when o.code_id is null then 0 else o.discount_amount end
    from (select n.id, n.account_id, n.discount_amount,
                 case when n.status not in ('cancelled', 'refunded') or l.was_delivered then n.discount_code_id end as code_id
          from orders n left join order_last_statuses l on l.order_id = n.id
          where n.discount_code_id is not null or exists (select from discount_redemptions d where d.order_id = n.id)) o
    full join (select * from discount_redemptions where released_at is null) r on r.order_id = o.id
    where r.discount_code_id is distinct from o.code_id or r.amount <> o.discount_amount or r.account_id <> o.account_id
  $$)
on conflict (code) do update set
  family = excluded.family, severity = excluded.severity, proves = excluded.proves, query = excluded.query, repair = excluded.repair, scopes = excluded.scopes;

-- a code is everybody's
insert into public.integrity_checks (family, code, severity, repair, scopes, proves, query) values
  ('orders', 'discount_usage_equals_redemptions', 'error', 'discount_usage', '{all}', 'The counter of each discount code counts its redemptions.', $$
    select u.discount_code_id, null, u.redemptions, count(r.order_id), null
    from public.discount_usage u
    left join discount_redemptions r on r.discount_code_id = u.discount_code_id and r.released_at is null
    group by u.discount_code_id, u.redemptions
    having u.redemptions <> count(r.order_id)
  $$)
on conflict (code) do update set
  family = excluded.family, severity = excluded.severity, proves = excluded.proves, query = excluded.query, repair = excluded.repair, scopes = excluded.scopes;
