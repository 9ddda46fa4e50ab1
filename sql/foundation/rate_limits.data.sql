insert into public.rate_limits (procedure, capacity, refill_per_second) values
  ('ledger_place_order', 300, 5),
  ('order_reserve', 120, 2),
  ('ledger_cancel_order', 300, 5),
  ('ledger_request_return', 60, 1),
  ('order_draft_save', 300, 5),
  ('ledger_edit_order', 300, 5),
  ('ledger_pay_order_from_wallet', 60, 1),
  ('ledger_submit_receipt', 30, 0.1),
  ('ledger_request_withdrawal', 60, 1)
on conflict (procedure) do nothing;
