-- Helpers for the tests of this folder, with the names that Supabase users know. They stay when the
-- file is done: `supabase test db` runs it first because of its name, `npm run test:db` as well.

create schema if not exists tests;
grant usage on schema tests to anon, authenticated, service_role;
alter default privileges in schema tests grant execute on functions to anon, authenticated, service_role;

/* A user who has signed up; the identifier is how the other helpers know them. */
create or replace function tests.create_supabase_user(
  identifier text, email text default null, phone text default null, metadata jsonb default '{}'
) returns uuid language plpgsql set search_path = '' as $$
declare
  v_id uuid := gen_random_uuid();
begin
  insert into auth.users (
    id, aud, role, email, phone, email_confirmed_at, raw_user_meta_data, raw_app_meta_data,
    created_at, updated_at
  ) values (
    v_id, 'authenticated', 'authenticated',
    coalesce(create_supabase_user.email, v_id || '@test.invalid'), create_supabase_user.phone,
    now(), metadata || jsonb_build_object('test_identifier', identifier), '{}', now(), now()
  );
  return v_id;
end $$;

create or replace function tests.get_supabase_uid(identifier text) returns uuid
language plpgsql stable security definer set search_path = '' as $$
declare
  v_id uuid;
begin
  select u.id into v_id from auth.users u
  where u.raw_user_meta_data ->> 'test_identifier' = get_supabase_uid.identifier;
  if v_id is null then
    raise exception 'User with identifier % not found', identifier;
  end if;
  return v_id;
end $$;

/* From here to the end of the transaction, or the next such call, it is this user who speaks. */
create or replace function tests.authenticate_as(identifier text) returns void
language plpgsql set search_path = '' as $$
declare
  v_id uuid := tests.get_supabase_uid(identifier);
begin
  perform set_config('request.jwt.claims', jsonb_build_object(
    'sub', v_id, 'role', 'authenticated', 'aud', 'authenticated', 'aal', 'aal1'
  )::text, true);
  perform set_config('role', 'authenticated', true);
end $$;

create or replace function tests.authenticate_as_service_role() returns void
language plpgsql set search_path = '' as $$
begin
  perform set_config('request.jwt.claims', '{"role": "service_role"}', true);
  perform set_config('role', 'service_role', true);
end $$;

/* Nobody: as a request without a user's token. `reset role` is the way back to postgres. */
create or replace function tests.clear_authentication() returns void
language plpgsql set search_path = '' as $$
begin
  perform set_config('request.jwt.claims', '', true);
  perform set_config('role', 'anon', true);
end $$;

begin;
select plan(1);
select has_function('tests', 'authenticate_as', 'the helpers are in place');
select * from finish();
rollback;
