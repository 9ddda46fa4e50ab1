/*
 * The same reference, however it was typed: in any case, with Persian or Arabic digits, with spaces and dashes of any
 * kind or without, and without the invisible characters that banking apps and PDFs put between letters (joiners,
 * marks of direction, soft hyphens).
 * In plpgsql, because it is an expression of indexes that ON CONFLICT names: one in sql is inlined for who may
 * execute it and not for others, and a connection keeps the expression of whoever asked first.
 */
create function ledger.reference_key(p_reference text)
returns text
language plpgsql immutable strict parallel safe
set search_path = pg_catalog, pg_temp
as $$
begin
  return upper(regexp_replace(translate(p_reference, '۰۱۲۳۴۵۶۷۸۹٠١٢٣٤٥٦٧٨٩', '01234567890123456789'),
    '[[:space:]\u0085\u00a0\u00ad\u061c\u1680\u180e\u2000-\u2015\u2028-\u202f\u205f-\u206f\u2212\u3000\ufe58\ufe63\ufeff\uff0d-]+', '', 'g'));
end $$;
comment on function ledger.reference_key(text) is 'What two spellings of one bank reference have in common.';

/*
 * Money that came in from outside. What an order without an invoice still needed is applied to it; an
 * invoice gets its part by payment_allocations; what was more than an order needed, or came when it had
 * ended, is wallet credit. What is left stays with the payment as unapplied remainder, to be
 * allocated later.
 */
create table public.payments (
  id uuid primary key default ledger.uuid_v7(),
  account_id uuid not null references public.accounts (id) on delete restrict,
  order_id uuid references public.orders (id) on delete restrict,
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
  allocated_amount bigint not null default 0,
  charged_back_amount bigint not null default 0,
  reclaimed_amount bigint not null default 0,
  unapplied_amount bigint not null generated always as
    (case status when 'captured' then amount - applied_amount - credit_amount - allocated_amount - charged_back_amount + reclaimed_amount
                 else 0 end) stored,
  source text not null default 'recorded',
  external_id text,
  paid_at timestamptz not null default clock_timestamp(),
  constraint method_is_known check (method in ('bank_transfer', 'card', 'cash', 'other')),
  constraint source_is_known check (source in ('recorded', 'receipt', 'card', 'import')),
  constraint status_is_known check (status in ('captured', 'voided')),
  constraint amount_is_positive_and_exact check (amount between 1 and 9007199254740991),
  -- I1 and I6 of source 002: no more is allocated than there is
  constraint parts_are_part_of_the_amount check (
    least(applied_amount, credit_amount, allocated_amount, reclaimed_amount) >= 0
    and applied_amount + credit_amount + allocated_amount + charged_back_amount - reclaimed_amount <= amount),
  constraint charged_back_at_most_the_amount check (charged_back_amount between reclaimed_amount and amount),
  constraint only_an_order_is_applied_to check (applied_amount = 0 or order_id is not null),
  constraint what_pays_an_order_directly_pays_no_invoice check (
    applied_amount = 0 or amount = applied_amount + credit_amount + charged_back_amount - reclaimed_amount),
  constraint voided_payment_is_not_allocated check (status = 'captured' or allocated_amount = 0),
  constraint reference_says_something check (reference <> ''),
  constraint texts_are_short check (length(reference) <= 200 and length(notes) <= 2000 and length(void_reason) <= 2000)
) with (fillfactor = 80);
alter table public.payments enable row level security;
revoke all on public.payments from anon, authenticated, service_role;
grant select on public.payments to authenticated, service_role;
create policy payments_are_seen_by_their_customer_and_staff on public.payments for select to authenticated
  using (account_id >= least((select ledger.first_account_seen('orders.read')), (select ledger.first_account_seen('accounts.read')))
         and account_id <= greatest((select ledger.last_account_seen('orders.read')), (select ledger.last_account_seen('accounts.read')))
         and (account_id in (select a.id from public.accounts a where a.user_id = (select auth.uid()))
              or (select ledger.caller_may('accounts.read'))
              -- who packs and sends sees what was paid for an order, and not what somebody paid on account
              or (order_id is not null and (select ledger.caller_may('orders.read')))));
-- a customer's payments, newest first, and the foreign key
create index payments_by_account on public.payments (account_id, id);
-- what was paid for an order, and the foreign key
create index payments_by_order on public.payments (order_id);
-- the same transfer is recorded once, however its name is typed; a voided one may be recorded again, where it belongs
create unique index payments_by_reference on public.payments (method, ledger.reference_key(reference)) where reference is not null and status = 'captured';
-- the import, once per row of the old system as long as it is not voided
create unique index payments_by_external_id on public.payments (external_id) where external_id is not null and status = 'captured';
-- what is left to be allocated, oldest first (the account's, then the payment's)
create index payments_unapplied on public.payments (account_id, paid_at, id) where unapplied_amount > 0;
select ledger.protect_from_hands('public.payments', 'ledger_record_payment, ledger_allocate_payment, ledger_reverse_allocation or ledger_void_payment');
comment on table public.payments is
  'Payments from outside, in minor units of currency. captured, or voided when it never was one. The customer can read reference, notes and void_reason.';
comment on column public.payments.applied_amount is 'What went to an order without an invoice: part of orders.paid_amount while captured.';
comment on column public.payments.credit_amount is 'What became wallet credit (total_earned): the surplus of an order, or a remainder that was released.';
comment on column public.payments.allocated_amount is 'What its live allocations give to invoices.';
comment on column public.payments.charged_back_amount is 'What the card holder''s bank took back.';
comment on column public.payments.reclaimed_amount is 'Part of charged_back_amount that came out of the wallet, because this part of the payment had gone back to the customer.';
comment on column public.payments.unapplied_amount is 'What is left of a captured payment, to be allocated later.';
comment on column public.payments.external_id is 'Its name in the system it was imported from.';
comment on column public.payments.paid_at is 'When the money came in; created_at is when it was recorded.';
comment on column public.payments.reference is 'The bank''s or provider''s name of it; the same one, in any case, is recorded once per method.';
