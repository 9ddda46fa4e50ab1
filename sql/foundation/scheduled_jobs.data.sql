insert into ledger.scheduled_jobs (name, schedule, command, description) values
  ('seal events', '* * * * *', 'select ledger.seal_events()', 'Closes events into the next seals.'),
  ('verify seals', '7-57/10 * * * *', 'select ledger.verify_next_seals()', 'Recomputes seals from their events, twenty seconds of them, round after round.'),
  ('expire reservations', '* * * * *', 'select ledger.expire_reservations()', 'Frees stock that reservations held past their time.'),
  ('alert late receipts', '*/10 * * * *', 'select ledger.alert_late_receipts()', 'Queues a message for each receipt that waits too long for its review.'),
  ('remind of grace', '*/5 * * * *', 'select ledger.remind_of_grace()', 'Reminds customers of orders that are to be paid soon.'),
  ('expire grace', '* * * * *', 'select ledger.expire_grace()', 'Cancels or flags orders that were not paid in time.'),
  ('create partitions', '15-17 * * * *', 'select ledger.create_month_partitions()', 'Monthly partitions of events and audit log, ahead of time.'),
  ('continue bulk changes', '* * * * *', 'select ledger.continue_bulk_changes()', 'Carries on with bulk changes that nobody is at.'),
  ('check integrity', '20 * * * *', 'select ledger.check_integrity()', 'Runs all checks on what has changed; compares debts with their cache and the old flags, and switches off what drifts.'),
  ('reconcile', '25 * * * *', 'select ledger.reconcile()', 'Plans repairs of what the last runs found, and applies them where active_reconciliation says so.'),
  ('take kpi snapshot', '5 * * * *', 'select ledger.take_kpi_snapshot()', 'Measures the key figures and keeps them.'),
  ('purge kpi snapshots', '25 2 * * *', 'select ledger.purge_kpi_snapshots()', 'Removes key figures beyond the retention.'),
  ('purge integrity findings', '30 2 * * *', 'select ledger.purge_integrity()', 'Removes findings, alerts that are over and plans that came to nothing, beyond the retention.'),
  ('purge bulk changes', '35 2 * * *', 'select ledger.purge_bulk_changes()', 'Removes finished bulk changes beyond the retention.'),
  ('purge order drafts', '40 2 * * *', 'select ledger.purge_order_drafts()', 'Removes drafts beyond the retention.'),
  ('purge imported rows', '55 2 * * *', 'select ledger.purge_import_rows()', 'Blanks rows of ended imports beyond the retention.'),
  ('purge audit log', '*/10 2-4 * * *', 'select ledger.purge_audit_log()', 'Drops an audit partition beyond the retention, or removes as many lines.'),
  ('purge idempotency keys', '45 2 * * *', 'select ledger.purge_idempotency_keys()', 'Removes idempotency keys beyond the retention.')
on conflict (name) do nothing;

insert into ledger.scheduled_jobs (name, schedule, command, time_limit, description) values
  ('check alerts', '*/5 * * * *', 'select ledger.check_alerts()', '2 minutes', 'Evaluates the alert rules: raises, and resolves what is over.'),
  ('check all integrity', '50 2 * * *', 'select ledger.run_checks()', '1 hour', 'Runs all checks on everything.')
on conflict (name) do nothing;
