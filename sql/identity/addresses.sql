/* Addresses of customers; an order keeps a snapshot, so these may change and go. */
create table public.addresses (
  id uuid primary key default ledger.uuid_v7(),
  user_id uuid not null references public.profiles (id) on delete restrict,
  recipient text not null,
  line1 text not null,
  line2 text,
  city text not null,
  region text,
  postal_code text,
  country text not null,
  phone text,
  created_at timestamptz not null default clock_timestamp(),
  constraint texts_are_short check (
    length(recipient) between 1 and 200 and length(line1) between 1 and 300 and length(line2) <= 300
    and length(city) between 1 and 200 and length(region) <= 200 and length(postal_code) <= 20 and length(phone) <= 40),
  constraint country_is_iso_3166 check (country ~ '^[A-Z]{2}$')
);
alter table public.addresses enable row level security;
revoke all on public.addresses from anon, authenticated, service_role;
grant select on public.addresses to authenticated, service_role;
create policy addresses_are_seen_by_their_owner_and_staff on public.addresses for select to authenticated
  using (user_id >= (select ledger.first_user_seen('customers.read'))
         and user_id <= (select ledger.last_user_seen('customers.read')));
-- a customer's addresses
create index addresses_by_user on public.addresses (user_id);
comment on table public.addresses is 'Shipping and billing addresses of customers; written by ledger_save_address and ledger_delete_address.';
comment on column public.addresses.country is 'ISO 3166-1 alpha-2, such as IQ.';
