-- orders and money; processing and success are of a day, because an hour of a small shop has too few orders
insert into ledger.kpi_metrics (name, unit, direction, description, query) values
  ('debt_drift_ppm', 'ppm', 'lower', 'What the debt in the cache differs by from the debt by invoices and allocations, in the last drift run (source 002, E-B5). details: {run_id, at, status, old_flags_ppm}.', $$
    select 'debt_drift_ppm', c.diff_ratio_ppm, jsonb_build_object('run_id', c.id, 'at', c.created_at, 'status', c.status, 'old_flags_ppm', f.diff_ratio_ppm)
    from (select r.* from public.reconciliation_runs r where r.check_code = 'debt_cache' and r.started_at <= $2 + interval '5 minutes' order by r.started_at desc, r.id desc limit 1) c
    left join (select r.* from public.reconciliation_runs r where r.check_code = 'old_flags' and r.started_at <= $2 + interval '5 minutes' order by r.started_at desc, r.id desc limit 1) f on true
  $$),
  ('partial_allocation_ratio_ppm', 'ppm', 'lower', 'Invoices paid in part, among those that anything is allocated to (source 002, E-B5). details: {partial, paid, unpaid}, of invoices that claim something.', $$
    select 'partial_allocation_ratio_ppm', b.partial * 1000000 / nullif(b.partial + b.paid, 0), to_jsonb(b)
    from (select count(*) filter (where c.status_cached = 'partial') as partial, count(*) filter (where c.status_cached = 'paid') as paid,
                 count(*) filter (where c.status_cached = 'unpaid') as unpaid
          from public.invoice_balance_cache c where c.amount > 0) b
  $$),
  ('orders_open', 'count', null, 'Orders that have not come to an end. details: {status: orders}.', $$
    with orders as materialized (
      select o.status, o.currency, count(*) as orders, coalesce(sum(-o.outstanding_amount) filter (where o.outstanding_amount < 0), 0) as surplus
      from public.orders o group by o.status, o.currency),
    held as (
      select currency, sum(h.unapplied) as unapplied_amount, sum(h.surplus) as surplus_amount
      from (select o.currency, 0 as unapplied, o.surplus from orders o where o.surplus > 0
            union all
            select p.currency, p.unapplied_amount, 0 from public.payments p where p.unapplied_amount > 0) h
      group by currency)
    select 'orders_open', coalesce(sum(s.orders) filter (where s.status not in ('delivered', 'rejected', 'cancelled', 'refunded')), 0),
           coalesce(jsonb_object_agg(s.status, s.orders), '{}')
    from (select o.status, sum(o.orders) as orders from orders o group by o.status) s
    union all
    select 'overpayment_buffer', coalesce(sum(h.unapplied_amount + h.surplus_amount) filter (where h.currency = ledger.setting_text('default_currency')), 0),
           coalesce(jsonb_object_agg(h.currency, to_jsonb(h) - 'currency'), '{}')
    from held h
  $$),
  ('processing_time_p95_s', 's', 'lower', 'Nineteen of twenty orders delivered in the last day took at most this from placing to delivery. details: {orders}.', $$
    with ended as (
      select o.status, max(t.created_at) - o.created_at as took
      from public.transactions t
      join public.orders o on o.id = t.order_id
      where t.id >= ledger.first_id_at($2, '-1 day -1 minute') and t.created_at >= $2 - interval '1 day' and t.created_at < $2
        -- part of a delivered order may be refunded long after
        and case o.status when 'delivered' then t.type = 'order_status_changed' when 'rejected' then t.type = 'order_status_changed'
                          when 'cancelled' then t.type = 'order_cancelled' when 'refunded' then t.type = 'order_refunded' end
      group by o.id, o.status, o.created_at),
    figures as (
      select count(*) filter (where e.status = 'delivered') as delivered, count(*) as orders,
             jsonb_build_object('delivered', count(*) filter (where e.status = 'delivered'), 'rejected', count(*) filter (where e.status = 'rejected'),
                                'cancelled', count(*) filter (where e.status = 'cancelled'), 'refunded', count(*) filter (where e.status = 'refunded')) as by_status,
             percentile_disc(0.5) within group (order by extract(epoch from e.took)::bigint) filter (where e.status = 'delivered') as p50,
             percentile_disc(0.95) within group (order by extract(epoch from e.took)::bigint) filter (where e.status = 'delivered') as p95
      from ended e)
    select m.metric, m.value, m.details
    from figures f
    cross join lateral (values
      ('processing_time_p95_s', f.p95, jsonb_build_object('orders', f.delivered)),
      ('processing_time_p50_s', f.p50, jsonb_build_object('orders', f.delivered)),
      ('success_rate_ppm', f.delivered * 1000000 / nullif(f.orders, 0), f.by_status)) m (metric, value, details)
  $$),
  ('payments_to_review', 'count', 'lower', 'Receipts of transfers that wait for finance. details: {late, oldest_s}.', $$
    select 'payments_to_review', count(*), jsonb_build_object(
      'late', count(*) filter (where r.submitted_at < $2 - make_interval(hours => ledger.setting_text('receipt_review_hours')::int)),
      'oldest_s', coalesce(greatest(extract(epoch from $2 - min(r.submitted_at)), 0)::bigint, 0))
    from public.payment_receipts r where r.status = 'submitted'
  $$),
  ('receivables_overdue', 'minor', 'lower', 'What is left of invoices whose time has passed, in the shop''s currency. details: {currency: {amount, invoices}}.', $$
    select 'receivables_overdue', coalesce(sum(o.amount) filter (where o.currency = ledger.setting_text('default_currency')), 0),
           coalesce(jsonb_object_agg(o.currency, to_jsonb(o) - 'currency'), '{}')
    from (select i.currency, sum(b.remaining_amount) as amount, count(*) as invoices
          from public.invoices i
          join public.invoice_balance_cache b on b.account_id = i.account_id and b.invoice_id = i.id
          where i.amount > 0 and i.due_at < $2 and b.remaining_amount > 0
          group by i.currency) o
  $$),
  ('wallet_liabilities', 'minor', null, 'What customers have in their wallets or have asked to be paid out, in the shop''s currency. details: {currency: {available, pending, overdrawn}}: balances above zero, asked for, and below zero, as amounts.', $$
    select 'wallet_liabilities', coalesce(sum(w.available + w.pending) filter (where w.currency = ledger.setting_text('default_currency')), 0),
           coalesce(jsonb_object_agg(w.currency, to_jsonb(w) - 'currency'), '{}')
    from (select a.currency, coalesce(sum(a.available_balance) filter (where a.available_balance > 0), 0) as available,
                 sum(a.total_pending_withdrawals) as pending, coalesce(-sum(a.available_balance) filter (where a.available_balance < 0), 0) as overdrawn
          from public.accounts a group by a.currency) w
  $$)
on conflict (name) do update set
  part_of = excluded.part_of, unit = excluded.unit, direction = excluded.direction, description = excluded.description, query = excluded.query;

-- answered by the query of another
insert into ledger.kpi_metrics (name, part_of, unit, direction, description) values
  ('overpayment_buffer', 'orders_open', 'minor', null, 'Money of customers that pays for nothing yet, in the shop''s currency: payments that are not allocated, and what orders hold beyond their cost. details: {currency: {unapplied_amount, surplus_amount}}.'),
  ('processing_time_p50_s', 'processing_time_p95_s', 's', 'lower', 'Half of the orders delivered in the last day took at most this from placing to delivery. details: {orders}.'),
  ('success_rate_ppm', 'processing_time_p95_s', 'ppm', 'higher', 'Delivered orders, among those that came to an end in the last day, by what they are now. details: {delivered, rejected, cancelled, refunded}.')
on conflict (name) do update set
  part_of = excluded.part_of, unit = excluded.unit, direction = excluded.direction, description = excluded.description, query = excluded.query;
