/*
 * Every sum that must be right, compared from its two sides in one statement and so in one
 * snapshot. Answers the rows that differ: none means the books are in order.
 */
create function ledger.book_differences()
returns table (check_code text, subject text, expected text, found text)
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  with per_account as (
    select t.account_id, sum(t.amount) as amount, count(*) as transactions, max(t.account_version) as last_version,
           (array_agg(t.balance_after order by t.account_version desc))[1] as last_balance
    from public.transactions t
    group by t.account_id),
  wallets as (
    select p.account_id, sum(case when p.credit_account = 'wallet' then p.amount else 0 end)
                         - sum(case when p.debit_account = 'wallet' then p.amount else 0 end) as balance
    from public.postings p
    where 'wallet' in (p.debit_account, p.credit_account)
    group by p.account_id),
  replayed as (
    select e.account_id,
           coalesce(sum((e.payload #>> '{effect,total_earned}')::bigint), 0) as earned,
           coalesce(sum((e.payload #>> '{effect,total_withdrawn}')::bigint), 0) as withdrawn,
           coalesce(sum((e.payload #>> '{effect,total_pending_withdrawals}')::bigint), 0) as pending,
           coalesce(sum((e.payload #>> '{effect,total_orders}')::bigint), 0) as orders
    from public.immutable_events e
    where e.payload ? 'effect'
    group by e.account_id),
  escrow as (
    select p.currency, sum(case when p.credit_account = 'order_escrow' then p.amount else 0 end)
                       - sum(case when p.debit_account = 'order_escrow' then p.amount else 0 end) as balance
    from public.postings p
    where 'order_escrow' in (p.debit_account, p.credit_account)
    group by p.currency),
  held_orders as (
    select o.currency, sum(o.paid_amount - o.refunded_amount) as amount
    from public.orders o
    where o.status in ('pending', 'confirmed', 'processing', 'shipped', 'rejected')
    group by o.currency),
  payable as (
    select p.account_id, sum(case when p.credit_account = 'withdrawals_payable' then p.amount else 0 end)
                         - sum(case when p.debit_account = 'withdrawals_payable' then p.amount else 0 end) as balance
    from public.postings p
    where 'withdrawals_payable' in (p.debit_account, p.credit_account)
    group by p.account_id),
  item_sums as (
    select i.order_id, sum(i.quantity) as quantity, sum(i.total_price_amount) as subtotal, sum(i.discount_amount) as discount, sum(i.tax_amount) as tax
    from public.order_items i
    group by i.order_id),
  last_status as (
    select distinct on (h.order_id) h.order_id, h.status
    from public.order_status_history h
    order by h.order_id, h.event_id desc)
  select 'account_equals_transactions', a.id::text, a.available_balance::text, coalesce(t.amount, 0)::text
  from public.accounts a left join per_account t on t.account_id = a.id
  where a.available_balance <> coalesce(t.amount, 0)
  union all
  select 'account_equals_last_transaction', a.id::text, a.available_balance::text, t.last_balance::text
  from public.accounts a join per_account t on t.account_id = a.id
  where a.available_balance <> t.last_balance
  union all
  select 'account_version_counts_transactions', a.id::text, a.version::text, coalesce(t.transactions, 0)::text
  from public.accounts a left join per_account t on t.account_id = a.id
  where a.version <> coalesce(t.transactions, 0) or a.version <> coalesce(t.last_version, 0)
  union all
  select 'account_equals_wallet_postings', a.id::text, a.available_balance::text, coalesce(w.balance, 0)::text
  from public.accounts a left join wallets w on w.account_id = a.id
  where a.available_balance <> coalesce(w.balance, 0)
  union all
  select 'account_totals_replay_from_events', a.id::text,
         format('%s/%s/%s/%s', a.total_earned, a.total_withdrawn, a.total_pending_withdrawals, a.total_orders),
         format('%s/%s/%s/%s', coalesce(r.earned, 0), coalesce(r.withdrawn, 0), coalesce(r.pending, 0), coalesce(r.orders, 0))
  from public.accounts a left join replayed r on r.account_id = a.id
  where (a.total_earned, a.total_withdrawn, a.total_pending_withdrawals, a.total_orders)
        <> (coalesce(r.earned, 0), coalesce(r.withdrawn, 0), coalesce(r.pending, 0), coalesce(r.orders, 0))
  union all
  select 'total_orders_equals_orders', a.id::text, a.total_orders::text, coalesce(sum(o.wallet_amount - o.refunded_amount), 0)::text
  from public.accounts a left join public.orders o on o.account_id = a.id
  group by a.id, a.total_orders
  having a.total_orders <> coalesce(sum(o.wallet_amount - o.refunded_amount), 0)
  union all
  select 'escrow_equals_open_orders', c.code, coalesce(h.amount, 0)::text, coalesce(e.balance, 0)::text
  from public.currencies c left join escrow e on e.currency = c.code left join held_orders h on h.currency = c.code
  where coalesce(h.amount, 0) <> coalesce(e.balance, 0)
  union all
  select 'withdrawals_payable_equals_pending', a.id::text, a.total_pending_withdrawals::text, coalesce(p.balance, 0)::text
  from public.accounts a left join payable p on p.account_id = a.id
  where a.total_pending_withdrawals <> coalesce(p.balance, 0)
  union all
  select 'pending_equals_open_withdrawals', a.id::text, a.total_pending_withdrawals::text, coalesce(sum(w.amount), 0)::text
  from public.accounts a left join public.withdrawals w on w.account_id = a.id and w.status in ('requested', 'approved')
  group by a.id, a.total_pending_withdrawals
  having a.total_pending_withdrawals <> coalesce(sum(w.amount), 0)
  union all
  select 'order_totals_equal_items', o.id::text,
         format('%s/%s/%s', o.subtotal_amount, o.discount_amount, o.tax_amount),
         format('%s/%s/%s', i.subtotal, i.discount, i.tax)
  from public.orders o left join item_sums i on i.order_id = o.id
  where (o.subtotal_amount, o.discount_amount, o.tax_amount) is distinct from (i.subtotal, i.discount, i.tax)
  union all
  select 'order_paid_by_wallet_has_a_transaction', o.id::text, o.wallet_amount::text, 'no order_created transaction of that amount'
  from public.orders o
  where not exists (select from public.transactions t where t.order_id = o.id and t.type = 'order_created' and t.amount = -o.wallet_amount)
  union all
  select 'order_status_equals_history', o.id::text, o.status, coalesce(l.status, 'none')
  from public.orders o left join last_status l on l.order_id = o.id
  where o.status is distinct from l.status
  union all
  select 'stock_equals_movements', format('%s/%s', s.variant_id, s.slot), s.on_hand::text, coalesce(sum(m.quantity), 0)::text
  from public.stock_levels s left join public.stock_movements m on m.variant_id = s.variant_id and m.slot = s.slot
  group by s.variant_id, s.slot, s.on_hand, s.version
  having s.on_hand <> coalesce(sum(m.quantity), 0) or s.version <> count(m.variant_id)
  union all
  select 'sold_equals_order_movements', o.id::text, coalesce(sold.quantity, 0)::text, coalesce(moved.quantity, 0)::text
  from public.orders o
  left join item_sums sold on sold.order_id = o.id
  left join (select m.order_id, -sum(m.quantity) as quantity from public.stock_movements m
             where m.reason = 'order_placed' group by m.order_id) moved on moved.order_id = o.id
  where coalesce(sold.quantity, 0) <> coalesce(moved.quantity, 0)
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
  select 'transaction_refers_to_what_is_there', t.id::text, 'an account', t.account_id::text
  from public.transactions t
  left join public.accounts a on a.id = t.account_id
  where a.id is null
  union all
  select 'posting_refers_to_what_is_there', format('%s/%s', p.transaction_id, p.leg_number), 'its transaction''s account and currency, the chart',
         format('%s %s %s %s', p.account_id, p.currency, p.debit_account, p.credit_account)
  from public.postings p
  left join public.transactions t on t.id = p.transaction_id and t.account_id = p.account_id
  left join public.accounts a on a.id = p.account_id and a.currency = p.currency
  left join public.chart_accounts d on d.code = p.debit_account
  left join public.chart_accounts c on c.code = p.credit_account
  where t.id is null or a.id is null or d.code is null or c.code is null
  union all
  select 'movement_refers_to_what_is_there', format('%s/%s/%s', m.variant_id, m.slot, m.slot_version), 'stock of a variant', 'none'
  from public.stock_movements m
  left join public.stock_levels s on s.variant_id = m.variant_id and s.slot = m.slot
  where s.variant_id is null
  union all
  select 'variant_has_stock', v.id::text, 'a row in stock_levels', 'none'
  from public.variants v
  where not exists (select from public.stock_levels s where s.variant_id = v.id and s.slot = 0)
  union all
  select 'discount_usage_equals_redemptions', u.discount_code_id::text, u.redemptions::text, count(r.order_id)::text
  from public.discount_usage u
  left join public.discount_redemptions r on r.discount_code_id = u.discount_code_id and r.released_at is null
  group by u.discount_code_id, u.redemptions
  having u.redemptions <> count(r.order_id);
$$;
comment on function ledger.book_differences() is 'Sums that should be equal and are not; no rows when the books are in order.';

create function public.integrity_check_books()
returns table (check_code text, subject text, expected text, found text)
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform ledger.require_permission(ledger.current_actor(), 'audit.read');
  return query select * from ledger.book_differences();
end $$;
revoke execute on function public.integrity_check_books() from public, anon;
grant execute on function public.integrity_check_books() to authenticated, service_role;
comment on function public.integrity_check_books() is
  'Rows where two sides of the books differ: accounts, transactions, postings, events, orders, stock. None is good. Needs audit.read.';
