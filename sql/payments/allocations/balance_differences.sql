/*
 * Where a kept sum differs from what it is the sum of: a payment's allocated_amount, an invoice's row of
 * invoice_balance_cache, an account's row of account_debt_cache. Of one account or of all, read in
 * one statement and so in one snapshot. Minor units.
 */
create function ledger.balance_differences(p_account_id uuid default null)
returns table (account_id uuid, kind text, subject_id uuid, cached jsonb, recomputed jsonb)
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  return query
    with given as (
      select l.payment_id, l.invoice_id, l.allocated_amount as amount
      from public.payment_allocations l
      where p_account_id is null or l.account_id = p_account_id),
    by_payment as (select g.payment_id, sum(g.amount) as amount from given g group by g.payment_id),
    by_invoice as (select g.invoice_id, sum(g.amount) as amount from given g group by g.invoice_id)
    select p.account_id, 'payment', p.id, jsonb_build_object('allocated_amount', p.allocated_amount),
           jsonb_build_object('allocated_amount', coalesce(g.amount, 0))
    from public.payments p
    left join by_payment g on g.payment_id = p.id
    where (p_account_id is null or p.account_id = p_account_id) and p.allocated_amount <> coalesce(g.amount, 0)
    union all
    select i.account_id, 'invoice', i.id,
           jsonb_build_object('amount', b.amount, 'allocated_total', b.allocated_total)
             || case when b.account_id <> i.account_id then jsonb_build_object('account_id', b.account_id) else '{}' end,
           jsonb_build_object('amount', i.amount, 'allocated_total', coalesce(g.amount, 0))
             || case when b.account_id <> i.account_id then jsonb_build_object('account_id', i.account_id) else '{}' end
    from public.invoices i
    left join public.invoice_balance_cache b on b.invoice_id = i.id
    left join by_invoice g on g.invoice_id = i.id
    where (p_account_id is null or i.account_id = p_account_id) and i.kind = 'invoice'
      and (b.account_id, b.amount, b.allocated_total) is distinct from (i.account_id, i.amount, coalesce(g.amount, 0)::bigint)
    union all
    select coalesce(r.account_id, c.account_id), 'account', coalesce(r.account_id, c.account_id),
           ledger.debt_figures(coalesce(c.invoiced_amount, 0), coalesce(c.allocated_amount, 0), coalesce(c.unapplied_amount, 0)),
           ledger.debt_figures(coalesce(r.invoiced_amount, 0), coalesce(r.allocated_amount, 0), coalesce(r.unapplied_amount, 0))
    from (select d.* from ledger.recomputed_debts(p_account_id) d) r
    full join (select n.* from public.account_debt_cache n where p_account_id is null or n.account_id = p_account_id) c on c.account_id = r.account_id
    where (coalesce(c.invoiced_amount, 0), coalesce(c.allocated_amount, 0), coalesce(c.unapplied_amount, 0))
          <> (coalesce(r.invoiced_amount, 0), coalesce(r.allocated_amount, 0), coalesce(r.unapplied_amount, 0));
end $$;
comment on function ledger.balance_differences(uuid) is
  'Kept sums of payments, invoices and accounts that differ from their rows: kind (payment, invoice, account) and subject_id say which, cached and recomputed what.';

/*
 * Brings the kept sums of a locked account to what they are sums of. What a payment has over, and what is
 * left of an invoice, follow by themselves. The rows of allocations are the truth and stay.
 */
create function ledger.mend_balances(p_account_id uuid)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_debt record;
begin
  update public.payments p set allocated_amount = (d.recomputed ->> 'allocated_amount')::bigint, updated_at = clock_timestamp()
  from ledger.balance_differences(p_account_id) d
  where d.kind = 'payment' and p.account_id = p_account_id and p.id = d.subject_id;
  insert into public.invoice_balance_cache as b (invoice_id, account_id, amount, allocated_total)
  select d.subject_id, p_account_id, (d.recomputed ->> 'amount')::bigint, (d.recomputed ->> 'allocated_total')::bigint
  from ledger.balance_differences(p_account_id) d
  where d.kind = 'invoice'
  on conflict (invoice_id) do update set
    account_id = excluded.account_id,
    amount = excluded.amount,
    allocated_total = excluded.allocated_total,
    version = b.version + 1,
    updated_at = clock_timestamp();
  select d.* into v_debt from ledger.recomputed_debts(p_account_id) d;
  insert into public.account_debt_cache as c (account_id, invoiced_amount, allocated_amount, unapplied_amount)
  values (p_account_id, v_debt.invoiced_amount, v_debt.allocated_amount, v_debt.unapplied_amount)
  on conflict (account_id) do update set
    invoiced_amount = excluded.invoiced_amount, allocated_amount = excluded.allocated_amount, unapplied_amount = excluded.unapplied_amount,
    version = c.version + 1, updated_at = clock_timestamp();
end $$;
comment on function ledger.mend_balances(uuid) is 'Sets the kept sums of a locked account''s payments, invoices and debt to what their rows say.';
