/*
 * What a card provider says, and what the books did about it. Three tables, because the two are not the
 * same: card_events is what was heard, as it was heard, card_payments sums it up per payment of the
 * provider, and card_bookings is what was done. What is done follows from the set of events, whatever their
 * order and however often each came (ledger.book_card_payment).
 */
create table public.card_payments (
  id uuid primary key default ledger.uuid_v7(),
  provider text not null,
  provider_payment_id text not null,
  account_id uuid references public.accounts (id) on delete restrict,
  order_id uuid references public.orders (id) on delete restrict,
  currency text references public.currencies (code) on delete restrict,
  status text not null default 'announced',
  authorised_amount bigint not null default 0,
  captured_amount bigint not null default 0,
  refunded_amount bigint not null default 0,
  charged_back_amount bigint not null default 0,
  expires_at timestamptz,
  problem text,
  handled_at timestamptz,
  handled_by uuid,
  handled_notes text,
  created_at timestamptz not null default clock_timestamp(),
  updated_at timestamptz not null default clock_timestamp(),
  unique (provider, provider_payment_id),
  constraint status_is_known check (status in ('announced', 'authorised', 'captured', 'voided', 'failed', 'refunded', 'charged_back')),
  constraint amounts_are_exact_and_not_negative check (
    least(authorised_amount, captured_amount, refunded_amount, charged_back_amount) >= 0
    and greatest(authorised_amount, captured_amount, refunded_amount, charged_back_amount) <= 9007199254740991),
  constraint an_order_brings_account_and_currency check (num_nulls(order_id, account_id, currency) in (0, 3)),
  constraint what_is_handled_says_when check (handled_at is not null or num_nonnulls(handled_by, handled_notes) = 0),
  constraint handled_notes_are_short check (length(handled_notes) <= 2000),
  constraint provider_is_short check (length(provider) between 1 and 50),
  constraint provider_payment_id_is_short check (length(provider_payment_id) between 1 and 150)
) with (fillfactor = 70);
alter table public.card_payments enable row level security;
revoke all on public.card_payments from anon, authenticated, service_role;
grant select on public.card_payments to authenticated, service_role;
create policy card_payments_are_seen_by_their_customer_and_staff on public.card_payments for select to authenticated
  using (account_id in (select a.id from public.accounts a where a.user_id = (select auth.uid()))
         or (select ledger.caller_may('accounts.read')));
-- a customer's own, newest first, and the foreign key
create index card_payments_by_account on public.card_payments (account_id, id);
-- the card payments of an order, and the foreign key
create index card_payments_by_order on public.card_payments (order_id) where order_id is not null;
select ledger.protect_from_hands('public.card_payments', 'ledger_confirm_payment or ledger_match_card_payment');
comment on table public.card_payments is
  'Payments of card providers as they stand there, in minor units of currency. What the books made of one: card_bookings.';
comment on column public.card_payments.order_id is 'The order it is for; null until an event, or ledger_match_card_payment, names one that exists.';
comment on column public.card_payments.refunded_amount is 'Refunds at the provider that did not fail.';
comment on column public.card_payments.charged_back_amount is 'Disputes that were not won.';
comment on column public.card_payments.expires_at is 'Until when an authorisation can be captured, where the provider says so. Only shown.';
comment on column public.card_payments.problem is
  'Why something of it is not in the books: customer_erased, refund_mismatch (it names a payout of ours that is not this, or one of its amount was settled by hand), more_than_captured, backfill_running (booked with the next event, or by ledger_match_card_payment), or the code of a refusal. The view card_events_unmatched lists them.';
comment on column public.card_payments.handled_at is 'When somebody last said by ledger_match_card_payment that it is dealt with: what was heard before is unmatched no more.';
comment on column public.card_payments.handled_notes is 'What was done about it. The customer can read it.';

create table public.card_events (
  provider text not null,
  event_id text not null,
  card_payment_id uuid not null references public.card_payments (id) on delete restrict,
  account_id uuid,
  kind text not null,
  object_id text,
  order_id uuid,
  refund_id uuid,
  currency text not null,
  amount bigint,
  captured_total bigint,
  is_final boolean,
  expires_at timestamptz,
  occurred_at timestamptz not null,
  payload jsonb not null,
  payload_digest uuid not null,
  created_at timestamptz not null default clock_timestamp(),
  primary key (provider, event_id),
  constraint kind_is_known check (kind in ('authorised', 'captured', 'voided', 'failed', 'refunded', 'refund_failed', 'charged_back', 'charge_back_won')),
  constraint refunds_and_disputes_have_a_name check (object_id is not null or kind not in ('refunded', 'refund_failed', 'charged_back', 'charge_back_won')),
  constraint amounts_are_exact_and_not_negative check (
    least(amount, captured_total) >= 0 and greatest(amount, captured_total) <= 9007199254740991)
);
alter table public.card_events enable row level security;
revoke all on public.card_events from anon, authenticated, service_role;
grant select on public.card_events to authenticated, service_role;
create policy card_events_are_seen_by_staff on public.card_events for select to authenticated
  using ((select ledger.caller_may('accounts.read')));
-- everything heard of a payment, and the foreign key
create index card_events_by_payment on public.card_events (card_payment_id);
select ledger.make_immutable('public.card_events', 'ledger_confirm_payment');
comment on table public.card_events is 'Immutable. Each event of a provider once, with amounts in minor units of currency.';
comment on column public.card_events.amount is 'Null when the currency is not known here, or has too few decimals for it; payload has the provider''s own figure.';
comment on column public.card_events.captured_total is 'Captured so far, this time included, where the provider says so.';
comment on column public.card_events.is_final is 'Of a capture: nothing more will be captured.';
comment on column public.card_events.order_id is 'The order it names, if that is an id at all; it may not exist.';
comment on column public.card_events.payload_digest is 'MD5 of the event as it was sent: the same event_id with other contents is refused.';

create table public.card_bookings (
  id uuid primary key default ledger.uuid_v7(),
  card_payment_id uuid not null references public.card_payments (id) on delete restrict,
  account_id uuid not null,
  event_id text not null,
  kind text not null,
  object_id text,
  is_refund boolean,
  amount bigint not null,
  payment_id uuid references public.payments (id) on delete restrict,
  refund_id uuid references public.refunds (id) on delete restrict,
  transaction_id uuid,
  created_at timestamptz not null default clock_timestamp(),
  constraint kind_is_known check (kind in ('captured', 'taken_out', 'put_back', 'surplus_returned', 'surplus_failed', 'allowed', 'paid_out', 'payout_failed')),
  constraint amount_is_positive_and_exact check (amount between 1 and 9007199254740991),
  constraint says_what_it_moved check (
    case when kind in ('allowed', 'paid_out', 'payout_failed') then refund_id is not null else payment_id is not null end),
  constraint only_a_capture_is_about_no_object check (
    (kind = 'captured') = (object_id is null) and (object_id is null) = (is_refund is null))
);
alter table public.card_bookings enable row level security;
revoke all on public.card_bookings from anon, authenticated, service_role;
grant select on public.card_bookings to authenticated, service_role;
create policy card_bookings_are_seen_by_staff on public.card_bookings for select to authenticated
  using ((select ledger.caller_may('accounts.read')));
-- what was done about a payment, and the foreign key
create index card_bookings_by_payment on public.card_bookings (card_payment_id);
-- which card payment a payment or a refund came from, and the foreign keys
create index card_bookings_by_booked_payment on public.card_bookings (payment_id) where payment_id is not null;
create index card_bookings_by_refund on public.card_bookings (refund_id) where refund_id is not null;
select ledger.make_immutable('public.card_bookings', 'ledger_confirm_payment or ledger_match_card_payment');
comment on table public.card_bookings is
  'Immutable. What the books did about a card payment, in minor units; object_id is the provider''s refund or dispute.';
comment on column public.card_bookings.kind is
  'captured: a payment; taken_out, put_back: money of it that left, for as long as nothing else is known, and came again; surplus_returned: out of what was more than the order needed; allowed: a refund made at the provider, taken off the order; paid_out: a refund of ours, settled; surplus_failed, payout_failed: the same again when the provider could not pay it.';
comment on column public.card_bookings.is_refund is 'Whether object_id is a refund, or a dispute: a provider may give both the same name.';
comment on column public.card_bookings.event_id is 'The event that gave occasion to it; of what ledger_match_card_payment books, the last one before.';
