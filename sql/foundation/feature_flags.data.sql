insert into public.feature_flags (key, state, allowed_states, description) values
  ('allocation_dual_write', 'off', '{off,shadow,enforce}', 'Old paid flags kept beside payment allocations.'),
  ('ledger_backfill_mode', 'off', '{off,read_only,active}', 'Backfill of synthetic allocations.'),
  ('allocation_read_switch', 'off', '{off,canary,full}', 'Debt read from allocations, for a percentage of accounts or all.'),
  ('active_reconciliation', 'off', '{off,dry,enforce}', 'Repair of integrity findings.'),
  ('outbox_enabled', 'on', '{off,on}', 'Delivery of outbox messages; they are written in either state.')
on conflict (key) do nothing;
