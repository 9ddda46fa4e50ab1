/* Where the money of each order is by the postings, beside where it should be by what the order says. */
create function ledger.differences_of_order_money()
returns table (check_code text, subject text, expected text, found text)
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  with booked as (
    select t.order_id, l.account, sum(l.amount) as amount
    from public.postings p
    left join public.transactions t on t.id = p.transaction_id
    cross join lateral (values (p.credit_account, p.amount), (p.debit_account, -p.amount)) l (account, amount)
    where l.account in ('order_escrow', 'receivable', 'refunds_payable', 'revenue', 'vendor_payable', 'tax_payable', 'shipping_income', 'discounts')
      -- the receivable of what is no order is that of free invoices: ledger.differences_of_invoices
      and (t.order_id is not null or l.account in ('order_escrow', 'refunds_payable'))
    group by t.order_id, l.account),
  taken_back as (
    select f.order_id, sum(f.goods_amount) as goods, sum(f.discount_amount) as discount, sum(f.tax_amount) as tax, sum(f.shipping_amount) as shipping,
           sum(f.allowance_amount) as allowance, sum(f.allowance_tax_amount) as allowance_tax, sum(f.credit_amount) as credit,
           sum(f.payout_amount) filter (where f.payout_status = 'pending') as pending,
           sum(f.payout_amount) filter (where f.payout_status = 'failed') as failed
    from public.refunds f
    group by f.order_id),
  vendors_part as (
    select i.order_id, sum(whole.vendor_amount - back.vendor_amount) as amount
    from public.order_items i
    join public.orders o on o.id = i.order_id
    left join (select l.order_id, l.line_number, sum(l.quantity)::bigint as quantity
               from public.refund_lines l group by l.order_id, l.line_number) r on r.order_id = i.order_id and r.line_number = i.line_number
    cross join lateral ledger.line_part(i, o.prices_include_tax, i.quantity) whole
    cross join lateral ledger.line_part(i, o.prices_include_tax, coalesce(r.quantity, 0)) back
    where i.platform_rate_bp is not null
    group by i.order_id),
  left_of as (
    select o.id, o.status, o.outstanding_amount, o.paid_amount - o.refunded_amount as held,
           o.subtotal_amount - coalesce(b.goods, 0) as goods, o.discount_amount - coalesce(b.discount, 0) as discount,
           o.tax_amount - coalesce(b.tax, 0) as tax, case when o.prices_include_tax then o.tax_amount - coalesce(b.tax, 0) else 0 end as contained_tax,
           o.shipping_amount - coalesce(b.shipping, 0) as shipping, coalesce(b.allowance, 0) as allowance,
           coalesce(b.allowance_tax, 0) as allowance_tax, coalesce(b.pending, 0) as pending, coalesce(v.amount, 0) as vendors
    from public.orders o
    left join taken_back b on b.order_id = o.id
    left join vendors_part v on v.order_id = o.id),
  expected as (
    -- escrow holds what was paid and did not go back until the delivery, and nothing after it
    select l.id as order_id, 'order_escrow' as account, case l.status when 'delivered' then 0 else l.held end as amount
    from left_of l
    union all
    select l.id, 'receivable', case l.status when 'delivered' then -l.outstanding_amount else 0 end from left_of l
    union all
    select l.id, 'refunds_payable', l.pending from left_of l
    union all
    -- income is what was delivered and not taken back
    select l.id, e.account, case when l.status in ('delivered', 'cancelled', 'refunded') then e.amount else 0 end
    from left_of l
    cross join lateral (values
      ('revenue', l.goods - l.contained_tax - l.vendors), ('vendor_payable', l.vendors), ('tax_payable', l.tax - l.allowance_tax),
      ('shipping_income', l.shipping), ('discounts', -l.discount - l.allowance + l.allowance_tax)) e (account, amount)),
  differing as (
    select coalesce(e.account, b.account) as account, format('%s %s', coalesce(e.order_id, b.order_id), coalesce(e.account, b.account)) as subject,
           coalesce(e.amount, 0)::text as expected, coalesce(b.amount, 0)::text as found
    from expected e
    full join booked b on b.order_id = e.order_id and b.account = e.account
    where coalesce(e.amount, 0) <> coalesce(b.amount, 0))
  select 'escrow_equals_open_orders', d.subject, d.expected, d.found from differing d where d.account = 'order_escrow'
  union all
  select 'receivable_equals_delivered_orders', d.subject, d.expected, d.found from differing d where d.account = 'receivable'
  union all
  select 'refunds_payable_equals_pending', d.subject, d.expected, d.found from differing d where d.account = 'refunds_payable'
  union all
  select 'income_equals_delivered_orders', d.subject, d.expected, d.found
  from differing d
  where d.account not in ('order_escrow', 'receivable', 'refunds_payable')
  union all
  select 'order_wallet_equals_transactions', o.id::text,
         (o.wallet_refunded_amount - o.wallet_amount + coalesce(b.credit, 0) + coalesce(b.failed, 0) + coalesce(p.credit, 0))::text,
         coalesce(t.amount, 0)::text
  from public.orders o
  left join taken_back b on b.order_id = o.id
  left join (select p.order_id, sum(p.credit_amount - p.reclaimed_amount) as credit from public.payments p where p.status = 'captured' group by p.order_id) p
    on p.order_id = o.id
  left join (select t.order_id, sum(t.amount) as amount from public.transactions t where t.order_id is not null group by t.order_id) t
    on t.order_id = o.id
  where o.wallet_refunded_amount - o.wallet_amount + coalesce(b.credit, 0) + coalesce(b.failed, 0) + coalesce(p.credit, 0) <> coalesce(t.amount, 0)
  union all
  select 'payment_status_follows_the_money', o.id::text, s.status, o.payment_status
  from public.orders o
  cross join lateral ledger.payment_status_of(o.total_amount, o.credited_amount, o.paid_amount, o.refunded_amount,
    case o.payment_status when 'overpaid' then ledger.payment_status_kept(o) else o.payment_status end) s (status)
  where o.payment_status <> s.status
  union all
  select 'commission_follows_what_is_left', c.order_id::text, e.amount::text, c.clawed_back_amount::text
  from public.referral_commissions c
  join public.orders o on o.id = c.order_id
  left join taken_back b on b.order_id = o.id
  cross join lateral (select (o.subtotal_amount - o.discount_amount - case when o.prices_include_tax then o.tax_amount else 0 end) as whole,
                             coalesce(b.goods - b.discount - case when o.prices_include_tax then b.tax else 0 end, 0)::bigint as back) base
  cross join lateral (
    select base.whole - base.back - ledger.share_of_allowance(base.whole - base.back,
             row(0, 0, 0, o.total_amount - o.shipping_amount, 0, 0, o.shipping_amount, 0, 0)::ledger.order_part,
             row(0, 0, 0, o.credited_amount - coalesce(b.shipping + b.allowance, 0), 0, 0, coalesce(b.shipping, 0), coalesce(b.allowance, 0), 0)::ledger.order_part) as base_left) l
  cross join lateral (select ledger.divide_half_up(c.commission_amount::numeric * (c.base_amount - l.base_left), c.base_amount) as amount) e
  where c.clawed_back_amount <> e.amount;
$$;
comment on function ledger.differences_of_order_money() is
  'Orders whose escrow, receivable, payouts, income, wallet transactions, payment status or commission are not what follows from them.';
