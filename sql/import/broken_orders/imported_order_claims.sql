/*
 * Orders that were broken in the older system (source 000): its two statuses differ, its wallet paid without a
 * transaction, a receipt was never looked at. With options.broken_orders = claim they come in as far as
 * they are proven, and what was claimed beyond that is kept, for integrity_emergency_order_fix.
 */
create table public.imported_order_claims (
  order_id uuid primary key references public.orders (id) on delete restrict,
  account_id uuid not null references public.accounts (id) on delete restrict,
  import_run_id uuid not null,
  problems text[] not null,
  customer_status text,
  management_status text,
  claimed_status text not null,
  payment_status text,
  wallet_amount bigint not null default 0,
  wallet_transaction text,
  receipt_id uuid unique references public.payment_receipts (id) on delete restrict,
  tried_at timestamptz,
  settled_at timestamptz,
  settled_by uuid,
  created_at timestamptz not null default clock_timestamp(),
  constraint problems_are_known check (
    cardinality(problems) > 0 and problems <@ '{status_mismatch,wallet_without_transaction,receipt_stuck}'::text[]),
  constraint claimed_status_is_on_the_way check (claimed_status in ('pending', 'confirmed', 'processing', 'shipped', 'delivered')),
  constraint wallet_amount_is_exact_and_not_negative check (wallet_amount between 0 and 9007199254740991),
  constraint only_a_wallet_lacks_its_transaction check ((wallet_amount > 0) = ('wallet_without_transaction' = any (problems))),
  constraint a_wallet_part_is_proven_or_claimed check (wallet_transaction is null or wallet_amount = 0),
  constraint only_a_receipt_is_stuck check ((receipt_id is not null) = ('receipt_stuck' = any (problems))),
  constraint who_settled_it_says_when check (settled_by is null or settled_at is not null),
  constraint texts_are_short check (
    greatest(length(customer_status), length(management_status), length(payment_status)) <= 100 and length(wallet_transaction) <= 200)
) with (fillfactor = 80);
alter table public.imported_order_claims enable row level security;
revoke all on public.imported_order_claims from anon, authenticated, service_role;
grant select on public.imported_order_claims to authenticated, service_role;
create policy imported_order_claims_are_seen_by_auditors on public.imported_order_claims for select to authenticated
  using ((select ledger.caller_may('audit.read')));
-- the foreign key, and the claims of a customer's orders
create index imported_order_claims_by_account on public.imported_order_claims (account_id);
-- what is left for integrity_emergency_order_fix: never tried, then longest ago
create index imported_order_claims_unsettled on public.imported_order_claims (tried_at nulls first, order_id) where settled_at is null;
select ledger.protect_from_hands('public.imported_order_claims', 'import_apply or integrity_emergency_order_fix');
comment on table public.imported_order_claims is
  'What an older system claimed of orders that were broken there and came in only as far as they are proven. Amounts in minor units of the order''s currency.';
comment on column public.imported_order_claims.import_run_id is 'The import that brought it; imports belong to the shop and not to a customer, so there is no key.';
comment on column public.imported_order_claims.problems is 'What was wrong with it: status_mismatch, wallet_without_transaction, receipt_stuck.';
comment on column public.imported_order_claims.customer_status is 'What the customer was shown, in the older system''s words.';
comment on column public.imported_order_claims.management_status is 'Where the management had it, in the older system''s words.';
comment on column public.imported_order_claims.claimed_status is 'The status it has to come to: that of the management, which knew where the goods were.';
comment on column public.imported_order_claims.payment_status is 'How far it was paid, in the older system''s words.';
comment on column public.imported_order_claims.wallet_amount is 'What its wallet is said to have paid without a transaction; 0 when there is no such part.';
comment on column public.imported_order_claims.wallet_transaction is 'The older system''s transaction of a wallet part that is proven.';
comment on column public.imported_order_claims.receipt_id is 'The receipt that nobody had looked at.';
comment on column public.imported_order_claims.tried_at is 'When integrity_emergency_order_fix last tried, and was refused.';
comment on column public.imported_order_claims.settled_at is 'When the order was fixed, or found to need nothing any more.';

/* How far a status is on the way of an order; null for one that is an end. */
create function ledger.status_rank(p_status text)
returns integer
language sql immutable parallel safe
set search_path = pg_catalog, pg_temp
return array_position(array['pending', 'confirmed', 'processing', 'shipped', 'delivered'], p_status);
comment on function ledger.status_rank(text) is 'Place of a status on the way from pending to delivered; null for any other.';

/*
 * The status that a stage of the management stands for. What had left the house while its customer still read of
 * an earlier status has arrived by now (source 000: logistics_dispatched becomes delivered); options.words says it
 * where that is not so.
 */
create function ledger.status_of_stage(p_stage text, p_of_customer text)
returns text
language sql immutable parallel safe
set search_path = pg_catalog, pg_temp
return case p_stage
  when 'finance_pending' then 'pending'
  when 'finance_review' then 'pending'
  when 'bank_transfer_grace' then 'pending'
  when 'awaiting_confirmation' then 'pending'
  when 'warehouse_ready' then 'confirmed'
  when 'warehouse_processing' then 'processing'
  when 'logistics_dispatched' then case when coalesce(p_of_customer, 'shipped') = 'shipped' then 'shipped' else 'delivered' end
  else p_stage
end;
comment on function ledger.status_of_stage(text, text) is 'The order status of a management''s stage, beside what the customer was shown; any other word as it is.';
