/*
 * Payments of an account that the older system called allocated (is_allocated of their rows), with the
 * invoice it named, if that is one of the account's imported invoices. Payments that somebody has
 * allocated by now, in part or whole, are left out, as are those of which somebody took back what a
 * backfill had made: a decision outweighs a flag. Of runs that were aborted no flag counts any more.
 */
create function ledger.flagged_payments(p_account_id uuid, p_run_id uuid default null)
returns table (payment_id uuid, run_id uuid, paid_at timestamptz, unapplied_amount bigint, synthetic_amount bigint, claimed_invoice_id uuid)
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  return query
    select p.id, w.run_id, p.paid_at, p.unapplied_amount, p.allocated_amount, i.id
    from public.payments p
    join public.import_rows w on w.target_id = p.id and w.state = 'applied' and w.parsed ->> 'is_allocated' = 'true'
    join public.import_runs u on u.id = w.run_id and u.state <> 'aborted'
    left join public.import_identities n on n.kind = 'invoice' and ledger.import_key(n.external_id) = ledger.import_key(w.parsed ->> 'invoice')
    left join public.invoices i on i.id = n.target_id and i.account_id = p_account_id and i.status = 'issued'
    where p.account_id = p_account_id and p.status = 'captured' and p.source = 'import' and (p_run_id is null or w.run_id = p_run_id)
      and not exists (
        select from ledger.live_allocations(p_account_id, p_payment_id => p.id) a where not a.synthetic)
      and not exists (
        select from public.payment_allocations a
        join public.payment_allocations b on b.reverses_allocation_id = a.id and not b.synthetic
        where a.payment_id = p.id and a.synthetic);
end $$;
comment on function ledger.flagged_payments(uuid, uuid) is
  'Payments of an account that were flagged as allocated and that nobody has allocated since; synthetic_amount: what a backfill has given of them. Minor units.';

/* Invoices that flags can mean: the imported ones. */
create function ledger.claiming_invoices(p_account_id uuid)
returns table (invoice_id uuid, issued_at timestamptz, remaining_amount bigint)
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  return query
    select i.id, i.issued_at, b.remaining_amount
    from public.invoices i
    join public.invoice_balance_cache b on b.account_id = i.account_id and b.invoice_id = i.id
    where i.account_id = p_account_id and i.source = 'import' and i.kind = 'invoice' and i.status = 'issued';
end $$;
comment on function ledger.claiming_invoices(uuid) is 'Imported invoices of an account and what remains of them, in minor units.';

/*
 * What a backfill allocates in an account (source 002, 16.5): each flagged payment first to the invoice
 * that its row names, as far as both go, earlier payments before later ones; then what is left of them,
 * in the order of payment, to the oldest invoices. Both lie side by side on one line of money, and where
 * they overlap is an allocation. In minor units.
 */
create function ledger.plan_backfill(p_account_id uuid, p_run_id uuid default null)
returns table (payment_id uuid, run_id uuid, invoice_id uuid, amount bigint, is_claimed boolean)
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  with payments as materialized (
    select f.payment_id, f.run_id, f.paid_at, f.unapplied_amount, f.claimed_invoice_id
    from ledger.flagged_payments(p_account_id, p_run_id) f
    where f.unapplied_amount > 0),
  invoices as materialized (
    select c.invoice_id, c.issued_at, c.remaining_amount from ledger.claiming_invoices(p_account_id) c where c.remaining_amount > 0),
  claimed as (
    select p.payment_id, p.run_id, i.invoice_id,
           least(p.unapplied_amount, i.remaining_amount - coalesce(sum(p.unapplied_amount) over (
             partition by i.invoice_id order by p.paid_at, p.payment_id rows between unbounded preceding and 1 preceding), 0)) as amount
    from payments p
    join invoices i on i.invoice_id = p.claimed_invoice_id),
  payments_left as (
    select p.payment_id, p.run_id, l.amount, sum(l.amount) over (order by p.paid_at, p.payment_id) - l.amount as starts
    from payments p
    cross join lateral (
      select p.unapplied_amount - coalesce((select sum(c.amount) from claimed c where c.payment_id = p.payment_id and c.amount > 0), 0) as amount) l
    where l.amount > 0),
  invoices_left as (
    select i.invoice_id, l.amount, sum(l.amount) over (order by i.issued_at, i.invoice_id) - l.amount as starts
    from invoices i
    cross join lateral (
      select i.remaining_amount - coalesce((select sum(c.amount) from claimed c where c.invoice_id = i.invoice_id and c.amount > 0), 0) as amount) l
    where l.amount > 0)
  select c.payment_id, c.run_id, c.invoice_id, c.amount::bigint, true from claimed c where c.amount > 0
  union all
  select p.payment_id, p.run_id, i.invoice_id, (least(p.starts + p.amount, i.starts + i.amount) - greatest(p.starts, i.starts))::bigint, false
  from payments_left p
  join invoices_left i on p.starts < i.starts + i.amount and i.starts < p.starts + p.amount;
$$;
comment on function ledger.plan_backfill(uuid, uuid) is
  'Which flagged payments of an account go to which imported invoices, and how much, in minor units; is_claimed: the row of the payment named the invoice.';

/* The figures of one account, or of all accounts of a run summed up. Minor units. */
create type ledger.backfill_figures as (
  accounts bigint,
  payments bigint,
  flagged_amount numeric,
  expected_amount numeric,
  synthetic_amount numeric
);
comment on type ledger.backfill_figures is
  'flagged_amount: what the flagged payments have that is unapplied or synthetically allocated; expected_amount: of that, what imported invoices can take, account by account; synthetic_amount: what is synthetically allocated.';

create function ledger.backfill_figures(p_account_ids uuid[], p_run_id uuid default null)
returns ledger.backfill_figures
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select row(count(*), coalesce(sum(f.payments), 0), coalesce(sum(f.flagged), 0), coalesce(sum(least(f.flagged, f.synthetic + i.remaining)), 0),
             coalesce(sum(f.synthetic), 0))::ledger.backfill_figures
  from unnest(p_account_ids) a (account_id)
  cross join lateral (
    select count(*) as payments, coalesce(sum(p.unapplied_amount + p.synthetic_amount), 0) as flagged, coalesce(sum(p.synthetic_amount), 0) as synthetic
    from ledger.flagged_payments(a.account_id, p_run_id) p) f
  cross join lateral (select coalesce(sum(c.remaining_amount), 0) as remaining from ledger.claiming_invoices(a.account_id) c) i;
$$;
comment on function ledger.backfill_figures(uuid[], uuid) is
  'The differential check of a backfill (source 002, 16.5): synthetic_amount and expected_amount are equal once it is through.';
