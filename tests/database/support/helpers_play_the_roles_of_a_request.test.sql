begin;
select plan(8);

select tests.create_supabase_user('ann');
select throws_ok($$ select tests.authenticate_as('nobody') $$,
  'User with identifier nobody not found', 'an unknown identifier is an error');

select tests.authenticate_as('ann');
select is(auth.uid(), tests.get_supabase_uid('ann'), 'auth.uid() is the user');
select is(current_user::text, 'authenticated', 'the role is authenticated');

select tests.clear_authentication();
select is(auth.uid(), null, 'nobody has no id');
select is(current_user::text, 'anon', 'the role is anon');

select tests.authenticate_as_service_role();
select is(auth.role(), 'service_role', 'auth.role() is service_role');
select is(current_user::text, 'service_role', 'the role is service_role');

reset role;
select is(current_user::text, 'postgres', 'reset role leads back to postgres');

select * from finish();
rollback;
