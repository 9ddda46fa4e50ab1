/* What vendors earned, beside the lines it follows from, their owners' transactions and what is payable. */
create function ledger.differences_of_vendors()
returns table (check_code text, subject text, expected text, found text)
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  with shares as (
    select i.order_id, i.vendor_id, sum(whole.vendor_amount - back.vendor_amount) as share_amount
    from public.order_items i
    join public.orders o on o.id = i.order_id
    left join (select r.order_id, r.line_number, sum(r.quantity)::bigint as quantity
               from public.refund_lines r
               group by r.order_id, r.line_number) r on r.order_id = i.order_id and r.line_number = i.line_number
    cross join lateral ledger.line_part(i, o.prices_include_tax, i.quantity) whole
    cross join lateral ledger.line_part(i, o.prices_include_tax, coalesce(r.quantity, 0)) back
    where i.vendor_id is not null
      and (o.status = 'delivered' or exists (select from public.vendor_earnings e where e.order_id = o.id))
    group by i.order_id, i.vendor_id),
  moved as (
    select t.reference_id, sum(t.amount) as amount, min(t.account_id::text) as account_id, count(distinct t.account_id) as accounts
    from public.transactions t
    where t.type in ('vendor_earned', 'vendor_clawed_back')
    group by t.reference_id),
  payable as (
    select p.account_id, sum(case when p.credit_account = 'vendor_payable' then p.amount else 0 end)
                         - sum(case when p.debit_account = 'vendor_payable' then p.amount else 0 end) as balance
    from public.postings p
    where 'vendor_payable' in (p.debit_account, p.credit_account)
    group by p.account_id),
  -- owed to vendors by the orders of an account, less what its owner was given as a vendor
  owed as (
    select s.account_id, sum(s.amount) as amount
    from (select o.account_id, e.share_amount - e.clawed_back_amount as amount
          from public.vendor_earnings e join public.orders o on o.id = e.order_id
          union all
          select e.account_id, e.clawed_back_amount - e.share_amount
          from public.vendor_earnings e where e.account_id is not null) s
    group by s.account_id)
  select 'vendor_earnings_equal_lines', format('%s/%s', coalesce(s.order_id, e.order_id), coalesce(s.vendor_id, e.vendor_id)),
         coalesce(s.share_amount, 0)::text, coalesce(e.share_amount - e.clawed_back_amount, 0)::text
  from shares s
  full join public.vendor_earnings e on e.order_id = s.order_id and e.vendor_id = s.vendor_id
  where coalesce(s.share_amount, 0) <> coalesce(e.share_amount - e.clawed_back_amount, 0)
  union all
  select 'vendor_earnings_equal_transactions', coalesce(e.id, m.reference_id)::text,
         format('%s in %s', case when e.account_id is not null then e.share_amount - e.clawed_back_amount end, e.account_id),
         format('%s in %s', m.amount, m.account_id)
  from (select * from public.vendor_earnings where account_id is not null) e
  full join moved m on m.reference_id = e.id
  where e.id is null or m.amount is distinct from e.share_amount - e.clawed_back_amount
     or m.account_id <> e.account_id::text or m.accounts <> 1
  union all
  select 'vendor_payable_equals_shares', coalesce(p.account_id, o.account_id)::text, coalesce(o.amount, 0)::text, coalesce(p.balance, 0)::text
  from payable p
  full join owed o on o.account_id = p.account_id
  where coalesce(p.balance, 0) <> coalesce(o.amount, 0)
  union all
  -- the order is in its customer's books, so no foreign key says this
  select 'vendor_earning_refers_to_what_is_there', e.id::text, 'an order of the same currency', format('%s %s', e.order_id, e.currency)
  from public.vendor_earnings e
  left join public.orders o on o.id = e.order_id and o.currency = e.currency
  where o.id is null;
$$;
comment on function ledger.differences_of_vendors() is 'Differences between what vendors earned, the orders it comes from, and what is payable.';
