-- what payments say, beside the orders and invoices they pay, their transactions and their postings
insert into public.integrity_checks (family, code, severity, repair, proves, query) values
  ('payments', 'paid_from_outside_equals_payments', 'critical', 'order_money', 'What was paid for each order from outside is what payments and allocations brought it.', $$
    select o.id, o.account_id, o.paid_amount - o.wallet_amount, coalesce(a.amount, 0), coalesce(a.amount, 0) - (o.paid_amount - o.wallet_amount)
    from orders o
    left join (
      select n.order_id, sum(n.amount) as amount
      from (select p.order_id, p.applied_amount as amount from order_payments p where p.status = 'captured' and p.applied_amount > 0
            union all
            select l.order_id, l.allocated_amount from order_allocations l) n
      group by n.order_id) a on a.order_id = o.id
    where o.paid_amount - o.wallet_amount <> coalesce(a.amount, 0)
  $$),
  ('payments', 'allocated_equals_allocations', 'critical', 'balance_caches', 'What a payment says it gave is the sum of its allocations.', $$
    select coalesce(p.id, a.payment_id), p.account_id, p.allocated_amount, coalesce(a.amount, 0), coalesce(a.amount, 0) - coalesce(p.allocated_amount, 0)
    from payments p full join payments_given a on a.payment_id = p.id
    where p.allocated_amount is distinct from coalesce(a.amount, 0)
  $$),
  ('payments', 'payment_equals_its_transactions', 'critical', null, 'Of each payment the bank and the wallet have by its transactions what it says.', $$
    select p.id, p.account_id, format('%s/%s', w.banked, w.credited), format('%s/%s', coalesce(m.banked, 0), coalesce(m.credited, 0)),
           abs(coalesce(m.banked, 0) - w.banked) + abs(coalesce(m.credited, 0) - w.credited)
    from payments p
    cross join lateral (select case p.status when 'captured' then p.amount - p.charged_back_amount else 0 end as banked,
                               case p.status when 'captured' then p.credit_amount - p.reclaimed_amount else 0 end as credited) w
    left join (
      select t.reference_id as payment_id, sum(t.amount) as credited, sum(b.banked) as banked
      from transactions t
      left join (select n.transaction_id, sum(case 'bank' when n.debit_account then n.amount else -n.amount end) as banked
                 from postings n where 'bank' in (n.debit_account, n.credit_account) group by n.transaction_id) b on b.transaction_id = t.id
      where t.type in ('payment_recorded', 'payment_imported', 'payment_voided', 'payment_released', 'payment_charged_back')
      group by t.reference_id) m on m.payment_id = p.id
    where (w.banked, w.credited) <> (coalesce(m.banked, 0), coalesce(m.credited, 0))
  $$),
  ('payments', 'unapplied_payments_equal_remainders', 'critical', 'balance_caches', 'What is booked as not applied is what the payments of each account have over.', $$
    select coalesce(u.account_id, b.account_id), coalesce(u.account_id, b.account_id), coalesce(u.amount, 0), coalesce(b.balance, 0),
           coalesce(b.balance, 0) - coalesce(u.amount, 0)
    from (select p.account_id, sum(p.unapplied_amount) as amount from payments p where p.unapplied_amount > 0 group by p.account_id) u
    full join (select p.account_id, sum(case p.credit_account when 'unapplied_payments' then p.amount else -p.amount end) as balance
               from postings p
               where 'unapplied_payments' in (p.debit_account, p.credit_account)
               group by p.account_id) b on b.account_id = u.account_id
    where coalesce(u.amount, 0) <> coalesce(b.balance, 0)
  $$),
  ('payments', 'payment_refers_to_what_is_there', 'critical', null, 'Each payment is of an account of its currency, and its order of that account.', $$
    select p.id, p.account_id, 'an account of its currency, an order of that account', format('%s %s %s', p.account_id, p.currency, p.order_id), null
    from payments p
    left join accounts a on a.id = p.account_id and a.currency = p.currency
    left join orders_of_accounts o on o.id = p.order_id and o.account_id = p.account_id and o.currency = p.currency
    where a.id is null or (p.order_id is not null and o.id is null)
  $$)
on conflict (code) do update set
  family = excluded.family, severity = excluded.severity, proves = excluded.proves, query = excluded.query, repair = excluded.repair, scopes = excluded.scopes;
