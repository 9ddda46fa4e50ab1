/* What payments say, beside the orders they were applied to, their transactions and their postings. */
create function ledger.differences_of_payments()
returns table (check_code text, subject text, expected text, found text)
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  with applied as (
    select p.order_id, sum(p.applied_amount) as amount
    from public.payments p
    where p.status = 'captured'
    group by p.order_id),
  moved as (
    select t.reference_id as payment_id, sum(t.amount) as credited,
           sum((select sum(case 'bank' when p.debit_account then p.amount when p.credit_account then -p.amount else 0 end)
                from public.postings p where p.transaction_id = t.id)) as banked
    from public.transactions t
    where t.type in ('payment_recorded', 'payment_voided')
    group by t.reference_id)
  select 'paid_from_outside_equals_payments', o.id::text, (o.paid_amount - o.wallet_amount)::text, coalesce(a.amount, 0)::text
  from public.orders o left join applied a on a.order_id = o.id
  where o.paid_amount - o.wallet_amount <> coalesce(a.amount, 0)
  union all
  select 'payment_equals_its_transactions', p.id::text, format('%s/%s', w.banked, w.credited), format('%s/%s', coalesce(m.banked, 0), coalesce(m.credited, 0))
  from public.payments p
  cross join lateral (select case p.status when 'captured' then p.amount else 0 end as banked,
                             case p.status when 'captured' then p.credit_amount else 0 end as credited) w
  left join moved m on m.payment_id = p.id
  where (w.banked, w.credited) <> (coalesce(m.banked, 0), coalesce(m.credited, 0))
  union all
  select 'payment_refers_to_what_is_there', p.id::text, 'an order of its account and currency', format('%s %s', p.account_id, p.currency)
  from public.payments p
  left join public.orders o on o.id = p.order_id and o.account_id = p.account_id and o.currency = p.currency
  where o.id is null;
$$;
comment on function ledger.differences_of_payments() is 'Payments that differ from their orders, transactions or postings.';
