insert into ledger.scheduled_jobs (name, schedule, command, description) values
  ('seal events', '* * * * *', 'select ledger.seal_events()', 'Closes events into the next seals.'),
  ('expire reservations', '* * * * *', 'select ledger.expire_reservations()', 'Frees stock that reservations held past their time.'),
  ('alert late receipts', '*/10 * * * *', 'select ledger.alert_late_receipts()', 'Queues a message for each receipt that waits too long for its review.'),
  ('remind of grace', '*/5 * * * *', 'select ledger.remind_of_grace()', 'Reminds customers of orders that are to be paid soon.'),
  ('expire grace', '* * * * *', 'select ledger.expire_grace()', 'Cancels or flags orders that were not paid in time.'),
  ('create partitions', '15 2 * * *', 'select ledger.create_month_partitions()', 'Monthly partitions of events and audit log, ahead of time.'),
  ('continue bulk changes', '* * * * *', 'select ledger.continue_bulk_changes()', 'Carries on with bulk changes that nobody is at.'),
  ('check debt drift', '10 * * * *', 'select ledger.check_debt_drift()', 'Compares debts with their cache and the old flags, and switches off what drifts.'),
  ('check balances', '50 2 * * *', 'select ledger.check_balances()', 'Adds up what payments, invoices and accounts have in allocations; reports what differs.'),
  ('purge bulk changes', '35 2 * * *', 'select ledger.purge_bulk_changes()', 'Removes finished bulk changes beyond the retention.'),
  ('purge order drafts', '40 2 * * *', 'select ledger.purge_order_drafts()', 'Removes drafts beyond the retention.'),
  ('purge imported rows', '55 2 * * *', 'select ledger.purge_import_rows()', 'Blanks rows of ended imports beyond the retention.'),
  ('purge audit log', '30 2 * * *', 'select ledger.purge_audit_log()', 'Drops audit partitions beyond the retention.'),
  ('purge idempotency keys', '45 2 * * *', 'select ledger.purge_idempotency_keys()', 'Removes idempotency keys beyond the retention.')
on conflict (name) do nothing;
