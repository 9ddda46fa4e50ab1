/*
 * Which payment pays how much of which invoice (source 002, E-A2). A reversal is a row of its own with
 * the amount below zero; of a payment and an invoice at most one row is live. Each row moves the
 * payment's and the invoice's sums by itself, so no writer can forget one, and the constraints there
 * refuse what is too much.
 */
create table public.payment_allocations (
  id uuid primary key default ledger.uuid_v7(),
  account_id uuid not null,
  payment_id uuid not null references public.payments (id) on delete restrict,
  invoice_id uuid not null references public.invoices (id) on delete restrict,
  allocated_amount bigint not null,
  method text not null,
  reverses_allocation_id uuid unique references public.payment_allocations (id) on delete restrict,
  synthetic boolean not null default false,
  import_run_id uuid,
  performed_by uuid,
  transaction_id uuid not null,
  idempotency_key text unique,
  created_at timestamptz not null default clock_timestamp(),
  constraint method_is_known check (method in ('auto', 'manual')),
  constraint amount_is_exact check (abs(allocated_amount) between 1 and 9007199254740991),
  constraint only_reversals_are_negative check ((allocated_amount < 0) = (reverses_allocation_id is not null)),
  constraint idempotency_key_says_something check (length(idempotency_key) between 1 and 400)
);
alter table public.payment_allocations enable row level security;
revoke all on public.payment_allocations from anon, authenticated, service_role;
grant select on public.payment_allocations to authenticated, service_role;
create policy allocations_are_seen_by_their_customer_and_staff on public.payment_allocations for select to authenticated
  using (account_id >= (select ledger.first_account_seen('accounts.read'))
         and account_id <= (select ledger.last_account_seen('accounts.read'))
         and (account_id in (select a.id from public.accounts a where a.user_id = (select auth.uid()))
              or (select ledger.caller_may('accounts.read'))));
-- a payment's allocations, those to one invoice among them, and the foreign key
create index payment_allocations_by_payment on public.payment_allocations (payment_id, invoice_id);
-- an invoice's allocations, and the foreign key
create index payment_allocations_by_invoice on public.payment_allocations (invoice_id);
-- a customer's own, in order
create index payment_allocations_by_account on public.payment_allocations (account_id, id);
-- what a backfill made
create index payment_allocations_synthetic on public.payment_allocations (import_run_id) where synthetic;
select ledger.make_immutable('public.payment_allocations', 'ledger_allocate_payment or ledger_reverse_allocation');
comment on table public.payment_allocations is
  'Immutable. Allocations of payments to invoices, in minor units of their account''s currency; below zero for a reversal. Live are those that no row reverses: at most one per payment and invoice.';
comment on column public.payment_allocations.synthetic is 'Made by a backfill from the flags of an older system, not by a decision.';
comment on column public.payment_allocations.idempotency_key is 'Names the line of the call that made it: a digest of who called and with which key, and the invoice.';

create function ledger.count_allocation()
returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_reversed public.payment_allocations;
begin
  -- what a row says of others
  if new.reverses_allocation_id is not null then
    select a.* into v_reversed from public.payment_allocations a where a.id = new.reverses_allocation_id;
    if (v_reversed.payment_id, v_reversed.invoice_id, v_reversed.allocated_amount) is distinct from (new.payment_id, new.invoice_id, -new.allocated_amount) then
      raise exception using errcode = 'check_violation', constraint = 'reversal_is_of_all_of_its_row', table = 'payment_allocations', schema = 'public',
        message = format('allocation %s reverses %s, but not with the same payment, invoice and amount', new.id, new.reverses_allocation_id);
    end if;
  elsif exists (
    select from public.payment_allocations a
    where a.payment_id = new.payment_id and a.invoice_id = new.invoice_id and a.id <> new.id and a.reverses_allocation_id is null
      and not exists (select from public.payment_allocations r where r.reverses_allocation_id = a.id)) then
    raise exception using errcode = 'check_violation', constraint = 'one_live_row_per_payment_and_invoice', table = 'payment_allocations', schema = 'public',
      message = format('payment %s has a live allocation to invoice %s already', new.payment_id, new.invoice_id),
      hint = 'Reverse it with ledger_reverse_allocation, then allocate the amount that is right.';
  end if;

  -- the payment, then the invoice; their constraints refuse what is too much
  update public.payments p set allocated_amount = p.allocated_amount + new.allocated_amount, updated_at = clock_timestamp()
  where p.account_id = new.account_id and p.id = new.payment_id;
  if not found then
    raise exception using errcode = 'foreign_key_violation', constraint = 'payment_is_of_the_account', table = 'payment_allocations', schema = 'public',
      message = format('payment %s is not of account %s', new.payment_id, new.account_id);
  end if;
  update public.invoice_balance_cache b set
    allocated_total = b.allocated_total + new.allocated_amount,
    version = b.version + 1,
    updated_at = clock_timestamp()
  where b.account_id = new.account_id and b.invoice_id = new.invoice_id;
  if not found then
    raise exception using errcode = 'foreign_key_violation', constraint = 'invoice_is_of_the_account', table = 'payment_allocations', schema = 'public',
      message = format('invoice %s is not of account %s', new.invoice_id, new.account_id);
  end if;
  return null;
end $$;
comment on function ledger.count_allocation() is
  'Trigger: keeps a payment''s allocated_amount and invoice_balance_cache, and what rows of payment_allocations say of each other.';

create trigger allocation_counts after insert on public.payment_allocations
  for each row execute function ledger.count_allocation();
select ledger.enable_always('public.payment_allocations', array['allocation_counts']);
