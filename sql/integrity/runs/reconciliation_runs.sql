/* What a check of sums found, run by run (sources 002 E-A5, 16.6). A run is judged by the limits of its time. */
create table public.reconciliation_runs (
  id uuid primary key default ledger.uuid_v7(),
  check_code text not null,
  status text not null,
  accounts bigint not null,
  differing_accounts bigint not null,
  expected_amount bigint not null,
  diff_abs bigint not null,
  diff_ratio_ppm bigint not null,
  limit_ppm bigint not null,
  details jsonb not null default '{}',
  started_at timestamptz not null,
  created_at timestamptz not null default clock_timestamp(),
  scope text not null default 'all',
  findings bigint not null default 0,
  horizon bigint,
  constraint scope_is_known check (scope in ('all', 'changed', 'account')),
  constraint status_is_known check (status in ('OK', 'WARN', 'FAIL')),
  constraint figures_are_not_negative check (least(accounts, differing_accounts, diff_abs, diff_ratio_ppm, limit_ppm, findings) >= 0),
  constraint only_no_difference_is_ok check ((status = 'OK') = (diff_abs = 0 and differing_accounts = 0 and findings = 0))
);
alter table public.reconciliation_runs enable row level security;
revoke all on public.reconciliation_runs from anon, authenticated, service_role;
grant select on public.reconciliation_runs to authenticated, service_role;
create policy reconciliation_runs_are_seen_by_auditors on public.reconciliation_runs for select to authenticated
  using ((select ledger.caller_may('audit.read')));
-- the last runs of a check, and those since one of everything
create index reconciliation_runs_by_start on public.reconciliation_runs (check_code, started_at desc, id desc);
-- the last runs of a check, those of the drift among them
create index reconciliation_runs_by_check on public.reconciliation_runs (check_code, id desc);
select ledger.make_immutable('public.reconciliation_runs', 'integrity_run, integrity_check_drift or their jobs');
comment on table public.reconciliation_runs is
  'Immutable. Runs of the checks of the books (check_code books) and of the drift checks. Amounts in minor units, summed over currencies: only their ratio is for reading, details has them by currency.';
comment on column public.reconciliation_runs.status is 'OK without any difference, WARN up to limit_ppm, FAIL beyond.';
comment on column public.reconciliation_runs.diff_abs is 'Sum over the accounts of what they differ by, whatever its sign.';
comment on column public.reconciliation_runs.diff_ratio_ppm is 'diff_abs to expected_amount, in millionths; a million when nothing was expected.';
comment on column public.reconciliation_runs.scope is 'all: everything; changed: what had changed since the run before; account: one account.';
comment on column public.reconciliation_runs.findings is 'Rows that offended a check of integrity_checks; 0 of drift checks.';
comment on column public.reconciliation_runs.horizon is 'Transaction id below which everything had been looked at; where the next run of what has changed begins.';
