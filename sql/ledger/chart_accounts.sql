/* The chart of accounts. A posting moves an amount from a credit side to a debit side of it. */
create table public.chart_accounts (
  code text primary key,
  name text not null,
  kind text not null,
  normal_side text not null,
  scope text not null,
  constraint kind_is_known check (kind in ('asset', 'liability', 'income', 'expense')),
  constraint normal_side_follows_kind check (normal_side = case when kind in ('asset', 'expense') then 'debit' else 'credit' end),
  constraint scope_is_known check (scope in ('customer', 'system'))
);
alter table public.chart_accounts enable row level security;
revoke all on public.chart_accounts from anon, authenticated, service_role;
grant select on public.chart_accounts to authenticated, service_role;
create policy chart_accounts_are_seen_by_members on public.chart_accounts for select to authenticated using (true);
comment on table public.chart_accounts is
  'Chart of accounts. Customer accounts have one balance per customer; system accounts have no balance row, their balance is the sum of postings.';
