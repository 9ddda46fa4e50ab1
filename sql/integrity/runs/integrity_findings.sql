/* What a run found, at most 1000 rows of each check; the run has the full counts. */
create table public.integrity_findings (
  id uuid primary key default ledger.uuid_v7(),
  run_id uuid not null references public.reconciliation_runs (id) on delete restrict,
  check_code text not null,
  severity text not null,
  subject text not null,
  account_id uuid,
  expected text,
  found text,
  diff_amount bigint,
  created_at timestamptz not null default clock_timestamp(),
  constraint severity_is_known check (severity in ('critical', 'error', 'warning'))
);
alter table public.integrity_findings enable row level security;
revoke all on public.integrity_findings from anon, authenticated, service_role;
grant select on public.integrity_findings to authenticated, service_role;
create policy integrity_findings_are_seen_by_auditors on public.integrity_findings for select to authenticated
  using ((select ledger.caller_may('audit.read')));
-- what a run found, by check
create index integrity_findings_by_run on public.integrity_findings (run_id, check_code, subject);
select ledger.make_immutable('public.integrity_findings', 'integrity_run or its jobs');
-- one exception: rows are removed once they are old
drop trigger rows_never_change on public.integrity_findings;
create trigger rows_never_change before update on public.integrity_findings
  for each row execute function ledger.refuse_change('integrity_findings');
create trigger rows_stay before delete on public.integrity_findings
  for each row when (coalesce(current_setting('ledger.procedure', true), '') <> 'purge_integrity')
  execute function ledger.refuse_change('integrity_findings');
select ledger.enable_always('public.integrity_findings', array['rows_never_change', 'rows_stay']);
comment on table public.integrity_findings is 'Immutable until purged after the setting integrity_retention_days. Rows that offended a check, as a run found them.';
comment on column public.integrity_findings.subject is 'The id of the account, order, variant, ... that it is about; some checks add more behind a blank or a slash.';
comment on column public.integrity_findings.diff_amount is 'What the two sides differ by: minor units, or units of stock; null where they are no numbers.';
