insert into public.currencies (code, name, exponent) values
  ('USD', 'US dollar', 2),
  ('EUR', 'Euro', 2),
  ('GBP', 'Pound sterling', 2),
  ('IQD', 'Iraqi dinar', 3),
  ('IRR', 'Iranian rial', 2),
  ('JPY', 'Yen', 0)
on conflict (code) do nothing;
