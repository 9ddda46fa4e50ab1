/*
 * What accounts owe, added up from invoices, allocations and payments and not from any cache: live
 * invoices' amounts, live and reversed allocations, payments' remainders. Of one account, or of all.
 */
create function ledger.recomputed_debts(p_account_id uuid default null)
returns table (account_id uuid, invoiced_amount bigint, allocated_amount bigint, unapplied_amount bigint)
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  -- two statements, for the plan of one account is none for all of them
  if p_account_id is not null then
    return query
      select p_account_id,
             coalesce((select sum(i.amount) from public.invoices i where i.account_id = p_account_id), 0)::bigint,
             coalesce((select sum(l.allocated_amount) from public.payment_allocations l where l.account_id = p_account_id), 0)::bigint,
             coalesce((select sum(case p.status when 'captured' then p.unapplied_amount + p.allocated_amount - coalesce(a.amount, 0) else 0 end)
                       from public.payments p
                       left join (select l.payment_id, sum(l.allocated_amount) as amount
                                  from public.payment_allocations l
                                  where l.account_id = p_account_id
                                  group by l.payment_id) a on a.payment_id = p.id
                       where p.account_id = p_account_id), 0)::bigint;
    return;
  end if;
  return query
    with invoiced as (
      select i.account_id, sum(i.amount)::bigint as amount from public.invoices i group by i.account_id),
    given as (
      select l.account_id, l.payment_id, sum(l.allocated_amount)::bigint as amount from public.payment_allocations l group by l.account_id, l.payment_id),
    paid as (
      select p.account_id, sum(coalesce(g.amount, 0))::bigint as allocated,
             sum(case p.status when 'captured' then p.unapplied_amount + p.allocated_amount - coalesce(g.amount, 0) else 0 end)::bigint as unapplied
      from public.payments p
      left join given g on g.payment_id = p.id
      group by p.account_id)
    select coalesce(i.account_id, p.account_id), coalesce(i.amount, 0)::bigint, coalesce(p.allocated, 0)::bigint, coalesce(p.unapplied, 0)::bigint
    from invoiced i
    full join paid p on p.account_id = i.account_id;
end $$;
comment on function ledger.recomputed_debts(uuid) is
  'Invoiced, allocated and unapplied amount (minor units) of an account, or of all, recomputed from invoices, allocations and payments.';

/*
 * The same replayed from events alone: the sums of their debt_effect. Events have no index by account, so
 * of one account they are found by the streams that such an event can be of: its orders, invoices and
 * payments, and itself.
 */
create function ledger.replayed_debts(p_account_id uuid default null)
returns table (account_id uuid, invoiced_amount bigint, allocated_amount bigint, unapplied_amount bigint)
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  if p_account_id is not null then
    return query
      with streams as (
        select o.id from public.orders o where o.account_id = p_account_id and o.user_id = (select a.user_id from public.accounts a where a.id = p_account_id)
        union all select i.id from public.invoices i where i.account_id = p_account_id
        union all select p.id from public.payments p where p.account_id = p_account_id
        union all select p_account_id)
      select p_account_id,
             coalesce(sum((e.payload #>> '{debt_effect,invoiced}')::bigint), 0)::bigint,
             coalesce(sum((e.payload #>> '{debt_effect,allocated}')::bigint), 0)::bigint,
             coalesce(sum((e.payload #>> '{debt_effect,unapplied}')::bigint), 0)::bigint
      from streams s
      join public.immutable_events e on e.stream_id = s.id and e.account_id = p_account_id
      where e.payload ? 'debt_effect';
    return;
  end if;
  return query
    select e.account_id,
           coalesce(sum((e.payload #>> '{debt_effect,invoiced}')::bigint), 0)::bigint,
           coalesce(sum((e.payload #>> '{debt_effect,allocated}')::bigint), 0)::bigint,
           coalesce(sum((e.payload #>> '{debt_effect,unapplied}')::bigint), 0)::bigint
    from public.immutable_events e
    where e.payload ? 'debt_effect'
    group by e.account_id;
end $$;
comment on function ledger.replayed_debts(uuid) is
  'Invoiced, allocated and unapplied amount (minor units) of an account, or of all, replayed from events alone.';

/*
 * Whether the debt of an account is read from the cache: the flag allocation_read_switch, off (recomputed),
 * full, or canary for the share of accounts that its percentage says. The same account falls on the
 * same side every time, and stays in when the share grows.
 */
create function ledger.reads_debt_from_cache(p_account_id uuid)
returns boolean
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_flag public.feature_flags;
begin
  select f.* into v_flag from public.feature_flags f where f.key = 'allocation_read_switch';
  return case v_flag.state
    when 'full' then true
    when 'canary' then mod(hashtextextended(p_account_id::text, 0) & 9223372036854775807, 100) < v_flag.percentage
    else false end;
end $$;
comment on function ledger.reads_debt_from_cache(uuid) is 'Whether account_debt reads account_debt_cache for this account, as allocation_read_switch says.';
