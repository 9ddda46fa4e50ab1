/*
 * Whose rows the caller may read, as bounds that an index understands. "Their own, or all with the
 * permission" is an OR, and reads the whole table: the planner cannot know which side is true. One
 * range is good for both: from the customer to the customer, or over everybody.
 */
create function ledger.only_user_seen(p_permission text)
returns uuid
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  if ledger.caller_may(p_permission) then
    return null;
  end if;
  -- a token without a user is nobody, and not everybody
  return coalesce(auth.uid(), uuid '00000000-0000-0000-0000-000000000000');
end $$;
comment on function ledger.only_user_seen(text) is
  'The caller''s id when they see their own rows only; null when they have the permission and see everybody''s.';

/* Views ask with their reader: a role that policies do not bind sees all through them too. */
create function ledger.first_user_seen(p_permission text, p_reader name default null)
returns uuid
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  if p_reader <> 'authenticated' and exists (
    select from pg_catalog.pg_roles r where r.rolname = p_reader and (r.rolbypassrls or r.rolsuper)) then
    return uuid '00000000-0000-0000-0000-000000000000';
  end if;
  return coalesce(ledger.only_user_seen(p_permission), uuid '00000000-0000-0000-0000-000000000000');
end $$;
comment on function ledger.first_user_seen(text, name) is 'The least user id whose rows the caller may see.';

create function ledger.last_user_seen(p_permission text, p_reader name default null)
returns uuid
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  if p_reader <> 'authenticated' and exists (
    select from pg_catalog.pg_roles r where r.rolname = p_reader and (r.rolbypassrls or r.rolsuper)) then
    return uuid 'ffffffff-ffff-ffff-ffff-ffffffffffff';
  end if;
  return coalesce(ledger.only_user_seen(p_permission), uuid 'ffffffff-ffff-ffff-ffff-ffffffffffff');
end $$;
comment on function ledger.last_user_seen(text, name) is 'The greatest user id whose rows the caller may see.';
