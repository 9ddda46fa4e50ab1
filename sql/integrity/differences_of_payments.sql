/* What payments say, beside the orders and invoices they pay, their transactions and their postings. */
create function ledger.differences_of_payments()
returns table (check_code text, subject text, expected text, found text)
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  with applied as (
    select n.order_id, sum(n.amount) as amount
    from (select p.order_id, p.applied_amount as amount from public.payments p where p.status = 'captured' and p.applied_amount > 0
          union all
          select i.order_id, l.allocated_amount
          from public.payment_allocations l
          join public.invoices i on i.id = l.invoice_id
          where i.order_id is not null) n
    group by n.order_id),
  allocated as (
    select l.payment_id, sum(l.allocated_amount) as amount
    from public.payment_allocations l
    group by l.payment_id),
  moved as (
    select t.reference_id as payment_id, sum(t.amount) as credited,
           sum((select sum(case 'bank' when p.debit_account then p.amount when p.credit_account then -p.amount else 0 end)
                from public.postings p where p.transaction_id = t.id)) as banked
    from public.transactions t
    where t.type in ('payment_recorded', 'payment_imported', 'payment_voided', 'payment_released', 'payment_charged_back')
    group by t.reference_id),
  unapplied as (
    select p.account_id, sum(p.unapplied_amount) as amount
    from public.payments p
    where p.unapplied_amount > 0
    group by p.account_id),
  booked as (
    select p.account_id, sum(case when p.credit_account = 'unapplied_payments' then p.amount else 0 end)
                         - sum(case when p.debit_account = 'unapplied_payments' then p.amount else 0 end) as balance
    from public.postings p
    where 'unapplied_payments' in (p.debit_account, p.credit_account)
    group by p.account_id)
  select 'paid_from_outside_equals_payments', o.id::text, (o.paid_amount - o.wallet_amount)::text, coalesce(a.amount, 0)::text
  from public.orders o left join applied a on a.order_id = o.id
  where o.paid_amount - o.wallet_amount <> coalesce(a.amount, 0)
  union all
  select 'allocated_equals_allocations', coalesce(p.id, a.payment_id)::text, p.allocated_amount::text, coalesce(a.amount, 0)::text
  from public.payments p full join allocated a on a.payment_id = p.id
  where p.allocated_amount is distinct from coalesce(a.amount, 0)
  union all
  select 'payment_equals_its_transactions', p.id::text, format('%s/%s', w.banked, w.credited), format('%s/%s', coalesce(m.banked, 0), coalesce(m.credited, 0))
  from public.payments p
  cross join lateral (select case p.status when 'captured' then p.amount - p.charged_back_amount else 0 end as banked,
                             case p.status when 'captured' then p.credit_amount - p.reclaimed_amount else 0 end as credited) w
  left join moved m on m.payment_id = p.id
  where (w.banked, w.credited) <> (coalesce(m.banked, 0), coalesce(m.credited, 0))
  union all
  select 'unapplied_payments_equal_remainders', coalesce(u.account_id, b.account_id)::text, coalesce(u.amount, 0)::text, coalesce(b.balance, 0)::text
  from unapplied u full join booked b on b.account_id = u.account_id
  where coalesce(u.amount, 0) <> coalesce(b.balance, 0)
  union all
  select 'payment_refers_to_what_is_there', p.id::text, 'an account of its currency, an order of that account', format('%s %s %s', p.account_id, p.currency, p.order_id)
  from public.payments p
  left join public.accounts a on a.id = p.account_id and a.currency = p.currency
  left join public.orders o on o.id = p.order_id and o.account_id = p.account_id and o.currency = p.currency
  where a.id is null or (p.order_id is not null and o.id is null);
$$;
comment on function ledger.differences_of_payments() is 'Payments that differ from their orders, allocations, transactions or postings.';
