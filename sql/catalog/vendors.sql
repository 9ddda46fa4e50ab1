/* Sellers of a marketplace; a shop of one house has one vendor, or none. */
create table public.vendors (
  id uuid primary key default ledger.uuid_v7(),
  name text not null,
  owner_user_id uuid references public.profiles (id) on delete restrict,
  platform_rate_bp integer not null default 0,
  created_at timestamptz not null default clock_timestamp(),
  constraint name_is_short check (length(name) between 1 and 200),
  constraint rate_is_a_share check (platform_rate_bp between 0 and 10000)
);
alter table public.vendors enable row level security;
revoke all on public.vendors from anon, authenticated, service_role;
grant select on public.vendors to authenticated;
grant select, insert, update on public.vendors to service_role;
create policy vendors_are_seen_by_their_owner_and_staff on public.vendors for select to authenticated
  using (owner_user_id = (select auth.uid()) or (select ledger.caller_may('stock.read')));
-- the vendor of a signed-in user, and the foreign key to profiles
create index vendors_by_owner on public.vendors (owner_user_id);
select ledger.audit_hand_edits_of('public.vendors', 'id');

/* Order lines name vendors, without a foreign key that would be looked up for every line: so vendors stay. */
create function ledger.keep_vendor()
returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  raise exception using
    errcode = 'insufficient_privilege',
    message = format('%s of the vendor "%s" is refused: orders may name them', lower(tg_op), old.name),
    hint = 'Change what the vendor is called, not which one it is; one added by mistake can become the next one.';
end $$;
comment on function ledger.keep_vendor() is 'Trigger: refuses removing or renumbering a vendor.';

create trigger vendors_stay before delete on public.vendors for each row execute function ledger.keep_vendor();
create trigger vendors_keep_their_id before update of id on public.vendors
  for each row when (old.id is distinct from new.id) execute function ledger.keep_vendor();
select ledger.enable_always('public.vendors', array['vendors_stay', 'vendors_keep_their_id']);
comment on table public.vendors is 'Sellers. platform_rate_bp is the platform''s share of their sales in basis points.';
