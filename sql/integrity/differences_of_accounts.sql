/* What an account says, beside its transactions, its wallet in the postings, its events, its withdrawals. */
create function ledger.differences_of_accounts()
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
  payable as (
    select p.account_id, sum(case when p.credit_account = 'withdrawals_payable' then p.amount else 0 end)
                         - sum(case when p.debit_account = 'withdrawals_payable' then p.amount else 0 end) as balance
    from public.postings p
    where 'withdrawals_payable' in (p.debit_account, p.credit_account)
    group by p.account_id)
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
  select 'total_orders_equals_orders', a.id::text, a.total_orders::text, coalesce(sum(o.wallet_amount - o.wallet_refunded_amount), 0)::text
  from public.accounts a left join public.orders o on o.account_id = a.id
  group by a.id, a.total_orders
  having a.total_orders <> coalesce(sum(o.wallet_amount - o.wallet_refunded_amount), 0)
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
  select 'commission_equals_transactions', coalesce(c.id, m.reference_id)::text, format('%s in %s', c.commission_amount - c.clawed_back_amount, c.account_id),
         format('%s in %s', m.amount, m.account_id)
  from public.referral_commissions c
  full join (select t.reference_id, sum(t.amount) as amount, string_agg(distinct t.account_id::text, ', ') as account_id
             from public.transactions t
             where t.type in ('commission_earned', 'commission_clawed_back')
             group by t.reference_id) m on m.reference_id = c.id
  where (c.commission_amount - c.clawed_back_amount, c.account_id::text) is distinct from (m.amount, m.account_id)
  union all
  select 'commission_follows_its_rate', c.id::text, ledger.commission_amount(c.base_amount, c.rate_bp)::text, c.commission_amount::text
  from public.referral_commissions c
  where c.commission_amount <> ledger.commission_amount(c.base_amount, c.rate_bp)
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
  where t.id is null or a.id is null or d.code is null or c.code is null;
$$;
comment on function ledger.differences_of_accounts() is 'Accounts that differ from their transactions, postings, events, commissions or withdrawals.';
