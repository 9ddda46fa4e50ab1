-- tables: as they are, and of the accounts $1, the orders $2 and the variants $3 of a run. What has a long history is
-- not among $1 and $3, but among all touched accounts $4 and variants $5: so checks of an order read by order, and
-- checks that add up a history read by account or variant. $6 are the streams that events of $1 can be of
insert into ledger.integrity_relations (position, name, whole, scoped) values
  (1, 'accounts', 'select * from public.accounts', 'select * from public.accounts where id = any ($1)'),
  (21, 'touched_accounts', 'select * from public.accounts', 'select * from public.accounts where id = any ($4)'),
  (2, 'profiles', 'select * from public.profiles', 'select * from public.profiles where id in (select user_id from accounts)'),
  -- orders that a run looks at, and all orders of its accounts
  (3, 'orders', 'select * from public.orders', 'select * from public.orders where id = any ($2)'),
  (4, 'orders_of_accounts', 'select * from public.orders',
      'select o.* from accounts a join public.orders o on o.user_id = a.user_id and o.account_id = a.id'),
  (5, 'transactions', 'select * from public.transactions', 'select * from public.transactions where account_id = any ($1)'),
  (6, 'payments', 'select * from public.payments', 'select * from public.payments where account_id = any ($1)'),
  (7, 'invoices', 'select * from public.invoices', 'select * from public.invoices where account_id = any ($1)'),
  -- postings have no index by account: they are found by their transactions, one by one
  (8, 'postings', 'select * from public.postings',
      'select p.* from transactions t cross join lateral (select n.* from public.postings n where n.transaction_id = t.id offset 0) p'),
  (9, 'withdrawals', 'select * from public.withdrawals', 'select * from public.withdrawals where account_id = any ($1)'),
  (10, 'referral_commissions', 'select * from public.referral_commissions', 'select * from public.referral_commissions where account_id = any ($1)'),
  (11, 'payment_allocations', 'select * from public.payment_allocations', 'select * from public.payment_allocations where account_id = any ($1)'),
  (12, 'invoice_balance_cache', 'select * from public.invoice_balance_cache', 'select * from public.invoice_balance_cache where account_id = any ($1)'),
  (13, 'account_debt_cache', 'select * from public.account_debt_cache', 'select * from public.account_debt_cache where account_id = any ($1)'),
  (14, 'debt_movements', 'select * from public.debt_movements', 'select * from public.debt_movements where account_id = any ($1)'),
  (15, 'invoice_lines', 'select * from public.invoice_lines', 'select l.* from invoices i join public.invoice_lines l on l.invoice_id = i.id'),
  (16, 'payment_receipts', 'select * from public.payment_receipts', 'select * from public.payment_receipts where account_id = any ($1)'),
  (17, 'card_payments', 'select * from public.card_payments', 'select * from public.card_payments where account_id = any ($1)'),
  (18, 'card_bookings', 'select * from public.card_bookings',
      'select b.* from card_payments c join public.card_bookings b on b.card_payment_id = c.id union select b.* from payments p join public.card_bookings b on b.payment_id = p.id'),
  (19, 'vendor_earnings', 'select * from public.vendor_earnings', 'select * from public.vendor_earnings where account_id = any ($1)'),
  (20, 'import_rows', 'select * from public.import_rows',
      'select w.* from (select id from payments union all select id from invoices) t join public.import_rows w on w.target_id = t.id and w.state = ''applied'''),
  -- what belongs to an order
  (30, 'order_items', 'select * from public.order_items', 'select * from public.order_items where order_id = any ($2)'),
  (31, 'refunds', 'select * from public.refunds', 'select * from public.refunds where order_id = any ($2)'),
  (32, 'refund_lines', 'select * from public.refund_lines', 'select * from public.refund_lines where order_id = any ($2)'),
  (33, 'shipments', 'select * from public.shipments', 'select * from public.shipments where order_id = any ($2)'),
  (34, 'shipment_lines', 'select * from public.shipment_lines', 'select * from public.shipment_lines where order_id = any ($2)'),
  (35, 'returns', 'select * from public.returns', 'select * from public.returns where order_id = any ($2)'),
  (36, 'return_lines', 'select * from public.return_lines', 'select * from public.return_lines where order_id = any ($2)'),
  (37, 'backorders', 'select * from public.backorders', 'select * from public.backorders where order_id = any ($2)'),
  (38, 'discount_redemptions', 'select * from public.discount_redemptions', 'select * from public.discount_redemptions where order_id = any ($2)'),
  (39, 'payment_deadlines', 'select * from public.payment_deadlines', 'select * from public.payment_deadlines where order_id = any ($2)'),
  (40, 'order_commissions', 'select * from public.referral_commissions', 'select * from public.referral_commissions where order_id = any ($2)'),
  (41, 'order_earnings', 'select * from public.vendor_earnings', 'select * from public.vendor_earnings where order_id = any ($2)'),
  (42, 'order_payments', 'select * from public.payments', 'select * from public.payments where order_id = any ($2)'),
  (47, 'order_invoices', 'select * from public.invoices where order_id is not null', 'select * from public.invoices where order_id = any ($2)'),
  (48, 'order_allocations', 'select l.*, i.order_id from public.payment_allocations l join public.invoices i on i.id = l.invoice_id where i.order_id is not null',
       'select l.*, i.order_id from order_invoices i join public.payment_allocations l on l.invoice_id = i.id'),
  (49, 'order_receipts', 'select * from public.payment_receipts where order_id is not null', 'select * from public.payment_receipts where order_id = any ($2)'),
  -- of an order, or of an account and no order
  (43, 'order_transactions', 'select * from public.transactions',
      'select * from public.transactions where order_id = any ($2) union all select * from transactions where order_id is null'),
  (44, 'order_postings', 'select p.*, t.order_id from public.postings p left join public.transactions t on t.id = p.transaction_id',
      'select p.*, t.order_id from order_transactions t cross join lateral (select n.* from public.postings n where n.transaction_id = t.id offset 0) p'),
  (45, 'order_statuses', 'select event_id, order_id, status from public.order_status_history',
      'select event_id, order_id, status from public.order_status_history where order_id = any ($2)'),
  -- the index by order knows ranges: one walk from the oldest order to the newest
  (46, 'order_movements', 'select * from public.stock_movements where order_id is not null',
      'select * from public.stock_movements where order_id between (select id from orders order by id limit 1) and (select id from orders order by id desc limit 1) and order_id = any ($2)'),
  (93, 'order_events', 'select * from public.immutable_events where stream_type = ''order''', 'select * from public.immutable_events where stream_id = any ($2)'),
  -- what belongs to a variant
  (50, 'variants', 'select * from public.variants', 'select * from public.variants where id = any ($5)'),
  (51, 'stock_levels', 'select * from public.stock_levels', 'select * from public.stock_levels where variant_id = any ($5)'),
  (53, 'counted_stock_levels', 'select * from public.stock_levels', 'select * from public.stock_levels where variant_id = any ($3)'),
  (52, 'stock_movements', 'select * from public.stock_movements', 'select * from public.stock_movements where variant_id = any ($3)'),
  -- events have no index by account: they are found by the streams that an account's events can be of
  (90, 'event_streams', 'select null::uuid as id where false', 'select unnest($6) as id'),
  (91, 'immutable_events', 'select * from public.immutable_events',
      'select e.* from event_streams s cross join lateral (select n.* from public.immutable_events n where n.stream_id = s.id offset 0) e where e.account_id = any ($1)'),
  (92, 'event_texts', 'select * from public.event_texts', 'select * from public.event_texts where account_id = any ($1)')
on conflict (name) do update set position = excluded.position, whole = excluded.whole, scoped = excluded.scoped;

-- sums that several checks of a family share
insert into ledger.integrity_relations (position, name, whole) values
  (100, 'account_transactions', 'select account_id, sum(amount) as amount, count(*) as transactions, max(account_version) as last_version from transactions group by account_id'),
  (101, 'account_wallets', $$
    select account_id, sum(case 'wallet' when credit_account then amount when debit_account then -amount else 0 end) as wallet,
           sum(case 'withdrawals_payable' when credit_account then amount when debit_account then -amount else 0 end) as payable
    from postings group by account_id $$),
  (110, 'order_last_statuses', $$
    select order_id, (array_agg(status order by event_id desc))[1] as status, bool_or(status = 'delivered') as was_delivered
    from order_statuses group by order_id $$),
  (111, 'order_refunds', $$
    select f.order_id, sum(f.goods_amount) as goods, sum(f.discount_amount) as discount, sum(f.tax_amount) as tax, sum(f.shipping_amount) as shipping,
           sum(f.allowance_amount) as allowance, sum(f.allowance_tax_amount) as allowance_tax, sum(f.credit_amount) as credit,
           sum(f.payout_amount) filter (where f.payout_status = 'pending') as pending,
           sum(f.payout_amount) filter (where f.payout_status = 'failed') as failed,
           sum(f.credited_amount) as credited, sum(f.wallet_amount) as to_wallet,
           sum(f.wallet_amount + f.credit_amount + case f.payout_status when 'withdrawn' then 0 else f.payout_amount end) as refunded,
           sum(f.payout_amount) filter (where f.payout_status = 'withdrawn') as withdrawn
    from refunds f group by f.order_id $$),
  (112, 'refunded_units', 'select order_id, line_number, sum(quantity)::bigint as quantity, sum(unshipped_quantity) as unshipped from refund_lines group by order_id, line_number'),
  (113, 'shipped_units', 'select order_id, line_number, sum(quantity) as quantity from shipment_lines group by order_id, line_number'),
  -- what of a line is its vendor's and was not taken back; ledger.line_part of all units is simply the line
  (114, 'vendor_shares', $$
    select i.order_id, i.vendor_id, i.platform_rate_bp,
           w.base - ledger.divide_half_up(w.base * i.platform_rate_bp, 10000)
             - case when r.quantity is null then 0 else (ledger.line_part(row(i.*)::public.order_items, o.prices_include_tax, r.quantity)).vendor_amount end as amount
    from order_items i
    join orders o on o.id = i.order_id
    left join refunded_units r on r.order_id = i.order_id and r.line_number = i.line_number
    cross join lateral (select (i.total_price_amount - i.discount_amount - case when o.prices_include_tax then i.tax_amount else 0 end)::numeric as base) w
    where i.platform_rate_bp is not null $$),
  (120, 'order_booked', $$
    select order_id,
           sum(case 'order_escrow' when credit_account then amount when debit_account then -amount else 0 end) as escrow,
           sum(case 'receivable' when credit_account then amount when debit_account then -amount else 0 end) as receivable,
           sum(case 'refunds_payable' when credit_account then amount when debit_account then -amount else 0 end) as payable,
           sum(case 'revenue' when credit_account then amount when debit_account then -amount else 0 end) as revenue,
           sum(case 'vendor_payable' when credit_account then amount when debit_account then -amount else 0 end) as vendors,
           sum(case 'tax_payable' when credit_account then amount when debit_account then -amount else 0 end) as tax,
           sum(case 'shipping_income' when credit_account then amount when debit_account then -amount else 0 end) as shipping,
           sum(case 'discounts' when credit_account then amount when debit_account then -amount else 0 end) as discounts
    from order_postings group by order_id $$),
  (121, 'order_left', $$
    select l.id, l.account_id,
           -- escrow holds what was paid and did not go back until the delivery, and nothing after it
           case l.status when 'delivered' then 0 else l.held end as escrow,
           case l.status when 'delivered' then -l.outstanding_amount else 0 end as receivable,
           l.pending as payable,
           -- income is what was delivered and not taken back
           case when l.has_income then l.goods - l.contained_tax - l.vendors else 0 end as revenue,
           case when l.has_income then l.vendors else 0 end as vendors,
           case when l.has_income then l.tax - l.allowance_tax else 0 end as tax,
           case when l.has_income then l.shipping else 0 end as shipping,
           case when l.has_income then l.allowance_tax - l.discount - l.allowance else 0 end as discounts
    from (
      select o.id, o.account_id, o.status, o.status in ('delivered', 'cancelled', 'refunded') as has_income, o.outstanding_amount,
             o.paid_amount - o.refunded_amount as held,
             o.subtotal_amount - coalesce(b.goods, 0) as goods, o.discount_amount - coalesce(b.discount, 0) as discount,
             o.tax_amount - coalesce(b.tax, 0) as tax, case when o.prices_include_tax then o.tax_amount - coalesce(b.tax, 0) else 0 end as contained_tax,
             o.shipping_amount - coalesce(b.shipping, 0) as shipping, coalesce(b.allowance, 0) as allowance,
             coalesce(b.allowance_tax, 0) as allowance_tax, coalesce(b.pending, 0) as pending, coalesce(v.amount, 0) as vendors
      from orders o
      left join order_refunds b on b.order_id = o.id
      left join (select s.order_id, sum(s.amount) as amount from vendor_shares s group by s.order_id) v on v.order_id = o.id) l $$),
  -- where the money of each order should be, beside where it is by the postings: where these differ
  (122, 'order_money', $$
    select coalesce(l.id, b.order_id) as order_id, l.account_id, e.account, coalesce(e.expected, 0) as expected, coalesce(e.found, 0) as found
    from order_left l
    full join order_booked b on b.order_id = l.id
    cross join lateral (values
      ('order_escrow', l.escrow, b.escrow),
      ('receivable', l.receivable, b.receivable),
      ('refunds_payable', l.payable, b.payable),
      ('revenue', l.revenue, b.revenue),
      ('vendor_payable', l.vendors, b.vendors),
      ('tax_payable', l.tax, b.tax),
      ('shipping_income', l.shipping, b.shipping),
      ('discounts', l.discounts, b.discounts)) e (account, expected, found)
    where (coalesce(l.escrow, 0), coalesce(l.receivable, 0), coalesce(l.payable, 0), coalesce(l.revenue, 0), coalesce(l.vendors, 0), coalesce(l.tax, 0), coalesce(l.shipping, 0), coalesce(l.discounts, 0))
          <> (coalesce(b.escrow, 0), coalesce(b.receivable, 0), coalesce(b.payable, 0), coalesce(b.revenue, 0), coalesce(b.vendors, 0), coalesce(b.tax, 0), coalesce(b.shipping, 0), coalesce(b.discounts, 0))
      and coalesce(e.expected, 0) <> coalesce(e.found, 0)
      -- of what is no order: receivable and income are those of free invoices
      and (coalesce(l.id, b.order_id) is not null or e.account in ('order_escrow', 'refunds_payable')) $$),
  (130, 'payments_given', 'select payment_id, sum(allocated_amount) as amount from payment_allocations group by payment_id'),
  (131, 'invoices_taken', 'select invoice_id, sum(allocated_amount) as amount from payment_allocations group by invoice_id'),
  (132, 'debts_recomputed', $$
    select coalesce(i.account_id, p.account_id) as account_id, coalesce(i.amount, 0) as invoiced, coalesce(p.allocated, 0) as allocated, coalesce(p.unapplied, 0) as unapplied
    from (select n.account_id, sum(n.amount) as amount from invoices n group by n.account_id) i
    full join (
      select n.account_id, sum(coalesce(g.amount, 0)) as allocated,
             sum(case n.status when 'captured' then n.unapplied_amount + n.allocated_amount - coalesce(g.amount, 0) else 0 end) as unapplied
      from payments n left join payments_given g on g.payment_id = n.id
      group by n.account_id) p on p.account_id = i.account_id $$),
  (140, 'lines_refunded', $$
    select l.order_id, l.line_number, sum(l.quantity)::bigint as quantity, sum(l.unshipped_quantity) as unshipped, sum(l.restocked_quantity) as restocked,
           row(sum(l.goods_amount), sum(l.discount_amount), sum(l.tax_amount), sum(l.total_amount), sum(l.base_amount), sum(l.vendor_amount))::ledger.line_part as part
    from refund_lines l group by l.order_id, l.line_number $$),
  (141, 'lines_returned', 'select order_id, line_number, sum(received_quantity) as received, sum(refunded_quantity) as refunded from return_lines group by order_id, line_number'),
  (150, 'units_sold', $$
    select order_id, variant_id, -sum(quantity) as quantity from order_movements
    where reason in ('order_placed', 'order_edited', 'backorder_filled') group by order_id, variant_id $$)
on conflict (name) do update set position = excluded.position, whole = excluded.whole, scoped = excluded.scoped;
