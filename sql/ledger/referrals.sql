/* Who brought whom. The rate is a snapshot: a changed setting touches new referrals only. */
create table public.referrals (
  referee_user_id uuid primary key references public.profiles (id) on delete restrict,
  referrer_user_id uuid not null references public.profiles (id) on delete restrict,
  rate_bp integer not null,
  created_at timestamptz not null default clock_timestamp(),
  constraint nobody_refers_themselves check (referee_user_id <> referrer_user_id),
  constraint rate_is_a_share check (rate_bp between 0 and 10000)
);
alter table public.referrals enable row level security;
revoke all on public.referrals from anon, authenticated, service_role;
grant select on public.referrals to authenticated, service_role;
create policy referrals_are_seen_by_both_sides_and_staff on public.referrals for select to authenticated
  using ((select auth.uid()) in (referee_user_id, referrer_user_id) or (select ledger.caller_may('customers.read')));
-- whom a customer has brought
create index referrals_by_referrer on public.referrals (referrer_user_id);
select ledger.protect_from_hands('public.referrals', 'ledger_register_referral');
comment on table public.referrals is 'One referrer per customer, registered before the first order. rate_bp is in basis points.';

/* Commission of a referrer on one delivered order, and how much of it was clawed back (source 003). */
create table public.referral_commissions (
  id uuid primary key default ledger.uuid_v7(),
  account_id uuid not null references public.accounts (id) on delete restrict,
  order_id uuid not null,
  referee_user_id uuid not null references public.profiles (id) on delete restrict,
  rate_bp integer not null,
  base_amount bigint not null,
  commission_amount bigint not null,
  clawed_back_amount bigint not null default 0,
  currency text not null references public.currencies (code) on delete restrict,
  created_at timestamptz not null default clock_timestamp(),
  unique (order_id),
  constraint amounts_are_not_negative check (base_amount >= 0 and commission_amount >= 0),
  constraint clawed_back_at_most_what_was_earned check (clawed_back_amount between 0 and commission_amount)
);
alter table public.referral_commissions enable row level security;
revoke all on public.referral_commissions from anon, authenticated, service_role;
grant select on public.referral_commissions to authenticated, service_role;
create policy commissions_are_seen_by_their_owner_and_staff on public.referral_commissions for select to authenticated
  using (account_id >= (select ledger.first_account_seen('accounts.read'))
         and account_id <= (select ledger.last_account_seen('accounts.read'))
         and (account_id in (select a.id from public.accounts a where a.user_id = (select auth.uid()))
              or (select ledger.caller_may('accounts.read'))));
-- a referrer's commissions, and the foreign keys
create index referral_commissions_by_account on public.referral_commissions (account_id);
create index referral_commissions_by_referee on public.referral_commissions (referee_user_id);
select ledger.protect_from_hands('public.referral_commissions', 'ledger_change_order_status');
comment on table public.referral_commissions is
  'Commission = base_amount x rate_bp / 10000, half up; base is the goods after discount, without tax and shipping. Minor units.';
