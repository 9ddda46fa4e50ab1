/* The hourly job: what has changed since the last run, and the drift by which flags are judged. */
create function ledger.check_integrity()
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  perform ledger.run_checks(null, 'changed');
  perform ledger.check_debt_drift();
end $$;
comment on function ledger.check_integrity() is 'Job: runs all checks on what has changed, and the drift check of debts, which switches flags off.';
