/* Who is acting: a signed-in user, or a backend (service_role, or the owner's own session). */
create type ledger.actor as (
  user_id uuid,
  is_system boolean,
  caller_id uuid
);
comment on type ledger.actor is
  'user_id: who is recorded as acting; is_system: a backend, with all permissions; caller_id: whose idempotency keys these are (the nil UUID for backends).';

/*
 * current_setting('role') is the role PostgREST (or SET ROLE) chose, also inside definer functions,
 * where current_user is the owner. Anything that is not known to be a backend is a user or nobody.
 */
create function ledger.role_of_call()
returns text
language sql stable
return coalesce(nullif(nullif(current_setting('role', true), ''), 'none'), session_user);
comment on function ledger.role_of_call() is 'The role the caller acts in: the one that was set, else the one that signed in to the database.';

create function ledger.is_backend_call()
returns boolean
language sql stable
return ledger.role_of_call() in ('service_role', 'postgres', 'supabase_admin');
comment on function ledger.is_backend_call() is 'Whether a backend calls: service_role, or the owner in a direct session.';

/*
 * Refused calls raise and leave nothing, but a sequence keeps what it has counted. Not from a call that
 * may only read, as GET requests do: there a sequence cannot move.
 */
create sequence ledger.denied_calls_seq as bigint;

create function ledger.count_denied_call()
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  if current_setting('transaction_read_only') = 'off' then
    perform nextval('ledger.denied_calls_seq');
  end if;
end $$;
comment on function ledger.count_denied_call() is 'Counts a call that was refused because the caller may not make it; the count outlives the call.';

create function ledger.current_actor(p_actor_id uuid default null)
returns ledger.actor
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_user_id uuid;
begin
  if ledger.is_backend_call() then
    return row(p_actor_id, true, '00000000-0000-0000-0000-000000000000')::ledger.actor;
  end if;
  if current_setting('role', true) = 'authenticated' then
    v_user_id := auth.uid();
  end if;
  if v_user_id is null then
    raise exception using errcode = 'insufficient_privilege',
      message = 'nobody is signed in', hint = 'Sign in and send the user''s access token.';
  end if;
  if p_actor_id is not null and p_actor_id is distinct from v_user_id then
    perform ledger.count_denied_call();
    raise exception using errcode = 'insufficient_privilege',
      message = 'p_actor_id names somebody else', hint = 'Only a backend with the secret key may act for others; leave p_actor_id out.';
  end if;
  return row(v_user_id, false, v_user_id)::ledger.actor;
end $$;
comment on function ledger.current_actor(uuid) is
  'The acting user, or a backend and for whom it acts. Raises 42501 when nobody is signed in.';

create function ledger.has_permission(p_actor ledger.actor, p_permission text)
returns boolean
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  if p_actor.is_system then
    return true;
  end if;
  return exists (
    select from public.user_roles u
    join public.role_permissions r on r.role = u.role
    where u.user_id = p_actor.user_id and r.permission = p_permission);
end $$;
comment on function ledger.has_permission(ledger.actor, text) is 'Whether the actor has a permission; a backend has all.';

create function ledger.require_permission(p_actor ledger.actor, p_permission text)
returns ledger.actor
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  if not p_actor.is_system and not ledger.has_permission(p_actor, p_permission) then
    perform ledger.count_denied_call();
    raise exception using errcode = 'insufficient_privilege',
      message = format('this needs the permission "%s"', p_permission),
      hint = format('Roles that have it: %s.', coalesce(
        (select string_agg(r.role, ', ' order by r.role) from public.role_permissions r where r.permission = p_permission), 'none'));
  end if;
  return p_actor;
end $$;
comment on function ledger.require_permission(ledger.actor, text) is 'The actor; raises 42501 when they lack the permission.';

/* Both at once, for the hot procedures: a backend is not asked twice. */
create function ledger.actor_with(p_actor_id uuid, p_permission text)
returns ledger.actor
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  if ledger.is_backend_call() then
    return row(p_actor_id, true, '00000000-0000-0000-0000-000000000000')::ledger.actor;
  end if;
  return ledger.require_permission(ledger.current_actor(p_actor_id), p_permission);
end $$;
comment on function ledger.actor_with(uuid, text) is
  'The acting user, who has the permission, or a backend and for whom it acts. Raises 42501 otherwise.';

/* The caller's own permissions, for row-level policies: `(select ledger.caller_may('orders.read'))`. */
create function ledger.caller_may(p_permission text)
returns boolean
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  return exists (
    select from public.user_roles u
    join public.role_permissions r on r.role = u.role
    where u.user_id = auth.uid() and r.permission = p_permission);
end $$;
comment on function ledger.caller_may(text) is 'Whether the signed-in user has a permission.';

/* The customer a call is about: the caller, or somebody else with the permission for that. */
create function ledger.customer_of_call(p_actor ledger.actor, p_user_id uuid, p_permission text)
returns uuid
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  if not p_actor.is_system and p_user_id is not null and p_user_id is distinct from p_actor.user_id then
    p_actor := ledger.require_permission(p_actor, p_permission);
  end if;
  return coalesce(p_user_id, p_actor.user_id);
end $$;
comment on function ledger.customer_of_call(ledger.actor, uuid, text) is
  'p_user_id, or the caller when it is null; raises 42501 when the caller may not act for p_user_id.';
