/* The only table that refers to auth.users: everything that moves money knows a user by id alone. */
create table public.profiles (
  id uuid primary key references auth.users (id) on delete restrict,
  display_name text,
  referral_code text not null unique default upper(substr(replace(gen_random_uuid()::text, '-', ''), 1, 10)),
  created_at timestamptz not null default clock_timestamp(),
  erased_at timestamptz,
  constraint display_name_is_short check (length(display_name) <= 200),
  constraint the_erased_have_no_name check (erased_at is null or display_name is null)
);
alter table public.profiles enable row level security;
revoke all on public.profiles from anon, authenticated, service_role;
grant select on public.profiles to authenticated, service_role;
comment on table public.profiles is
  'A person known to the shop. A user with a profile cannot be deleted from auth.users: the books refer to the person.';
comment on column public.profiles.referral_code is 'What a new customer quotes to ledger_register_referral.';

comment on column public.profiles.erased_at is 'When profile_erase made this person nobody in particular; nothing can be ordered or kept for them since.';

-- everything else of a profile may be edited by hand, which is audited; that somebody was erased is known from this column alone
create trigger erased_at_comes_from_procedures before update of erased_at on public.profiles
  for each statement execute function ledger.refuse_hand_edit('profiles', 'profile_erase');
select ledger.enable_always('public.profiles', array['erased_at_comes_from_procedures']);

/* Money and words are for nobody once a person is erased. The caller holds a lock that profile_erase takes too. */
create function ledger.refuse_erased(p_user_id uuid)
returns jsonb
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  return (select ledger.refuse('customer_not_found', jsonb_build_object('user_id', p_user_id))
          from public.profiles p
          where p.id = p_user_id and p.erased_at is not null);
end $$;
comment on function ledger.refuse_erased(uuid) is 'The refusal for giving or asking anything in the name of a person who was erased, or null.';

/* Runs inside sign-up, so it does as little as can fail. */
create function ledger.create_profile()
returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_outer text := coalesce(current_setting('ledger.procedure', true), '');
begin
  perform set_config('ledger.procedure', 'create_profile', true);
  insert into public.profiles (id, display_name)
  values (new.id, left(new.raw_user_meta_data ->> 'display_name', 200))
  on conflict (id) do nothing;
  perform set_config('ledger.procedure', v_outer, true);
  return new;
end $$;
comment on function ledger.create_profile() is 'Trigger on auth.users: every user who signs up has a profile.';

create trigger create_profile_at_sign_up
  after insert on auth.users
  for each row execute function ledger.create_profile();
