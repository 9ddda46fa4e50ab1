-- transactions, postings and movements beside each other, row by row
insert into public.integrity_checks (family, code, severity, scopes, repair, proves, query) values
  ('statements', 'transaction_equals_its_wallet_postings', 'critical', '{all,changed,account}', null, 'Each transaction changes the balance by what its postings bring to the wallet and take from it.', $$
    select t.id, t.account_id, t.amount, coalesce(w.amount, 0), coalesce(w.amount, 0) - t.amount
    from transactions t
    left join (select p.transaction_id, sum(case p.credit_account when 'wallet' then p.amount else -p.amount end) as amount
               from postings p where 'wallet' in (p.debit_account, p.credit_account) group by p.transaction_id) w on w.transaction_id = t.id
    where t.amount <> coalesce(w.amount, 0)
  $$),
  ('statements', 'statement_adds_up', 'critical', '{all,changed,account}', null, 'Each transaction leaves the balance before it and its own amount.', $$
    select s.id, s.account_id, s.balance_before + s.amount, s.balance_after, s.balance_after - s.balance_before - s.amount
    from (select t.id, t.account_id, t.amount, t.balance_after,
                 lag(t.balance_after, 1, 0::bigint) over (partition by t.account_id order by t.account_version) as balance_before
          from transactions t) s
    where s.balance_after <> s.balance_before + s.amount
  $$),
  ('statements', 'money_from_outside_is_in_the_bank', 'critical', '{all,changed,account}', null, 'Deposits come from the bank and withdrawals go there.', $$
    select format('%s/%s', p.transaction_id, p.leg_number), p.account_id, format('%s to %s', s.debit_account, s.credit_account),
           format('%s to %s', p.debit_account, p.credit_account), p.amount
    from transactions t
    join (values ('deposit', 'bank', 'wallet'), ('withdrawal_requested', 'wallet', 'withdrawals_payable'), ('withdrawal_paid', 'withdrawals_payable', 'bank'),
                 ('withdrawal_rejected', 'withdrawals_payable', 'wallet'), ('withdrawal_cancelled', 'withdrawals_payable', 'wallet'))
      s (type, debit_account, credit_account) on s.type = t.type
    join postings p on p.transaction_id = t.id
    where (p.debit_account, p.credit_account) <> (s.debit_account, s.credit_account)
  $$),
  ('statements', 'paid_withdrawals_equal_postings', 'critical', '{all,changed,account}', null, 'What withdrawals say was paid out has left the bank.', $$
    select a.id, a.id, coalesce(w.amount, 0), coalesce(b.amount, 0), coalesce(b.amount, 0) - coalesce(w.amount, 0)
    from accounts a
    left join (select n.account_id, sum(n.amount) as amount from withdrawals n where n.status = 'paid' group by n.account_id) w on w.account_id = a.id
    left join (select p.account_id, sum(p.amount) as amount
               from postings p where p.debit_account = 'withdrawals_payable' and p.credit_account = 'bank' group by p.account_id) b on b.account_id = a.id
    where coalesce(w.amount, 0) <> coalesce(b.amount, 0)
  $$),
  ('statements', 'movements_add_up', 'critical', '{all,changed}', null, 'Each movement of stock leaves what was there before it and its own quantity.', $$
    select format('%s/%s/%s', s.variant_id, s.slot, s.slot_version), null, s.before + s.quantity, s.on_hand_after, s.on_hand_after - s.before - s.quantity
    from (select m.*, lag(m.on_hand_after, 1, 0::bigint) over (partition by m.variant_id, m.slot order by m.slot_version) as before from stock_movements m) s
    where s.on_hand_after <> s.before + s.quantity
  $$),
  -- every posting has both sides, so what is not zero is in an account that the chart has not
  ('statements', 'trial_balance_is_zero', 'critical', '{all}', null, 'Debits equal credits in every currency, over the accounts of the chart.', $$
    select l.currency, null, 0, sum(l.amount), sum(l.amount)
    from (select p.currency, p.debit_account as account, sum(p.amount) as amount from postings p group by p.currency, p.debit_account
          union all
          select p.currency, p.credit_account, -sum(p.amount) from postings p group by p.currency, p.credit_account) l
    join public.chart_accounts c on c.code = l.account
    group by l.currency
    having sum(l.amount) <> 0
  $$),
  ('statements', 'trial_balance_equals_balances', 'critical', '{all}', null, 'In every currency the wallets, the pending withdrawals and the unapplied payments are what the double entry has.', $$
    select format('%s %s', coalesce(b.currency, k.currency), coalesce(b.account, k.account)), null, coalesce(k.amount, 0), coalesce(b.amount, 0),
           coalesce(b.amount, 0) - coalesce(k.amount, 0)
    from (select l.currency, l.account, sum(l.amount) as amount
          from (select p.currency, p.credit_account as account, sum(p.amount) as amount from postings p group by p.currency, p.credit_account
                union all
                select p.currency, p.debit_account, -sum(p.amount) from postings p group by p.currency, p.debit_account) l
          where l.account in ('wallet', 'withdrawals_payable', 'unapplied_payments')
          group by l.currency, l.account) b
    full join (
      select a.currency, 'wallet' as account, sum(a.available_balance) as amount from accounts a group by a.currency
      union all
      select a.currency, 'withdrawals_payable', sum(a.total_pending_withdrawals) from accounts a group by a.currency
      union all
      select p.currency, 'unapplied_payments', sum(p.unapplied_amount) from payments p group by p.currency) k on k.currency = b.currency and k.account = b.account
    where coalesce(k.amount, 0) <> coalesce(b.amount, 0)
  $$)
on conflict (code) do update set
  family = excluded.family, severity = excluded.severity, proves = excluded.proves, query = excluded.query, repair = excluded.repair, scopes = excluded.scopes;
