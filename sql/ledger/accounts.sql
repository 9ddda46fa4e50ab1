/* One row per customer and currency: the four totals and what follows from them (source 003). */
create table public.accounts (
  id uuid primary key,
  user_id uuid not null,
  currency text not null references public.currencies (code) on delete restrict,
  total_earned bigint not null default 0,
  total_withdrawn bigint not null default 0,
  total_pending_withdrawals bigint not null default 0,
  total_orders bigint not null default 0,
  available_balance bigint not null generated always as
    (total_earned - total_withdrawn - total_pending_withdrawals - total_orders) stored,
  version bigint not null default 0,
  frozen_reason text,
  created_at timestamptz not null default clock_timestamp(),
  updated_at timestamptz not null default clock_timestamp(),
  unique (user_id, currency),
  constraint totals_are_exact check (
    greatest(abs(total_earned), total_withdrawn, total_pending_withdrawals, total_orders) <= 9007199254740991),
  constraint spent_totals_are_not_negative check (least(total_withdrawn, total_pending_withdrawals, total_orders) >= 0),
  constraint frozen_reason_says_something check (frozen_reason <> '')
) with (fillfactor = 70);
alter table public.accounts enable row level security;
revoke all on public.accounts from anon, authenticated, service_role;
grant select on public.accounts to authenticated, service_role;
create policy accounts_are_seen_by_their_owner_and_staff on public.accounts for select to authenticated
  using (user_id >= (select ledger.first_user_seen('accounts.read'))
         and user_id <= (select ledger.last_user_seen('accounts.read')));
select ledger.protect_from_hands('public.accounts', 'ledger_credit_account (or ledger_place_order, ledger_change_order_status, ledger_request_withdrawal, ledger_freeze_account)');
comment on table public.accounts is 'Balance of a customer in one currency, in minor units. Written by procedures only.';
comment on column public.accounts.id is 'ledger.account_id(user_id, currency): known without a look-up, so a router can shard by it.';
comment on column public.accounts.total_earned is 'Credits, adjustments, commissions and vendors'' shares; below zero when more was clawed back or adjusted away than is left of them.';
comment on column public.accounts.total_orders is 'Rises when the wallet pays for an order, falls when it is cancelled or refunded to the wallet (source 003).';
comment on column public.accounts.available_balance is 'May be negative only after a commission or a vendor''s share was clawed back.';
comment on column public.accounts.version is 'Number of transactions; transactions.account_version counts it.';
comment on column public.accounts.frozen_reason is 'Why nothing can be spent or withdrawn; null when the account is not frozen.';

create function ledger.account_id(p_user_id uuid, p_currency text)
returns uuid
language sql immutable strict parallel safe
return md5(p_user_id::text || p_currency)::uuid;
comment on function ledger.account_id(uuid, text) is 'The id of a customer''s account in a currency, whether it is open or not.';

/*
 * Lock step "accounts by id", for accounts that are open and those that are not yet: an account
 * without a row is locked by its id, so that two first orders, or a first order and a commission,
 * keep the same order as everybody else. Opens what is missing unless told not to.
 */
create function ledger.lock_accounts(p_user_ids uuid[], p_currency text, p_open boolean default true)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_id uuid;
  v_user_id uuid;
begin
  for v_id, v_user_id in
    select distinct ledger.account_id(u.user_id, p_currency) as id, u.user_id from unnest(p_user_ids) u (user_id) order by 1
  loop
    perform from public.accounts a where a.id = v_id for no key update;
    continue when found;
    perform pg_advisory_xact_lock(hashtextextended('account ' || v_id::text, 0));
    perform from public.accounts a where a.id = v_id for no key update;
    continue when found;
    -- the person stays while their first account is being opened
    perform from public.profiles p where p.id = v_user_id for key share;
    continue when not p_open;
    if not found then
      raise exception using errcode = 'foreign_key_violation', message = format('there is no customer %s', v_user_id);
    end if;
    insert into public.accounts (id, user_id, currency) values (v_id, v_user_id, p_currency);
  end loop;
end $$;
comment on function ledger.lock_accounts(uuid[], text, boolean) is
  'Locks the accounts of these customers in one currency, by id, and opens those that are missing (unless p_open is false).';

/* The same for one account, which is what most procedures need; answers its row, of nulls when it is not open. */
create function ledger.lock_account(p_user_id uuid, p_currency text, p_open boolean default true)
returns public.accounts
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_id uuid := ledger.account_id(p_user_id, p_currency);
  v_account public.accounts;
begin
  select a.* into v_account from public.accounts a where a.id = v_id for no key update;
  if not found then
    perform ledger.lock_accounts(array[p_user_id], p_currency, p_open);
    select a.* into v_account from public.accounts a where a.id = v_id;
  end if;
  return v_account;
end $$;
comment on function ledger.lock_account(uuid, text, boolean) is
  'Locks a customer''s account in a currency, opens it if it is missing (unless p_open is false), and answers it.';

/* Why an account that is not open cannot be opened: there is no such customer, or no such currency. */
create function ledger.refuse_opening(p_user_id uuid, p_currency text)
returns jsonb
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  return case
    when not exists (select from public.profiles p where p.id = p_user_id and p.erased_at is null) then
      ledger.refuse('customer_not_found', jsonb_build_object('user_id', p_user_id))
    when not exists (select from public.currencies c where c.code = p_currency) then
      ledger.refuse('unknown_currency', jsonb_build_object('currency', p_currency,
        'known', (select string_agg(c.code, ', ' order by c.code) from public.currencies c)))
  end;
end $$;
comment on function ledger.refuse_opening(uuid, text) is 'The refusal for opening an account for nobody or in no currency, or null.';

/* A person with books stays: the profile is what keeps the user in auth.users. */
create function ledger.keep_profile_with_books()
returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  if exists (select from public.accounts a where a.user_id = old.id) then
    raise exception using
      errcode = 'insufficient_privilege',
      message = format('%s of the profile of %s is refused: the books refer to this person', lower(tg_op), old.id),
      hint = 'Change what the profile says, not who it is.';
  end if;
  return case tg_op when 'DELETE' then old else new end;
end $$;
comment on function ledger.keep_profile_with_books() is 'Trigger: refuses removing or renumbering a profile that has accounts.';

create trigger profiles_with_books_stay before delete or update of id on public.profiles
  for each row execute function ledger.keep_profile_with_books();
select ledger.enable_always('public.profiles', array['profiles_with_books_stay']);
