/*
 * What is left of each invoice, and what each account owes: kept by the transaction that changes it.
 * The rules that a row can say of itself are columns and constraints (I2 to I4 and I7 to I9 of source
 * 002): remaining and status are generated, and amount is the invoice's, at the latest at the commit.
 */
create table public.invoice_balance_cache (
  invoice_id uuid primary key,
  account_id uuid not null,
  amount bigint not null,
  allocated_total bigint not null default 0,
  remaining_amount bigint not null generated always as (amount - allocated_total) stored,
  status_cached text not null generated always as
    (case when amount = allocated_total then 'paid' when allocated_total = 0 then 'unpaid' else 'partial' end) stored,
  version bigint not null default 1,
  updated_at timestamptz not null default clock_timestamp(),
  constraint amount_is_the_invoices foreign key (invoice_id, amount) references public.invoices (id, amount)
    on delete restrict deferrable initially deferred,
  constraint allocated_at_most_the_amount check (allocated_total between 0 and amount)
) with (fillfactor = 70);
alter table public.invoice_balance_cache enable row level security;
revoke all on public.invoice_balance_cache from anon, authenticated, service_role;
grant select on public.invoice_balance_cache to authenticated, service_role;
create policy invoice_balances_are_seen_by_their_customer_and_staff on public.invoice_balance_cache for select to authenticated
  using (account_id >= (select ledger.first_account_seen('accounts.read'))
         and account_id <= (select ledger.last_account_seen('accounts.read'))
         and (account_id in (select a.id from public.accounts a where a.user_id = (select auth.uid()))
              or (select ledger.caller_may('accounts.read'))));
-- a customer's own, and what an account claims in all
create index invoice_balances_by_account on public.invoice_balance_cache (account_id);
-- what an account has open: allocation, statements, lists
create index invoice_balances_open on public.invoice_balance_cache (account_id) where remaining_amount > 0;
select ledger.protect_from_hands('public.invoice_balance_cache', 'ledger_allocate_payment, ledger_reverse_allocation or invoice_recalculate');
comment on table public.invoice_balance_cache is
  'What is allocated to each invoice and what is left, in minor units. A credit note has no row; a void invoice has one of 0.';
comment on column public.invoice_balance_cache.status_cached is 'unpaid, partial or paid; paid exactly when nothing remains.';
comment on column public.invoice_balance_cache.version is 'Counts changes; a call that sends p_expected_version is refused when it has changed.';

/* One row per account that ever had an invoice or a payment with a remainder. */
create table public.account_debt_cache (
  account_id uuid primary key references public.accounts (id) on delete restrict,
  invoiced_amount bigint not null default 0,
  allocated_amount bigint not null default 0,
  unapplied_amount bigint not null default 0,
  debt_amount bigint not null generated always as (invoiced_amount - allocated_amount) stored,
  version bigint not null default 0,
  updated_at timestamptz not null default clock_timestamp(),
  constraint amounts_are_not_negative check (least(invoiced_amount, allocated_amount, unapplied_amount) >= 0),
  constraint allocated_at_most_what_is_claimed check (allocated_amount <= invoiced_amount)
) with (fillfactor = 70);
alter table public.account_debt_cache enable row level security;
revoke all on public.account_debt_cache from anon, authenticated, service_role;
grant select on public.account_debt_cache to authenticated, service_role;
create policy account_debts_are_seen_by_their_owner_and_staff on public.account_debt_cache for select to authenticated
  using (account_id >= (select ledger.first_account_seen('accounts.read'))
         and account_id <= (select ledger.last_account_seen('accounts.read'))
         and (account_id in (select a.id from public.accounts a where a.user_id = (select auth.uid()))
              or (select ledger.caller_may('accounts.read'))));
select ledger.protect_from_hands('public.account_debt_cache', 'ledger_issue_invoice, ledger_allocate_payment or invoice_recalculate');
comment on table public.account_debt_cache is
  'What an account owes by invoices, in minor units: debt = invoiced - allocated (I5 of source 002). Read it through account_debt.';
comment on column public.account_debt_cache.invoiced_amount is 'Sum of invoices.amount: what live invoices claim.';
comment on column public.account_debt_cache.unapplied_amount is 'Sum of payments.unapplied_amount: money that came in and is not used yet.';

/* What each operation did to the debt, in the order of the account: statements, debt as of a day, replay. */
create table public.debt_movements (
  account_id uuid not null,
  account_version bigint not null,
  transaction_id uuid not null,
  invoiced_change bigint not null,
  allocated_change bigint not null,
  unapplied_change bigint not null,
  debt_after bigint not null,
  unapplied_after bigint not null,
  created_at timestamptz not null default clock_timestamp(),
  primary key (account_id, account_version),
  constraint something_changes check (invoiced_change <> 0 or allocated_change <> 0 or unapplied_change <> 0)
);
alter table public.debt_movements enable row level security;
revoke all on public.debt_movements from anon, authenticated, service_role;
grant select on public.debt_movements to authenticated, service_role;
create policy debt_movements_are_seen_by_their_owner_and_staff on public.debt_movements for select to authenticated
  using (account_id >= (select ledger.first_account_seen('accounts.read'))
         and account_id <= (select ledger.last_account_seen('accounts.read'))
         and (account_id in (select a.id from public.accounts a where a.user_id = (select auth.uid()))
              or (select ledger.caller_may('accounts.read'))));
select ledger.make_immutable('public.debt_movements', 'the ledger_* procedures');
comment on table public.debt_movements is
  'Immutable. What an operation changed of an account''s debt, in minor units; account_version is that of its transaction.';

/*
 * Moves the debt of a locked account and records it beside the operation's transaction. At most once per
 * transaction. Answers what the operation's event says of it, {"debt_effect": {...}}, so that
 * every debt can be replayed from events; {} when nothing changed.
 */
create function ledger.write_debt_movement(
  p_transaction public.transactions, p_invoiced bigint default 0, p_allocated bigint default 0, p_unapplied bigint default 0)
returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_debt bigint;
  v_unapplied bigint;
begin
  if p_invoiced = 0 and p_allocated = 0 and p_unapplied = 0 then
    return '{}'::jsonb;
  end if;
  insert into public.account_debt_cache as c (account_id) values (p_transaction.account_id) on conflict (account_id) do nothing;
  update public.account_debt_cache c set
    invoiced_amount = c.invoiced_amount + p_invoiced,
    allocated_amount = c.allocated_amount + p_allocated,
    unapplied_amount = c.unapplied_amount + p_unapplied,
    version = c.version + 1,
    updated_at = clock_timestamp()
  where c.account_id = p_transaction.account_id
  returning c.debt_amount, c.unapplied_amount into v_debt, v_unapplied;

  insert into public.debt_movements
    (account_id, account_version, transaction_id, invoiced_change, allocated_change, unapplied_change, debt_after, unapplied_after)
  values
    (p_transaction.account_id, p_transaction.account_version, p_transaction.id, p_invoiced, p_allocated, p_unapplied, v_debt, v_unapplied);
  return jsonb_build_object('debt_effect', jsonb_strip_nulls(jsonb_build_object(
    'invoiced', nullif(p_invoiced, 0), 'allocated', nullif(p_allocated, 0), 'unapplied', nullif(p_unapplied, 0))));
end $$;
comment on function ledger.write_debt_movement(public.transactions, bigint, bigint, bigint) is
  'Applies differences to an account''s debt, beside the transaction of the operation; answers the part of its event that says so.';
