-- To ask as somebody, and to see what it changed. `who` is the identifier of a user (see
-- tests.create_supabase_user), or 'anon', 'service_role', 'postgres', or 'nobody': a request with
-- the role authenticated and no user in its token. All of it leaves the role as it was.

/* The role and the claims from here on. */
create or replace function tests.become(who text) returns void
language plpgsql set search_path = '' as $$
begin
  case who
    when 'anon' then perform tests.clear_authentication();
    when 'service_role' then perform tests.authenticate_as_service_role();
    when 'postgres' then
      perform set_config('request.jwt.claims', '', true);
      perform set_config('role', 'none', true);
    when 'nobody' then
      perform set_config('request.jwt.claims', '{"role": "authenticated"}', true);
      perform set_config('role', 'authenticated', true);
    else perform tests.authenticate_as(who);
  end case;
end $$;

/*
 * Runs a statement as somebody. Answers 'success' or the error_code when it answers like a
 * procedure, else 'done'; the SQLSTATE when it raises. What succeeded stays.
 */
create or replace function tests.outcome_as(who text, statement text) returns text
language plpgsql set search_path = '' as $$
declare
  v_role text := current_setting('role');
  v_claims text := current_setting('request.jwt.claims', true);
  v_row record;
  v_answer jsonb := '{}';
begin
  perform tests.become(who);
  if statement ~* '^\s*select' then
    execute statement into v_row;
    v_answer := to_jsonb(v_row);
  else
    execute statement;
  end if;
  perform set_config('request.jwt.claims', v_claims, true), set_config('role', v_role, true);
  return case when v_answer ? 'success' then coalesce(v_answer ->> 'error_code', 'success') else 'done' end;
exception when others then
  return sqlstate;
end $$;

/* The same, and whatever it did is undone. */
create or replace function tests.try_as(who text, statement text) returns text
language plpgsql set search_path = '' as $$
declare
  v_outcome text;
begin
  v_outcome := tests.outcome_as(who, statement);
  raise exception using errcode = 'TRIED', message = v_outcome;
exception when sqlstate 'TRIED' then
  return sqlerrm;
end $$;

/* 'SQLSTATE: message (hint)' of a statement that raises; null when it does not, and then it is undone. */
create or replace function tests.error_as(who text, statement text) returns text
language plpgsql set search_path = '' as $$
declare
  v_message text;
  v_hint text;
begin
  begin
    perform tests.become(who);
    execute statement;
    raise exception using errcode = 'TRIED';
  exception
    when sqlstate 'TRIED' then
      return null;
    when others then
      get stacked diagnostics v_message = message_text, v_hint = pg_exception_hint;
      return format('%s: %s (%s)', sqlstate, v_message, v_hint);
  end;
end $$;

/* How many rows somebody sees of a table or query; the SQLSTATE when they may not ask. */
create or replace function tests.count_as(who text, source text) returns text
language plpgsql set search_path = '' as $$
declare
  v_role text := current_setting('role');
  v_claims text := current_setting('request.jwt.claims', true);
  v_count text;
begin
  perform tests.become(who);
  execute format('select count(*) from %s q', source) into v_count;
  perform set_config('request.jwt.claims', v_claims, true), set_config('role', v_role, true);
  return v_count;
exception when others then
  return sqlstate;
end $$;

/*
 * A digest of every row of every table, per table: two are equal when nothing has changed. The
 * rate limits' buckets are left out, a refused call takes a token too.
 */
create or replace function tests.state() returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  v_state jsonb := '{}';
  v_table regclass;
  v_digest text;
begin
  for v_table in
    select c.oid::regclass from pg_catalog.pg_class c
    where c.relnamespace in ('public'::regnamespace, 'ledger'::regnamespace) and c.relkind in ('r', 'p')
      and not c.relispartition and c.oid <> 'ledger.rate_limit_buckets'::regclass
    order by c.oid::regclass::text
  loop
    execute format('select md5(coalesce(string_agg(t::text, ''/'' order by t::text), '''')) from %s t', v_table) into v_digest;
    v_state := v_state || jsonb_build_object(v_table::text, v_digest);
  end loop;
  return v_state;
end $$;

/* Which tables differ between two states; null when none does. */
create or replace function tests.changes(state_before jsonb, state_after jsonb) returns text
language sql immutable set search_path = '' as $$
  select string_agg(k.key, ', ' order by k.key)
  from jsonb_object_keys(state_before || state_after) k (key)
  where state_before -> k.key is distinct from state_after -> k.key;
$$;

/*
 * Writes past every guard, as an owner who means it could: for this one statement foreign keys and
 * ordinary triggers are switched off, and so are the guards, which stay on in replica mode, of the
 * tables that it names.
 */
create or replace function tests.tamper(statement text) returns void
language plpgsql set search_path = '' as $$
declare
  v_guards text[] := array(
    select format('alter table %s %%s trigger %I', t.tgrelid::regclass, t.tgname)
    from pg_catalog.pg_trigger t
    join pg_catalog.pg_class c on c.oid = t.tgrelid
    left join pg_catalog.pg_inherits i on i.inhrelid = c.oid
    left join pg_catalog.pg_class p on p.oid = i.inhparent
    where t.tgenabled = 'A' and not t.tgisinternal and position(coalesce(p.relname, c.relname) in statement) > 0);
  v_guard text;
begin
  -- a table with checks that wait for the commit cannot be altered
  set constraints all immediate;
  foreach v_guard in array v_guards loop
    execute format(v_guard, 'disable');
  end loop;
  perform set_config('session_replication_role', 'replica', true);
  execute statement;
  perform set_config('session_replication_role', 'origin', true);
  foreach v_guard in array v_guards loop
    execute format(v_guard, 'enable always');
  end loop;
  set constraints all deferred;
end $$;

begin;
select plan(1);
select has_function('tests', 'outcome_as', 'the helpers to ask as somebody are in place');
select * from finish();
rollback;
