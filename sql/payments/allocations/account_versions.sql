/*
 * The version of an account at a moment: its last transaction stamped before it. Transactions are stamped
 * with the account locked, so their times rise with account_version, and halving the versions
 * finds it by the primary order in a few look-ups, without an index by time on a table that every
 * order writes.
 */
create function ledger.account_version_before(p_account_id uuid, p_at timestamptz)
returns bigint
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_low bigint := 0;
  v_high bigint := coalesce((select max(t.account_version) from public.transactions t where t.account_id = p_account_id), 0);
  v_middle bigint;
begin
  while v_low < v_high loop
    v_middle := (v_low + v_high + 1) / 2;
    if (select t.created_at from public.transactions t where t.account_id = p_account_id and t.account_version = v_middle) < p_at then
      v_low := v_middle;
    else
      v_high := v_middle - 1;
    end if;
  end loop;
  return v_low;
end $$;
comment on function ledger.account_version_before(uuid, timestamptz) is
  'account_version of an account''s last transaction before a moment; 0 when there is none.';

/* Balances of an account after its transaction of a version: wallet, debt by invoices, unapplied payments. */
create function ledger.balances_at(p_account_id uuid, p_version bigint)
returns jsonb
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_debt record;
begin
  select m.debt_after, m.unapplied_after into v_debt
  from public.debt_movements m
  where m.account_id = p_account_id and m.account_version <= p_version
  order by m.account_version desc
  limit 1;
  return jsonb_build_object(
    'account_version', p_version,
    'wallet_balance', coalesce((select t.balance_after from public.transactions t where t.account_id = p_account_id and t.account_version = p_version), 0),
    'debt_balance', coalesce(v_debt.debt_after, 0),
    'unapplied_balance', coalesce(v_debt.unapplied_after, 0));
end $$;
comment on function ledger.balances_at(uuid, bigint) is
  'Balances (minor units) of an account after a transaction: {account_version, wallet_balance, debt_balance, unapplied_balance}; of zeros before the first.';

/*
 * The transactions of an account after one version and up to another that moved its wallet, its debt or
 * its unapplied payments, in order, at most p_limit. Versions have no gaps, so they are looked through
 * in stretches, longer ones where little is found: what a page costs does not depend on how long the
 * account is.
 */
create function ledger.moving_transactions(p_account_id uuid, p_after bigint, p_last bigint, p_limit integer)
returns table (
  account_version bigint, at timestamptz, type text, transaction_id uuid, order_id uuid, reference_id uuid, description text,
  wallet_change bigint, wallet_balance bigint, debt_change bigint, unapplied_change bigint)
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_left integer := p_limit;
  v_stretch bigint := p_limit;
  v_found integer;
begin
  while v_left > 0 and p_after < p_last loop
    return query
      select t.account_version, t.created_at, t.type, t.id, t.order_id, t.reference_id, t.actor_action,
             t.amount, t.balance_after, coalesce(m.invoiced_change - m.allocated_change, 0), coalesce(m.unapplied_change, 0)
      from public.transactions t
      left join public.debt_movements m on m.account_id = p_account_id and m.account_version = t.account_version
        and m.account_version > p_after and m.account_version <= p_after + v_stretch
      where t.account_id = p_account_id and t.account_version > p_after and t.account_version <= least(p_after + v_stretch, p_last)
        and (t.amount <> 0 or m.account_version is not null)
      order by t.account_version
      limit v_left;
    get diagnostics v_found = row_count;
    v_left := v_left - v_found;
    p_after := p_after + v_stretch;
    v_stretch := least(v_stretch * 2, 5000);
  end loop;
end $$;
comment on function ledger.moving_transactions(uuid, bigint, bigint, integer) is
  'Transactions of an account that moved money or debt, between two versions, in order; amounts in minor units.';
