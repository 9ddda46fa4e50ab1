-- Every user who signs up has a profile and a referral code; nothing a sign-up may contain stops it.
begin;
select plan(18);
select tests.create_supabase_user('ann', metadata => '{"display_name": "Ann"}');
select results_eq($$ select display_name, referral_code ~ '^[0-9A-F]{10}$' from public.profiles where id = tests.get_supabase_uid('ann') $$, $$ values ('Ann', true) $$,
  'the profile has the name given at sign-up and a code of ten characters');
select is_empty($$ select from public.accounts where user_id = tests.get_supabase_uid('ann') $$, 'no account is opened before money moves');
select is((select count(*)::int from public.user_roles where user_id = tests.get_supabase_uid('ann')), 0, 'a new user is a customer: no staff role');

create function pg_temp.sign_up(p_metadata jsonb) returns text language plpgsql as $$
declare
  v_id uuid := gen_random_uuid();
begin
  insert into auth.users (id, email, raw_user_meta_data) values (v_id, v_id || '@test.invalid', p_metadata);
  return (select coalesce(left(p.display_name, 20), 'no name') from public.profiles p where p.id = v_id);
end $$;
select is(pg_temp.sign_up(metadata), expected, format('signing up with %s works', coalesce(left(metadata::text, 60), 'no metadata'))) from (values
  (null::jsonb, 'no name'), ('{}', 'no name'), ('{"display_name": null}', 'no name'), ('{"display_name": ""}', ''), ('{"display_name": 7}', '7'),
  ('{"display_name": {"a": 1}}', '{"a": 1}'), ('[]', 'no name'), ('"text"', 'no name'), (jsonb_build_object('display_name', repeat('x', 5000)), repeat('x', 20)),
  ('{"display_name": "سارة \u202e"}', U&'\0633\0627\0631\0629 \202E')) v (metadata, expected);
select is((select max(length(display_name)) from public.profiles), 200, 'a long name is cut to 200 characters');
select is((select count(distinct referral_code) from public.profiles), (select count(*) from public.profiles), 'no two profiles share a referral code');
-- a profile that is there already stays as it is
select throws_ok($$ insert into auth.users (id, email) values (tests.get_supabase_uid('ann'), 'other@test.invalid') $$, '23505', null, 'a user signs up once');
select is((select display_name from public.profiles where id = tests.get_supabase_uid('ann')), 'Ann', 'and keeps their name');
select throws_ok($$ delete from auth.users where id = tests.get_supabase_uid('ann') $$, '23503', null, 'a user with a profile cannot be deleted');
select * from finish();
rollback;
