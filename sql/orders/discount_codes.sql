/* Discount codes, a percentage or a fixed amount off the goods. */
create table public.discount_codes (
  id uuid primary key default ledger.uuid_v7(),
  code text not null unique,
  kind text not null,
  percent_bp integer,
  fixed_amount bigint,
  currency text references public.currencies (code) on delete restrict,
  minimum_subtotal_amount bigint not null default 0,
  valid_from timestamptz not null default clock_timestamp(),
  valid_until timestamptz,
  max_redemptions bigint,
  max_redemptions_per_customer bigint,
  is_active boolean not null default true,
  created_at timestamptz not null default clock_timestamp(),
  constraint code_is_upper_case check (code = upper(trim(code)) and length(code) between 1 and 50),
  constraint value_fits_kind check (
    (kind = 'percent' and percent_bp between 1 and 10000 and fixed_amount is null)
    or (kind = 'fixed' and fixed_amount between 1 and 9007199254740991 and currency is not null and percent_bp is null)),
  constraint kind_is_known check (kind in ('percent', 'fixed')),
  constraint minimum_has_a_currency check (minimum_subtotal_amount = 0 or (minimum_subtotal_amount > 0 and currency is not null)),
  constraint limits_are_positive check (max_redemptions > 0 and max_redemptions_per_customer > 0),
  constraint validity_ends_after_it_begins check (valid_until > valid_from)
);
alter table public.discount_codes enable row level security;
revoke all on public.discount_codes from anon, authenticated, service_role;
grant select on public.discount_codes to authenticated;
grant select, insert, update on public.discount_codes to service_role;
create policy discount_codes_are_seen_by_staff on public.discount_codes for select to authenticated
  using ((select ledger.caller_may('orders.read')));
select ledger.audit_hand_edits_of('public.discount_codes', 'code');
comment on table public.discount_codes is
  'Codes off the goods: percent_bp in basis points or fixed_amount in minor units; with a currency they apply to it alone.';

/* How often a code is in use, apart from the code so that orders lock only this. */
create table public.discount_usage (
  discount_code_id uuid primary key references public.discount_codes (id) on delete restrict,
  redemptions bigint not null default 0,
  constraint redemptions_are_not_negative check (redemptions >= 0)
) with (fillfactor = 50);
alter table public.discount_usage enable row level security;
revoke all on public.discount_usage from anon, authenticated, service_role;
grant select on public.discount_usage to authenticated, service_role;
create policy discount_usage_is_seen_by_staff on public.discount_usage for select to authenticated
  using ((select ledger.caller_may('orders.read')));
select ledger.protect_from_hands('public.discount_usage', 'ledger_place_order');
comment on table public.discount_usage is 'Live redemptions per code; a cancelled order gives its redemption back.';

create function ledger.open_discount_usage()
returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_outer text := coalesce(current_setting('ledger.procedure', true), '');
begin
  perform set_config('ledger.procedure', 'open_discount_usage', true);
  insert into public.discount_usage (discount_code_id) values (new.id);
  perform set_config('ledger.procedure', v_outer, true);
  return null;
end $$;
comment on function ledger.open_discount_usage() is 'Trigger on discount_codes: opens the counter of a new code.';

create trigger open_usage_of_new_codes
  after insert on public.discount_codes
  for each row execute function ledger.open_discount_usage();
