insert into public.rate_limits (procedure, capacity, refill_per_second) values
  ('ledger_place_order', 300, 5),
  ('ledger_cancel_order', 300, 5),
  ('ledger_request_withdrawal', 60, 1)
on conflict (procedure) do nothing;
