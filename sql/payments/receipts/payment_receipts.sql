/*
 * What customers show of a transfer, for finance to look at: submitted, then approved (a part: partly_approved),
 * which makes a payment of it, or rejected; handed back to the customer, who sends it again; or withdrawn
 * by them. A receipt moves no money before it is approved. Source 000 (bank transfer with a receipt).
 */
create table public.payment_receipts (
  id uuid primary key default ledger.uuid_v7(),
  account_id uuid not null references public.accounts (id) on delete restrict,
  user_id uuid not null,
  order_id uuid references public.orders (id) on delete restrict,
  invoice_id uuid references public.invoices (id) on delete restrict,
  currency text not null references public.currencies (code) on delete restrict,
  amount bigint not null,
  reference text,
  storage_path text,
  paid_on date,
  notes text,
  status text not null default 'submitted',
  submitted_by uuid,
  submitted_at timestamptz not null default clock_timestamp(),
  alerted_at timestamptz,
  reviewed_by uuid,
  reviewed_at timestamptz,
  review_notes text,
  approved_amount bigint,
  payment_id uuid unique references public.payments (id) on delete restrict,
  payment_voided_at timestamptz,
  created_at timestamptz not null default clock_timestamp(),
  updated_at timestamptz not null default clock_timestamp(),
  constraint status_is_known check (status in ('submitted', 'approved', 'partly_approved', 'rejected', 'handed_back', 'withdrawn')),
  constraint amount_is_positive_and_exact check (amount between 1 and 9007199254740991),
  constraint approved_exactly_when_it_is_a_payment check (
    (status in ('approved', 'partly_approved')) = (payment_id is not null and approved_amount is not null)
    and (payment_id is null) = (approved_amount is null)),
  constraint approved_whole_or_a_part check (
    approved_amount > 0 and (status <> 'approved' or approved_amount = amount) and (status <> 'partly_approved' or approved_amount < amount)),
  constraint only_a_payment_is_voided check (payment_voided_at is null or payment_id is not null),
  constraint reviewed_says_when check (reviewed_at is not null or status in ('submitted', 'withdrawn')),
  constraint something_shows_the_transfer check (
    reference is not null or storage_path is not null or status in ('rejected', 'withdrawn', 'handed_back')),
  constraint texts_say_something check (reference <> '' and storage_path <> ''),
  constraint texts_are_short check (
    length(reference) <= 200 and length(storage_path) <= 500 and length(notes) <= 2000 and length(review_notes) <= 2000)
) with (fillfactor = 80);
alter table public.payment_receipts enable row level security;
revoke all on public.payment_receipts from anon, authenticated, service_role;
grant select on public.payment_receipts to authenticated, service_role;
create policy receipts_are_seen_by_their_customer_and_who_reviews on public.payment_receipts for select to authenticated
  using (account_id >= (select ledger.first_account_seen('receipts.review'))
         and account_id <= (select ledger.last_account_seen('receipts.review'))
         and (user_id = (select auth.uid()) or (select ledger.caller_may('receipts.review'))));
-- a customer's receipts, newest first, and the foreign key
create index payment_receipts_by_account on public.payment_receipts (account_id, id);
-- what is under review for an order, and the foreign keys
create index payment_receipts_by_order on public.payment_receipts (order_id) where order_id is not null;
create index payment_receipts_by_invoice on public.payment_receipts (invoice_id) where invoice_id is not null;
-- the review queue, oldest first, and the alert
create index payment_receipts_submitted on public.payment_receipts (submitted_at, id) where status = 'submitted';
-- one transfer is shown once, however its reference is typed: by one receipt under review, or approved while its payment stands
create unique index payment_receipts_by_reference on public.payment_receipts (ledger.reference_key(reference))
  where reference is not null and status in ('submitted', 'approved', 'partly_approved') and payment_voided_at is null;
-- and so is one file; the policy on storage.objects asks by it as well
create unique index payment_receipts_by_file on public.payment_receipts (storage_path)
  where storage_path is not null and status in ('submitted', 'approved', 'partly_approved') and payment_voided_at is null;
-- every receipt that refers to a file, which stays then: the policy on storage.objects
create index payment_receipts_of_file on public.payment_receipts (storage_path) where storage_path is not null;
select ledger.protect_from_hands('public.payment_receipts', 'ledger_submit_receipt, ledger_review_receipt or ledger_withdraw_receipt');
comment on table public.payment_receipts is
  'Receipts of transfers, in minor units of currency: for an order, for an invoice, or on account. The customer can read review_notes.';
comment on column public.payment_receipts.order_id is 'The order, also when the receipt names its invoice.';
comment on column public.payment_receipts.amount is 'What the customer says they transferred.';
comment on column public.payment_receipts.approved_amount is 'What finance found of it; payments.amount of payment_id.';
comment on column public.payment_receipts.storage_path is 'Name of the file in the bucket receipts: <user id>/...';
comment on column public.payment_receipts.submitted_by is 'Who sent it: the customer, or staff on their behalf; null for a backend.';
comment on column public.payment_receipts.submitted_at is 'When it was last sent; a receipt that was handed back is sent again.';
comment on column public.payment_receipts.alerted_at is 'When ledger.alert_late_receipts said that it lies too long since it was sent.';
comment on column public.payment_receipts.payment_voided_at is 'When the payment that was made of it was voided; its reference and file may be used again then.';

/* A payment that was made of a receipt and is voided leaves the receipt as it was judged, and says so. */
create function ledger.mark_receipt_of_voided_payment()
returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  update public.payment_receipts r set payment_voided_at = clock_timestamp(), updated_at = clock_timestamp()
  where r.account_id = new.account_id and r.payment_id = new.id;
  return null;
end $$;
comment on function ledger.mark_receipt_of_voided_payment() is 'Trigger on payments: a receipt says when its payment was voided.';

create trigger receipt_follows_its_voided_payment
  after update of status on public.payments
  for each row when (new.source = 'receipt' and new.status = 'voided' and old.status <> 'voided')
  execute function ledger.mark_receipt_of_voided_payment();
select ledger.enable_always('public.payments', array['receipt_follows_its_voided_payment']);
