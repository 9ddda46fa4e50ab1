/*
 * The bounds for tables that know the account alone. The ids of a customer's accounts are
 * no run, so between the bounds a policy still asks for each row; with one account, as nearly all
 * have, the bounds are it.
 */
create function ledger.first_account_seen(p_permission text)
returns uuid
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_user_id uuid := ledger.only_user_seen(p_permission);
begin
  if v_user_id is null then
    return uuid '00000000-0000-0000-0000-000000000000';
  end if;
  return (select a.id from public.accounts a where a.user_id = v_user_id order by a.id limit 1);
end $$;
comment on function ledger.first_account_seen(text) is 'The least account id whose rows the caller may see; null when there is none.';

create function ledger.last_account_seen(p_permission text)
returns uuid
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_user_id uuid := ledger.only_user_seen(p_permission);
begin
  if v_user_id is null then
    return uuid 'ffffffff-ffff-ffff-ffff-ffffffffffff';
  end if;
  return (select a.id from public.accounts a where a.user_id = v_user_id order by a.id desc limit 1);
end $$;
comment on function ledger.last_account_seen(text) is 'The greatest account id whose rows the caller may see; null when there is none.';
