/*
 * What a system without allocations says of the same money: a payment is allocated or not, to one
 * invoice, and an invoice has a status (source 002, E-A2 and 16.8). A team that comes over keeps its old
 * readers going on these flags while allocations prove themselves. They are counted by themselves, from
 * one allocation to the next, and not copied from the caches, so that a difference shows.
 *
 * allocation_dual_write says whether they are kept: off; shadow, where a flag that cannot be written is
 * noted and the allocation goes on; enforce, where it is refused.
 *
 * No foreign keys: what they refer to cannot be removed, and while the flags take over what is allocated
 * (ledger.fill_old_flags, which holds invoice_balance_cache) a key would wait for an invoice that a
 * credit note is changing, which waits for invoice_balance_cache.
 */
create table public.old_payment_flags (
  payment_id uuid primary key,
  account_id uuid not null,
  allocated_amount bigint not null,
  is_allocated boolean not null generated always as (allocated_amount <> 0) stored,
  invoice_id uuid,
  updated_at timestamptz not null default clock_timestamp(),
  constraint allocated_amount_is_not_negative check (allocated_amount >= 0)
);
alter table public.old_payment_flags enable row level security;
revoke all on public.old_payment_flags from anon, authenticated, service_role;
grant select on public.old_payment_flags to authenticated, service_role;
create policy old_payment_flags_are_seen_by_finance on public.old_payment_flags for select to authenticated
  using ((select ledger.caller_may('accounts.read')));
-- what an account has allocated by its flags
create index old_payment_flags_by_account on public.old_payment_flags (account_id);
select ledger.protect_from_hands('public.old_payment_flags', 'ledger_allocate_payment or ledger_reverse_allocation');
comment on table public.old_payment_flags is 'Payments as a system without allocations sees them; kept while allocation_dual_write is shadow or enforce.';
comment on column public.old_payment_flags.invoice_id is 'The invoice that it went to; null once it went to several, until all of it is reversed.';
comment on column public.old_payment_flags.allocated_amount is 'How much of it, minor units; a flag alone could not say a part.';

create table public.old_invoice_flags (
  invoice_id uuid primary key,
  account_id uuid not null,
  amount bigint not null,
  paid_amount bigint not null,
  status text not null generated always as
    (case when paid_amount = amount then 'paid' when paid_amount = 0 then 'unpaid' else 'partial' end) stored,
  updated_at timestamptz not null default clock_timestamp(),
  constraint paid_at_most_the_amount check (paid_amount between 0 and amount)
);
alter table public.old_invoice_flags enable row level security;
revoke all on public.old_invoice_flags from anon, authenticated, service_role;
grant select on public.old_invoice_flags to authenticated, service_role;
create policy old_invoice_flags_are_seen_by_finance on public.old_invoice_flags for select to authenticated
  using ((select ledger.caller_may('accounts.read')));
-- what an account has open by its flags
create index old_invoice_flags_by_account on public.old_invoice_flags (account_id);
select ledger.protect_from_hands('public.old_invoice_flags', 'ledger_allocate_payment or ledger_reverse_allocation');
comment on table public.old_invoice_flags is 'Invoices as a system without allocations sees them, in minor units; kept like old_payment_flags.';

/* Flags that could not be written while allocation_dual_write was shadow. */
create table public.old_flag_failures (
  id uuid primary key default ledger.uuid_v7(),
  account_id uuid not null,
  payment_id uuid,
  invoice_id uuid not null,
  problem text not null,
  created_at timestamptz not null default clock_timestamp()
);
alter table public.old_flag_failures enable row level security;
revoke all on public.old_flag_failures from anon, authenticated, service_role;
grant select on public.old_flag_failures to authenticated, service_role;
create policy old_flag_failures_are_seen_by_finance on public.old_flag_failures for select to authenticated
  using ((select ledger.caller_may('accounts.read')));
-- the share of failures since the last run of ledger.check_debt_drift
create index old_flag_failures_by_time on public.old_flag_failures (created_at);
select ledger.make_immutable('public.old_flag_failures', 'ledger_allocate_payment or ledger_reverse_allocation');
comment on table public.old_flag_failures is 'Immutable. Old flags that could not be written in the state shadow, with the reason.';

/* Counts an allocation (below zero: its reversal) in the flags of its payment and its invoice; without a payment only what the invoice claims by now. */
create function ledger.write_old_flags(p_account_id uuid, p_payment_id uuid, p_invoice_id uuid, p_amount bigint)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_claimed bigint := (select b.amount from public.invoice_balance_cache b where b.account_id = p_account_id and b.invoice_id = p_invoice_id);
begin
  if p_payment_id is not null then
    insert into public.old_payment_flags (payment_id, account_id, allocated_amount)
    values (p_payment_id, p_account_id, 0)
    on conflict (payment_id) do nothing;
    update public.old_payment_flags f set
      allocated_amount = f.allocated_amount + p_amount,
      invoice_id = case when f.allocated_amount + p_amount = 0 then null
                        when f.allocated_amount = 0 or f.invoice_id = p_invoice_id then p_invoice_id end,
      updated_at = clock_timestamp()
    where f.account_id = p_account_id and f.payment_id = p_payment_id;
  end if;
  insert into public.old_invoice_flags (invoice_id, account_id, amount, paid_amount)
  values (p_invoice_id, p_account_id, v_claimed, 0)
  on conflict (invoice_id) do nothing;
  update public.old_invoice_flags f set
    amount = v_claimed,
    paid_amount = f.paid_amount + p_amount,
    updated_at = clock_timestamp()
  where f.account_id = p_account_id and f.invoice_id = p_invoice_id;
end $$;
comment on function ledger.write_old_flags(uuid, uuid, uuid, bigint) is 'Counts an allocation in the old flags of its payment and its invoice.';

create function ledger.keep_old_flags(p_account_id uuid, p_payment_id uuid, p_invoice_id uuid, p_amount bigint)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_state text := (select f.state from public.feature_flags f where f.key = 'allocation_dual_write');
begin
  if v_state = 'enforce' then
    perform ledger.write_old_flags(p_account_id, p_payment_id, p_invoice_id, p_amount);
  elsif v_state = 'shadow' then
    begin
      perform ledger.write_old_flags(p_account_id, p_payment_id, p_invoice_id, p_amount);
    exception when others then
      insert into public.old_flag_failures (account_id, payment_id, invoice_id, problem)
      values (p_account_id, p_payment_id, p_invoice_id, format('%s (%s)', sqlerrm, sqlstate));
    end;
  end if;
end $$;
comment on function ledger.keep_old_flags(uuid, uuid, uuid, bigint) is 'Keeps the old flags beside allocations, as the flag allocation_dual_write says.';

create function ledger.keep_old_flags_of_allocation()
returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  perform ledger.keep_old_flags(new.account_id, new.payment_id, new.invoice_id, new.allocated_amount);
  return null;
end $$;
comment on function ledger.keep_old_flags_of_allocation() is 'Trigger: an allocation or its reversal, in the old flags.';

create function ledger.keep_old_flag_of_invoice()
returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  perform ledger.keep_old_flags(new.account_id, null, new.invoice_id, 0);
  return null;
end $$;
comment on function ledger.keep_old_flag_of_invoice() is 'Trigger: what an invoice claims, in its old flag.';

-- fires after allocation_counts, so it sees what that wrote
create trigger old_flags_follow after insert on public.payment_allocations
  for each row execute function ledger.keep_old_flags_of_allocation();
create trigger old_flags_follow after insert or update of amount on public.invoice_balance_cache
  for each row execute function ledger.keep_old_flag_of_invoice();

/*
 * Takes over what is allocated so far, when dual writing begins. Every allocation and every new claim
 * writes invoice_balance_cache before it looks at allocation_dual_write, so the lock on that table
 * divides them: those before it are seen here, those after it write flags themselves.
 */
create function ledger.fill_old_flags()
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  lock table public.invoice_balance_cache in share row exclusive mode;
  delete from public.old_payment_flags;
  delete from public.old_invoice_flags;
  insert into public.old_payment_flags (payment_id, account_id, invoice_id, allocated_amount)
  select a.payment_id, a.account_id, case when count(*) = 1 then (array_agg(a.invoice_id))[1] end, sum(a.amount)
  from (select l.account_id, l.payment_id, l.invoice_id, sum(l.allocated_amount) as amount
        from public.payment_allocations l
        group by l.account_id, l.payment_id, l.invoice_id
        having sum(l.allocated_amount) <> 0) a
  group by a.payment_id, a.account_id;
  insert into public.old_invoice_flags (invoice_id, account_id, amount, paid_amount)
  select b.invoice_id, b.account_id, b.amount, coalesce(sum(l.allocated_amount), 0)
  from public.invoice_balance_cache b
  left join public.payment_allocations l on l.invoice_id = b.invoice_id
  group by b.invoice_id;
end $$;
comment on function ledger.fill_old_flags() is 'Writes the old flags of everything that is allocated now.';
