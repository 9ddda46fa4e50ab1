/* One line of an allocation before it is written: how much goes to which invoice, in minor units. */
create type ledger.allocation_line as (
  invoice_id uuid,
  amount bigint
);

/* What an allocation or a reversal did. Amounts in minor units. */
create type ledger.allocation_change as (
  transaction_id uuid,
  allocated_amount bigint,
  unapplied_amount bigint,
  allocations jsonb
);
comment on type ledger.allocation_change is
  'allocated_amount: by how much the allocations rose, below zero for a reversal; unapplied_amount: what is left of the payments now; allocations: the rows it wrote, of {allocation_id, payment_id, invoice_id, order_id, amount, remaining_amount, status}, remaining_amount and status those of the invoice.';
