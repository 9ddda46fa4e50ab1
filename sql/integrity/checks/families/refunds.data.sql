-- what was taken back of an order, beside what the order says of it and what its lines are worth
insert into public.integrity_checks (family, code, severity, repair, proves, query) values
  ('refunds', 'credited_equals_refunds', 'critical', 'order_money', 'What was credited of each order is the sum of its refunds.', $$
    select o.id, o.account_id, o.credited_amount, coalesce(f.credited, 0), coalesce(f.credited, 0) - o.credited_amount
    from orders o left join order_refunds f on f.order_id = o.id
    where o.credited_amount <> coalesce(f.credited, 0)
  $$),
  ('refunds', 'refunded_equals_refunds', 'critical', 'order_money', 'What went back of each order, and to the wallet, is what its refunds say.', $$
    select o.id, o.account_id, format('%s/%s', o.refunded_amount, o.wallet_refunded_amount), format('%s/%s', coalesce(f.refunded, 0), coalesce(f.to_wallet, 0)),
           abs(coalesce(f.refunded, 0) - o.refunded_amount) + abs(coalesce(f.to_wallet, 0) - o.wallet_refunded_amount)
    from orders o left join order_refunds f on f.order_id = o.id
    where (o.refunded_amount, o.wallet_refunded_amount) <> (coalesce(f.refunded, 0), coalesce(f.to_wallet, 0))
  $$),
  ('refunds', 'ended_order_is_credited_whole', 'critical', null, 'Of an order that ended everything was credited, and nothing is outstanding.', $$
    select o.id, o.account_id, format('%s credited, nothing outstanding', o.total_amount),
           format('%s credited, %s outstanding', o.credited_amount, o.outstanding_amount), o.credited_amount - o.total_amount
    from orders o
    left join order_refunds f on f.order_id = o.id
    where o.status in ('cancelled', 'refunded')
      -- what was withdrawn waits for its payment to be voided, or for being paid out after all
      and (o.credited_amount <> o.total_amount or o.outstanding_amount > 0 or o.outstanding_amount < -coalesce(f.withdrawn, 0))
  $$),
  ('refunds', 'refund_equals_its_parts', 'critical', null, 'The amounts of each refund are the sums of its lines.', $$
    select f.id, f.account_id, format('%s/%s/%s/%s', f.goods_amount, f.discount_amount, f.tax_amount, f.credited_amount - f.shipping_amount - f.allowance_amount),
           format('%s/%s/%s/%s', coalesce(l.goods, 0), coalesce(l.discount, 0), coalesce(l.tax, 0), coalesce(l.total, 0)),
           coalesce(l.total, 0) - (f.credited_amount - f.shipping_amount - f.allowance_amount)
    from refunds f
    left join (select n.refund_id, sum(n.goods_amount) as goods, sum(n.discount_amount) as discount, sum(n.tax_amount) as tax, sum(n.total_amount) as total
               from refund_lines n group by n.refund_id) l on l.refund_id = f.id
    where (f.goods_amount, f.discount_amount, f.tax_amount, f.credited_amount - f.shipping_amount - f.allowance_amount)
          <> (coalesce(l.goods, 0), coalesce(l.discount, 0), coalesce(l.tax, 0), coalesce(l.total, 0))
  $$),
  ('refunds', 'refunded_shipping_is_part_of_it', 'critical', null, 'No more shipping went back than was charged, and no allowance is below nothing.', $$
    select o.id, o.account_id, format('at most %s, allowance not below 0', o.shipping_amount), format('%s, %s', f.shipping, f.allowance), f.shipping - o.shipping_amount
    from orders o join order_refunds f on f.order_id = o.id
    where f.shipping > o.shipping_amount or f.allowance < 0
  $$),
  ('refunds', 'refunded_units_cost_their_part', 'critical', null, 'The units that were taken back of each line cost what they are of the line.', $$
    select format('%s/%s', i.order_id, i.line_number), i.account_id, p, l.part, ((l.part).total_amount - p.total_amount)
    from lines_refunded l
    join order_items i on i.order_id = l.order_id and i.line_number = l.line_number
    join orders o on o.id = i.order_id
    cross join lateral ledger.line_part(row(i.*)::public.order_items, o.prices_include_tax, l.quantity) p
    where p is distinct from l.part
  $$),
  ('refunds', 'refunded_units_were_shipped', 'critical', null, 'No more units were taken back of a line than went out, beside those that were given up.', $$
    select format('%s/%s', i.order_id, i.line_number), i.account_id, format('at most %s', coalesce(s.quantity, 0)), l.quantity - l.unshipped,
           l.quantity - l.unshipped - coalesce(s.quantity, 0)
    from lines_refunded l
    join order_items i on i.order_id = l.order_id and i.line_number = l.line_number
    left join shipped_units s on s.order_id = l.order_id and s.line_number = l.line_number
    where l.quantity - l.unshipped > coalesce(s.quantity, 0)
  $$),
  ('refunds', 'given_up_units_were_not_shipped', 'critical', null, 'No units were given up that went out.', $$
    select format('%s/%s', i.order_id, i.line_number), i.account_id, format('at most %s', i.quantity - coalesce(s.quantity, 0)), l.unshipped,
           l.unshipped - i.quantity + coalesce(s.quantity, 0)
    from lines_refunded l
    join order_items i on i.order_id = l.order_id and i.line_number = l.line_number
    left join shipped_units s on s.order_id = l.order_id and s.line_number = l.line_number
    where l.unshipped > i.quantity - coalesce(s.quantity, 0)
  $$),
  ('refunds', 'restocked_refunds_equal_movements', 'critical', null, 'Refunds that put units back in stock have the movements that did so.', $$
    select format('%s/%s', coalesce(b.order_id, m.order_id), coalesce(b.variant_id, m.variant_id)), b.account_id, coalesce(b.quantity, 0), coalesce(m.quantity, 0),
           coalesce(m.quantity, 0) - coalesce(b.quantity, 0)
    from (select l.order_id, i.variant_id, i.account_id, sum(l.restocked) as quantity
          from lines_refunded l join order_items i on i.order_id = l.order_id and i.line_number = l.line_number
          where l.restocked > 0
          group by l.order_id, i.variant_id, i.account_id) b
    full join (select n.order_id, n.variant_id, sum(n.quantity) as quantity
               from order_movements n
               where n.reason in ('order_cancelled', 'order_refunded')
               group by n.order_id, n.variant_id) m on m.order_id = b.order_id and m.variant_id = b.variant_id
    where coalesce(b.quantity, 0) <> coalesce(m.quantity, 0)
  $$),
  ('refunds', 'refund_refers_to_what_is_there', 'critical', null, 'Each refund is of an order of its account and currency.', $$
    select f.id, f.account_id, 'an order of its account and currency', format('%s %s', f.account_id, f.currency), null
    from refunds f
    left join orders o on o.id = f.order_id and o.account_id = f.account_id and o.currency = f.currency
    where o.id is null
  $$)
on conflict (code) do update set
  family = excluded.family, severity = excluded.severity, proves = excluded.proves, query = excluded.query, repair = excluded.repair, scopes = excluded.scopes;
