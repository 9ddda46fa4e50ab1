insert into public.payment_methods (code, description, is_active) values
  ('wallet', 'The wallet pays all of it.', true),
  ('wallet_partial', 'The wallet pays a part, the rest is due by transfer.', true),
  ('bank_transfer', 'All of it is due by transfer.', true),
  ('bank_transfer_grace', 'Goods may go out before the transfer arrives.', false),
  ('card', 'A card provider confirms.', false),
  ('invoice', 'On credit terms.', false)
on conflict (code) do nothing;
