insert into public.chart_accounts (code, name, kind, normal_side, scope) values
  ('wallet', 'Customer wallets', 'liability', 'credit', 'customer'),
  ('receivable', 'Owed by customers', 'asset', 'debit', 'customer'),
  ('unapplied_payments', 'Customer payments not yet applied', 'liability', 'credit', 'customer'),
  ('order_escrow', 'Paid for orders not yet delivered', 'liability', 'credit', 'system'),
  ('revenue', 'Revenue from goods', 'income', 'credit', 'system'),
  ('tax_payable', 'Tax to hand over', 'liability', 'credit', 'system'),
  ('shipping_income', 'Shipping income', 'income', 'credit', 'system'),
  ('discounts', 'Discounts given', 'expense', 'debit', 'system'),
  ('bank', 'Bank', 'asset', 'debit', 'system'),
  ('withdrawals_payable', 'Withdrawals to pay out', 'liability', 'credit', 'system'),
  ('commission_expense', 'Commissions, earnings and bonuses granted', 'expense', 'debit', 'system'),
  ('vendor_payable', 'Owed to vendors', 'liability', 'credit', 'system'),
  ('refunds_payable', 'Refunds to pay out', 'liability', 'credit', 'system'),
  ('adjustments', 'Adjustments', 'expense', 'debit', 'system')
on conflict (code) do nothing;
