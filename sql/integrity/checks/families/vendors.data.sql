-- what vendors earned, beside the lines it follows from, their owners' transactions and what is payable
insert into public.integrity_checks (family, code, severity, repair, proves, query) values
  ('vendors', 'vendor_earnings_equal_lines', 'critical', null, 'What each vendor earned of a delivered order is their share of its lines that was not taken back.', $$
    select format('%s/%s', coalesce(s.order_id, e.order_id), coalesce(s.vendor_id, e.vendor_id)), e.account_id,
           coalesce(s.share_amount, 0), coalesce(e.share_amount - e.clawed_back_amount, 0),
           coalesce(e.share_amount - e.clawed_back_amount, 0) - coalesce(s.share_amount, 0)
    from (select n.order_id, n.vendor_id, sum(n.amount) as share_amount
          from vendor_shares n
          join orders o on o.id = n.order_id
          where n.vendor_id is not null and (o.status = 'delivered' or o.id in (select w.order_id from order_earnings w))
          group by n.order_id, n.vendor_id) s
    full join order_earnings e on e.order_id = s.order_id and e.vendor_id = s.vendor_id
    where coalesce(s.share_amount, 0) <> coalesce(e.share_amount - e.clawed_back_amount, 0)
  $$),
  ('vendors', 'vendor_earnings_equal_transactions', 'critical', 'vendor_earning', 'What each vendor earned was credited to their account.', $$
    select coalesce(e.id, m.reference_id), coalesce(e.account_id, m.account_id::uuid),
           format('%s in %s', case when e.account_id is not null then e.share_amount - e.clawed_back_amount end, e.account_id),
           format('%s in %s', m.amount, m.account_id), coalesce(m.amount, 0) - coalesce(e.share_amount - e.clawed_back_amount, 0)
    from (select * from vendor_earnings where account_id is not null) e
    full join (select t.reference_id, sum(t.amount) as amount, min(t.account_id::text) as account_id, count(distinct t.account_id) as accounts
               from transactions t
               where t.type in ('vendor_earned', 'vendor_clawed_back')
               group by t.reference_id) m on m.reference_id = e.id
    where e.id is null or m.amount is distinct from e.share_amount - e.clawed_back_amount
       or m.account_id <> e.account_id::text or m.accounts <> 1
  $$),
  -- owed to vendors by the orders of an account, less what its owner was given as a vendor
  ('vendors', 'vendor_payable_equals_shares', 'critical', null, 'What is payable to vendors in each account is what its orders owe them, less what its owner earned as one.', $$
    select coalesce(p.account_id, w.account_id), coalesce(p.account_id, w.account_id), coalesce(w.amount, 0), coalesce(p.balance, 0),
           coalesce(p.balance, 0) - coalesce(w.amount, 0)
    from (select n.account_id, sum(case n.credit_account when 'vendor_payable' then n.amount else -n.amount end) as balance
          from postings n
          where 'vendor_payable' in (n.debit_account, n.credit_account)
          group by n.account_id) p
    full join (
      select s.account_id, sum(s.amount) as amount
      from (select o.account_id, e.share_amount - e.clawed_back_amount as amount
            from orders_of_accounts o join public.vendor_earnings e on e.order_id = o.id
            union all
            select e.account_id, e.clawed_back_amount - e.share_amount
            from vendor_earnings e where e.account_id is not null) s
      group by s.account_id) w on w.account_id = p.account_id
    where coalesce(p.balance, 0) <> coalesce(w.amount, 0)
  $$),
  -- the order is in its customer's books, so no foreign key says this
  ('vendors', 'vendor_earning_refers_to_what_is_there', 'critical', null, 'What a vendor earned is of an order in its currency.', $$
    select e.id, e.account_id, 'an order of the same currency', format('%s %s', e.order_id, e.currency), e.share_amount - e.clawed_back_amount
    from order_earnings e
    left join orders o on o.id = e.order_id and o.currency = e.currency
    where o.id is null
  $$)
on conflict (code) do update set
  family = excluded.family, severity = excluded.severity, proves = excluded.proves, query = excluded.query, repair = excluded.repair, scopes = excluded.scopes;
