-- what gives time or credit, or needs a provider, is offered when the shop says so
insert into public.payment_methods (code, description, is_active) values
  ('wallet', 'The wallet pays all of it.', true),
  ('wallet_partial', 'The wallet pays a part, the rest is due by transfer.', true),
  ('bank_transfer', 'All of it is due by transfer.', true),
  ('bank_transfer_grace', 'All of it is due by transfer within the grace period; the goods may go out before.', false),
  ('card', 'A card provider confirms.', false),
  ('invoice', 'On an invoice, within the customer''s credit terms.', false)
on conflict (code) do nothing;
