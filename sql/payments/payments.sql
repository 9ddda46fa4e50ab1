/*
 * Money that came in from outside for an order. What the order still needed is applied to it; what
 * was more than that, or came when the order had ended, is wallet credit and no part of the order.
 */
create table public.payments (
  id uuid primary key default ledger.uuid_v7(),
  account_id uuid not null references public.accounts (id) on delete restrict,
  order_id uuid not null references public.orders (id) on delete restrict,
  currency text not null references public.currencies (code) on delete restrict,
  method text not null,
  amount bigint not null,
  applied_amount bigint not null,
  credit_amount bigint not null,
  reference text,
  status text not null default 'captured',
  notes text,
  recorded_by uuid,
  voided_by uuid,
  void_reason text,
  created_at timestamptz not null default clock_timestamp(),
  updated_at timestamptz not null default clock_timestamp(),
  constraint method_is_known check (method in ('bank_transfer', 'card', 'cash')),
  constraint status_is_known check (status in ('captured', 'voided')),
  constraint amount_is_positive_and_exact check (amount between 1 and 9007199254740991),
  constraint amount_is_applied_or_credited check (amount = applied_amount + credit_amount and least(applied_amount, credit_amount) >= 0),
  constraint reference_says_something check (reference <> ''),
  constraint texts_are_short check (length(reference) <= 200 and length(notes) <= 2000 and length(void_reason) <= 2000)
) with (fillfactor = 80);
alter table public.payments enable row level security;
revoke all on public.payments from anon, authenticated, service_role;
grant select on public.payments to authenticated, service_role;
create policy payments_are_seen_by_their_customer_and_staff on public.payments for select to authenticated
  using (account_id >= (select ledger.first_account_seen('orders.read'))
         and account_id <= (select ledger.last_account_seen('orders.read'))
         and (account_id in (select a.id from public.accounts a where a.user_id = (select auth.uid()))
              or (select ledger.caller_may('orders.read'))));
-- a customer's payments, newest first, and the foreign key
create index payments_by_account on public.payments (account_id, id);
-- what was paid for an order, and the foreign key
create index payments_by_order on public.payments (order_id);
-- the same transfer is recorded once, however its name is typed; a voided one may be recorded again, where it belongs
create unique index payments_by_reference on public.payments (method, upper(reference)) where reference is not null and status = 'captured';
select ledger.protect_from_hands('public.payments', 'ledger_record_payment or ledger_void_payment');
comment on table public.payments is
  'Payments from outside, in minor units of the order''s currency. captured, or voided when it never was one. The customer can read reference, notes and void_reason.';
comment on column public.payments.applied_amount is 'What went to the order: part of orders.paid_amount while captured.';
comment on column public.payments.credit_amount is 'What was more than the order needed: wallet credit (total_earned).';
comment on column public.payments.reference is 'The bank''s or provider''s name of it; the same one, in any case, is recorded once per method.';
