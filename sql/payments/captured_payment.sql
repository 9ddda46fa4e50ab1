/* What a payment that came in did, or why it could not. Amounts in minor units. */
create type ledger.captured_payment as (
  refusal jsonb,
  payment_id uuid,
  transaction_id uuid,
  applied_amount bigint,
  allocated_amount bigint,
  credit_amount bigint,
  unapplied_amount bigint,
  order_status text,
  payment_status text,
  outstanding_amount bigint,
  available_balance bigint,
  invoice_id uuid
);
comment on type ledger.captured_payment is
  'applied_amount went to an order without an invoice, allocated_amount to an invoice, credit_amount to the wallet, unapplied_amount stays with the payment. order_status, payment_status and outstanding_amount are those of its order, after it was confirmed if it was.';

/* What taking money of a payment back did, or why it could not. Amounts in minor units. */
create type ledger.charged_back_payment as (
  refusal jsonb,
  transaction_id uuid,
  charged_back_amount bigint,
  unapplied_amount bigint,
  allocated_amount bigint,
  applied_amount bigint,
  wallet_amount bigint,
  order_status text,
  payment_status text,
  outstanding_amount bigint,
  available_balance bigint
);
comment on type ledger.charged_back_payment is
  'charged_back_amount is the sum of what was taken from the unapplied remainder, from invoices, from the order and from the wallet.';

/* A payment with everything that is locked to undo it. */
create type ledger.locked_payment as (
  payment public.payments,
  account public.accounts,
  order_ids uuid[]
);
comment on type ledger.locked_payment is 'order_ids: the orders that the payment pays, directly or by their invoices; all of them are locked.';
