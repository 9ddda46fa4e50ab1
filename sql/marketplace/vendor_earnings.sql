/*
 * What vendors have earned: a row per delivered order and vendor, in the books of whoever owned the
 * vendor then. It names its order without a foreign key: the order is in its customer's books, which
 * may be on another server.
 */
create table public.vendor_earnings (
  id uuid primary key default ledger.uuid_v7(),
  account_id uuid references public.accounts (id) on delete restrict,
  owner_user_id uuid,
  vendor_id uuid not null references public.vendors (id) on delete restrict,
  order_id uuid not null,
  currency text not null references public.currencies (code) on delete restrict,
  base_amount bigint not null,
  share_amount bigint not null,
  clawed_back_amount bigint not null default 0,
  created_at timestamptz not null default clock_timestamp(),
  updated_at timestamptz not null default clock_timestamp(),
  unique (order_id, vendor_id),
  constraint share_is_part_of_the_base check (share_amount between 1 and base_amount),
  constraint clawed_back_at_most_what_was_earned check (clawed_back_amount between 0 and share_amount),
  constraint an_owner_has_an_account check ((owner_user_id is null) = (account_id is null))
);
alter table public.vendor_earnings enable row level security;
revoke all on public.vendor_earnings from anon, authenticated, service_role;
grant select on public.vendor_earnings to authenticated, service_role;
create policy vendor_earnings_are_seen_by_their_owner_and_staff on public.vendor_earnings for select to authenticated
  using (account_id >= (select ledger.first_account_seen('accounts.read'))
         and account_id <= (select ledger.last_account_seen('accounts.read'))
         and (account_id in (select a.id from public.accounts a where a.user_id = (select auth.uid()))
              or (select ledger.caller_may('accounts.read')))
         or account_id is null and (select ledger.caller_may('accounts.read')));
-- an owner's earnings, newest first, and the foreign key
create index vendor_earnings_by_account on public.vendor_earnings (account_id, id);
-- a vendor's earnings on the orders of some weeks, and the foreign key
create index vendor_earnings_by_vendor on public.vendor_earnings (vendor_id, order_id);
select ledger.protect_from_hands('public.vendor_earnings', 'ledger_change_order_status or ledger_refund_order');
comment on table public.vendor_earnings is
  'What each vendor earned by a delivered order, in minor units of currency. The platform''s rate is the line''s own snapshot (order_items.platform_rate_bp), so the platform''s fee is base_amount - share_amount.';
comment on column public.vendor_earnings.account_id is
  'The account of who owned the vendor at delivery; null when nobody did, or they were erased: the share then stays in vendor_payable.';
comment on column public.vendor_earnings.base_amount is
  'The vendor''s goods after discount, without tax, as far as they were not refunded at delivery.';
comment on column public.vendor_earnings.clawed_back_amount is 'What of share_amount was taken back by refunds since.';
