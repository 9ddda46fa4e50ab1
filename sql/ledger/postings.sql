/*
 * Double entry. One row debits one account of the chart and credits another with the same amount,
 * within one customer's books, so the books balance by construction.
 */
create sequence ledger.posting_id_seq as bigint;

create table public.postings (
  id bigint not null default nextval('ledger.posting_id_seq'),
  account_id uuid not null references public.accounts (id) on delete restrict,
  transaction_id uuid not null references public.transactions (id) on delete restrict,
  debit_account text not null references public.chart_accounts (code) on delete restrict,
  credit_account text not null references public.chart_accounts (code) on delete restrict,
  amount bigint not null,
  currency text not null references public.currencies (code) on delete restrict,
  created_at timestamptz not null default clock_timestamp(),
  primary key (account_id, id),
  constraint amount_is_positive_and_exact check (amount between 1 and 9007199254740991),
  constraint sides_differ check (debit_account <> credit_account)
);
alter table public.postings enable row level security;
revoke all on public.postings from anon, authenticated, service_role;
grant select on public.postings to authenticated, service_role;
create policy postings_are_seen_by_staff on public.postings for select to authenticated
  using ((select ledger.caller_may('accounts.read')));
-- the postings of a transaction, and the foreign key to it
create index postings_by_transaction on public.postings (transaction_id);
select ledger.make_immutable('public.postings', 'the ledger_* procedures');
comment on table public.postings is 'Immutable. Each row debits one chart account and credits another with amount (minor units of currency).';

/* Writes the postings of a transaction; legs of amount 0 are left out. */
create function ledger.write_postings(p_transaction public.transactions, p_currency text, p_legs ledger.posting_leg[])
returns void
language sql
set search_path = pg_catalog, pg_temp
as $$
  insert into public.postings (account_id, transaction_id, debit_account, credit_account, amount, currency)
  select p_transaction.account_id, p_transaction.id, l.debit_account, l.credit_account, l.amount, p_currency
  from unnest(p_legs) l
  where l.amount <> 0;
$$;
comment on function ledger.write_postings(public.transactions, text, ledger.posting_leg[]) is 'Writes the postings of a transaction.';
