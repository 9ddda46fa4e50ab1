-- what an account says, beside its transactions, its wallet in the postings, its events, its withdrawals, its commissions
insert into public.integrity_checks (family, code, severity, repair, proves, query) values
  ('accounts', 'account_equals_transactions', 'critical', 'account_totals', 'The balance of each account is the sum of its transactions.', $$
    select a.id, a.id, a.available_balance, coalesce(t.amount, 0), coalesce(t.amount, 0) - a.available_balance
    from accounts a left join account_transactions t on t.account_id = a.id
    where a.available_balance <> coalesce(t.amount, 0)
  $$),
  ('accounts', 'account_equals_last_transaction', 'critical', 'account_totals', 'The balance of each account is what its last transaction left.', $$
    select a.id, a.id, a.available_balance, l.balance_after, l.balance_after - a.available_balance
    from touched_accounts a
    cross join lateral (select t.balance_after from public.transactions t where t.account_id = a.id order by t.account_version desc limit 1) l
    where a.available_balance <> l.balance_after
  $$),
  ('accounts', 'account_version_counts_transactions', 'critical', 'account_totals', 'The version of each account counts its transactions without a gap.', $$
    select a.id, a.id, a.version, coalesce(t.transactions, 0), null
    from accounts a left join account_transactions t on t.account_id = a.id
    where a.version <> coalesce(t.transactions, 0) or a.version <> coalesce(t.last_version, 0)
  $$),
  ('accounts', 'account_equals_wallet_postings', 'critical', 'account_totals', 'The balance of each account is what the double entry has in its wallet.', $$
    select a.id, a.id, a.available_balance, coalesce(w.wallet, 0), coalesce(w.wallet, 0) - a.available_balance
    from accounts a left join account_wallets w on w.account_id = a.id
    where a.available_balance <> coalesce(w.wallet, 0)
  $$),
  ('accounts', 'withdrawals_payable_equals_pending', 'critical', 'account_totals', 'What waits to be paid out is booked as payable, and what was paid out is not any more.', $$
    select a.id, a.id, a.total_pending_withdrawals, coalesce(w.payable, 0), coalesce(w.payable, 0) - a.total_pending_withdrawals
    from accounts a left join account_wallets w on w.account_id = a.id
    where a.total_pending_withdrawals <> coalesce(w.payable, 0)
  $$),
  ('accounts', 'account_totals_replay_from_events', 'critical', 'account_totals', 'The four totals of each account follow from its events alone.', $$
    select a.id, a.id, format('%s/%s/%s/%s', a.total_earned, a.total_withdrawn, a.total_pending_withdrawals, a.total_orders),
           format('%s/%s/%s/%s', coalesce(r.earned, 0), coalesce(r.withdrawn, 0), coalesce(r.pending, 0), coalesce(r.orders, 0)),
           abs(a.total_earned - coalesce(r.earned, 0)) + abs(a.total_withdrawn - coalesce(r.withdrawn, 0))
             + abs(a.total_pending_withdrawals - coalesce(r.pending, 0)) + abs(a.total_orders - coalesce(r.orders, 0))
    from accounts a
    left join (
      select e.account_id, sum((e.effect ->> 'total_earned')::bigint) as earned, sum((e.effect ->> 'total_withdrawn')::bigint) as withdrawn,
             sum((e.effect ->> 'total_pending_withdrawals')::bigint) as pending, sum((e.effect ->> 'total_orders')::bigint) as orders
      from (select n.account_id, n.payload -> 'effect' as effect from immutable_events n where n.payload ? 'effect') e
      group by e.account_id) r on r.account_id = a.id
    where (a.total_earned, a.total_withdrawn, a.total_pending_withdrawals, a.total_orders)
          <> (coalesce(r.earned, 0), coalesce(r.withdrawn, 0), coalesce(r.pending, 0), coalesce(r.orders, 0))
  $$),
  ('accounts', 'total_orders_equals_orders', 'critical', 'account_totals', 'What an account has spent on orders is what its orders took from the wallet and did not give back.', $$
    select a.id, a.id, a.total_orders, coalesce(o.amount, 0), coalesce(o.amount, 0) - a.total_orders
    from accounts a
    left join (select n.account_id, sum(n.wallet_amount - n.wallet_refunded_amount) as amount from orders_of_accounts n group by n.account_id) o on o.account_id = a.id
    where a.total_orders <> coalesce(o.amount, 0)
  $$),
  ('accounts', 'pending_equals_open_withdrawals', 'critical', 'account_totals', 'What an account has pending is the sum of its open withdrawals.', $$
    select a.id, a.id, a.total_pending_withdrawals, coalesce(w.amount, 0), coalesce(w.amount, 0) - a.total_pending_withdrawals
    from accounts a
    left join (select n.account_id, sum(n.amount) as amount from withdrawals n where n.status in ('requested', 'approved') group by n.account_id) w on w.account_id = a.id
    where a.total_pending_withdrawals <> coalesce(w.amount, 0)
  $$),
  ('accounts', 'commission_equals_transactions', 'critical', 'commission', 'Each commission is what was credited and taken back for it, in the account of its referrer.', $$
    select coalesce(c.id, m.reference_id), coalesce(c.account_id, m.account_id::uuid), format('%s in %s', c.commission_amount - c.clawed_back_amount, c.account_id),
           format('%s in %s', m.amount, m.account_id), coalesce(m.amount, 0) - coalesce(c.commission_amount - c.clawed_back_amount, 0)
    from referral_commissions c
    full join (select t.reference_id, sum(t.amount) as amount, min(t.account_id::text) as account_id, count(distinct t.account_id) as accounts
               from transactions t
               where t.type in ('commission_earned', 'commission_clawed_back')
               group by t.reference_id) m on m.reference_id = c.id
    where (c.commission_amount - c.clawed_back_amount, c.account_id::text, 1::bigint) is distinct from (m.amount, m.account_id, m.accounts)
  $$),
  ('accounts', 'commission_follows_its_rate', 'critical', null, 'Each commission is its rate of what the order was worth.', $$
    select c.id, c.account_id, ledger.commission_amount(c.base_amount, c.rate_bp), c.commission_amount,
           c.commission_amount - ledger.commission_amount(c.base_amount, c.rate_bp)
    from referral_commissions c
    where c.commission_amount <> ledger.commission_amount(c.base_amount, c.rate_bp)
  $$),
  ('accounts', 'posting_refers_to_what_is_there', 'critical', null, 'Each posting is in the account and currency of its transaction, between accounts of the chart.', $$
    select format('%s/%s', p.transaction_id, p.leg_number), p.account_id, 'its transaction''s account and currency, the chart',
           format('%s %s %s %s', p.account_id, p.currency, p.debit_account, p.credit_account), null
    from postings p
    left join transactions t on t.id = p.transaction_id and t.account_id = p.account_id
    left join accounts a on a.id = p.account_id and a.currency = p.currency
    left join public.chart_accounts d on d.code = p.debit_account
    left join public.chart_accounts c on c.code = p.credit_account
    where t.id is null or a.id is null or d.code is null or c.code is null
  $$)
on conflict (code) do update set
  family = excluded.family, severity = excluded.severity, proves = excluded.proves, query = excluded.query, repair = excluded.repair, scopes = excluded.scopes;

-- whose account there is not is in no account's scope
insert into public.integrity_checks (family, code, severity, scopes, repair, proves, query) values
  ('accounts', 'transaction_refers_to_what_is_there', 'critical', '{all}', null, 'Each transaction is of an account that there is.', $$
    select t.id, t.account_id, 'an account', t.account_id, t.amount
    from transactions t left join accounts a on a.id = t.account_id
    where a.id is null
  $$)
on conflict (code) do update set
  family = excluded.family, severity = excluded.severity, proves = excluded.proves, query = excluded.query, repair = excluded.repair, scopes = excluded.scopes;
