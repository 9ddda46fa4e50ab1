-- where the money of each order is by the postings, beside where it should be by what the order says
insert into public.integrity_checks (family, code, severity, repair, proves, query)
select 'order_money', v.code, 'critical', v.repair, v.proves, format($query$
    select format('%%s %%s', d.order_id, d.account), coalesce(d.account_id, o.account_id), d.expected, d.found, d.found - d.expected
    from order_money d left join orders o on o.id = d.order_id
    where d.account %s
  $query$, v.accounts)
from (values
  ('escrow_equals_open_orders', 'order_money', '= ''order_escrow''', 'Escrow holds what was paid for each order that is not delivered and did not go back, and nothing after.'),
  ('receivable_equals_delivered_orders', 'order_money', '= ''receivable''', 'Of each delivered order what is outstanding is receivable.'),
  ('refunds_payable_equals_pending', null, '= ''refunds_payable''', 'Refunds payable are the payouts of refunds that wait.'),
  ('income_equals_delivered_orders', null, 'not in (''order_escrow'', ''receivable'', ''refunds_payable'')',
   'Revenue, tax, shipping, discounts and vendors'' parts of each order are those of what was delivered and not taken back.')) v (code, repair, accounts, proves)
on conflict (code) do update set
  family = excluded.family, severity = excluded.severity, proves = excluded.proves, query = excluded.query, repair = excluded.repair, scopes = excluded.scopes;

insert into public.integrity_checks (family, code, severity, repair, proves, query) values
  ('order_money', 'order_wallet_equals_transactions', 'critical', 'order_money', 'What each order took from the wallet and gave back is the sum of its transactions.', $$
    select o.id, o.account_id, o.amount, coalesce(t.amount, 0), coalesce(t.amount, 0) - o.amount
    from (select n.id, n.account_id, n.wallet_refunded_amount - n.wallet_amount + coalesce(b.credit, 0) + coalesce(b.failed, 0) + coalesce(p.credit, 0) as amount
          from orders n
          left join order_refunds b on b.order_id = n.id
          left join (select m.order_id, sum(m.credit_amount - m.reclaimed_amount) as credit
                     from order_payments m where m.status = 'captured' group by m.order_id) p on p.order_id = n.id) o
    left join (select n.order_id, sum(n.amount) as amount from order_transactions n where n.order_id is not null group by n.order_id) t on t.order_id = o.id
    where o.amount <> coalesce(t.amount, 0)
  $$),
  ('order_money', 'payment_status_follows_the_money', 'error', 'order_money', 'The payment status of each order follows from what it costs, what was paid and what went back.', $$
    select o.id, o.account_id, s.status, o.payment_status, null
    from orders o
    cross join lateral (select ledger.payment_status_of(o.total_amount, o.credited_amount, o.paid_amount, o.refunded_amount,
      -- overpaid stands as long as a payment of the order has its surplus in the wallet (ledger.payment_status_kept)
      case when o.payment_status = 'overpaid' and not exists (select from order_payments p where p.order_id = o.id and p.status = 'captured' and p.credit_amount > 0)
           then 'paid' else o.payment_status end) as status) s
    where o.payment_status <> s.status
  $$),
  ('order_money', 'commission_follows_what_is_left', 'critical', null, 'Of each commission that part was taken back that went back of its order.', $$
    select c.order_id, c.account_id, e.amount, c.clawed_back_amount, c.clawed_back_amount - e.amount
    from order_commissions c
    join orders o on o.id = c.order_id
    left join order_refunds b on b.order_id = o.id
    cross join lateral (select (o.subtotal_amount - o.discount_amount - case when o.prices_include_tax then o.tax_amount else 0 end) as whole,
                               coalesce(b.goods - b.discount - case when o.prices_include_tax then b.tax else 0 end, 0)::bigint as back) base
    cross join lateral (
      select base.whole - base.back - ledger.share_of_allowance(base.whole - base.back,
               row(0, 0, 0, o.total_amount - o.shipping_amount, 0, 0, o.shipping_amount, 0, 0)::ledger.order_part,
               row(0, 0, 0, o.credited_amount - coalesce(b.shipping + b.allowance, 0), 0, 0, coalesce(b.shipping, 0), coalesce(b.allowance, 0), 0)::ledger.order_part) as base_left) l
    cross join lateral (select ledger.divide_half_up(c.commission_amount::numeric * (c.base_amount - l.base_left), c.base_amount) as amount) e
    where c.clawed_back_amount <> e.amount
  $$)
on conflict (code) do update set
  family = excluded.family, severity = excluded.severity, proves = excluded.proves, query = excluded.query, repair = excluded.repair, scopes = excluded.scopes;
