/*
 * Double entry. One row debits one account of the chart and credits another with the same amount,
 * within one customer's books, so the books balance by construction.
 */
create table public.postings (
  account_id uuid not null,
  transaction_id uuid not null,
  debit_account text not null,
  credit_account text not null,
  amount bigint not null,
  currency text not null,
  created_at timestamptz not null default clock_timestamp(),
  leg_number smallint not null,
  primary key (transaction_id, leg_number),
  constraint amount_is_positive_and_exact check (amount between 1 and 9007199254740991),
  constraint sides_differ check (debit_account <> credit_account)
);
alter table public.postings enable row level security;
revoke all on public.postings from anon, authenticated, service_role;
grant select on public.postings to authenticated, service_role;
create policy postings_are_seen_by_staff on public.postings for select to authenticated
  using ((select ledger.caller_may('accounts.read')));
select ledger.make_immutable('public.postings', 'the ledger_* procedures');
comment on table public.postings is 'Immutable. Each row debits one chart account and credits another with amount (minor units of currency).';

/* Writes the postings of a transaction; legs of amount 0 are left out. Answers how many it wrote. */
create function ledger.write_postings(p_transaction public.transactions, p_currency text, p_legs ledger.posting_leg[])
returns integer
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_count integer;
begin
  if p_legs is null then
    return 0;
  end if;
  insert into public.postings (account_id, transaction_id, leg_number, debit_account, credit_account, amount, currency)
  select p_transaction.account_id, p_transaction.id, l.ordinality, l.debit_account, l.credit_account, l.amount, p_currency
  from unnest(p_legs) with ordinality l
  where l.amount <> 0;
  get diagnostics v_count = row_count;
  return v_count;
end $$;
comment on function ledger.write_postings(public.transactions, text, ledger.posting_leg[]) is 'Writes the postings of a transaction; answers how many.';
