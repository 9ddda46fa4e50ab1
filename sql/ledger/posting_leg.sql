/* One posting before it is written. */
create type ledger.posting_leg as (
  debit_account text,
  credit_account text,
  amount bigint
);
