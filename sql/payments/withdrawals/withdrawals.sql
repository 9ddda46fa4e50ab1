/* Money a customer takes out of their wallet. Held from the request on, so it cannot be spent meanwhile. */
create table public.withdrawals (
  id uuid primary key default ledger.uuid_v7(),
  account_id uuid not null references public.accounts (id) on delete restrict,
  user_id uuid not null,
  amount bigint not null,
  currency text not null references public.currencies (code) on delete restrict,
  status text not null default 'requested',
  destination jsonb not null,
  notes text,
  reviewed_by uuid,
  review_notes text,
  bank_reference text,
  created_at timestamptz not null default clock_timestamp(),
  updated_at timestamptz not null default clock_timestamp(),
  constraint status_is_known check (status in ('requested', 'approved', 'paid', 'rejected', 'cancelled')),
  constraint amount_is_positive_and_exact check (amount between 1 and 9007199254740991),
  constraint texts_are_short check (length(notes) <= 2000 and length(review_notes) <= 2000 and length(bank_reference) <= 200)
) with (fillfactor = 80);
alter table public.withdrawals enable row level security;
revoke all on public.withdrawals from anon, authenticated, service_role;
grant select on public.withdrawals to authenticated, service_role;
create policy withdrawals_are_seen_by_their_customer_and_finance on public.withdrawals for select to authenticated
  using (account_id >= (select ledger.first_account_seen('withdrawals.review'))
         and account_id <= (select ledger.last_account_seen('withdrawals.review'))
         and (user_id = (select auth.uid()) or (select ledger.caller_may('withdrawals.review'))));
-- a customer's withdrawals, newest first
create index withdrawals_by_account on public.withdrawals (account_id, id);
-- the review queue
create index withdrawals_open on public.withdrawals (id) where status in ('requested', 'approved');
select ledger.protect_from_hands('public.withdrawals', 'ledger_request_withdrawal, ledger_review_withdrawal or ledger_cancel_withdrawal');
comment on table public.withdrawals is 'Withdrawals; amount in minor units of currency. requested, then approved and paid, or rejected, or cancelled.';
comment on column public.withdrawals.destination is 'Where the money goes, as the customer gave it: a JSON object such as {"iban": "..."}.';
