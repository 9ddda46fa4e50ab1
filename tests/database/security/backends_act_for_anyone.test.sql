-- DESIGN rule 8: service_role may act for anyone and say for whom; nobody else is taken for a backend.
begin;
select plan(19);
select tests.open_shop();
create temp table ids as
  select tests.get_supabase_uid('ann') as ann, tests.get_supabase_uid('bob') as bob, tests.get_supabase_uid('finance') as finance,
         tests.items('MUG') as items;

-- who is recorded
select is(tests.outcome_as('service_role', format('select * from public.ledger_credit_account(%L, 111, p_actor_id => %L)', bob, finance)), 'success',
  'a backend credits in the name of a staff member') from ids;
select results_eq($$ select t.amount, t.actor_id from public.transactions t where t.amount = 111 $$, 'select 111::bigint, finance from ids',
  'the transaction names the staff member as the one who acted');
select results_eq($$ select e.actor_id from public.immutable_events e where e.payload ->> 'amount' = '111' $$, 'select finance from ids',
  'the event names them too');
select results_eq($$ select a.actor_id, a.actor_role from public.audit_log a order by a.id desc limit 1 $$, $$ select finance, 'service_role'::text from ids $$,
  'the audit log names them, and the role that really called');
select is(tests.outcome_as('service_role', format('select * from public.ledger_place_order(%L, p_user_id => %L)', items, bob)), 'success',
  'a backend places an order for a customer') from ids;
select results_eq($$ select o.user_id, o.placed_by from public.orders o order by o.id desc limit 1 $$, 'select bob, null::uuid from ids',
  'the order is the customer''s, and placed by nobody else');
select is(tests.outcome_as('service_role', format('select * from public.ledger_place_order(%L)', items)), 'customer_required',
  'a backend that names no customer is asked for one') from ids;
select is(tests.outcome_as('service_role', 'select * from public.ledger_request_withdrawal(1, ''{"iban": "X"}'')'), 'customer_required',
  'also for a withdrawal');
select is(tests.outcome_as('service_role', format('select * from public.ledger_place_order(%L, p_user_id => %L)', items, gen_random_uuid())), 'customer_not_found',
  'a backend cannot order for somebody who does not exist') from ids;
select is(tests.outcome_as('admin', format('select * from public.ledger_place_order(%L, p_user_id => %L)', items, bob)), 'success',
  'staff with orders.place place an order for a customer') from ids;
select results_eq($$ select o.user_id, o.placed_by from public.orders o order by o.id desc limit 1 $$, $$ select bob, tests.get_supabase_uid('admin') from ids $$,
  'and the order says who placed it');
select is(tests.outcome_as('postgres', format('select * from public.ledger_credit_account(%L, 5)', bob)), 'success',
  'the owner''s own session (the dashboard, a job) is a backend') from ids;

-- who is not a backend: the role decides, whatever the token says
select set_config('request.jwt.claims', '{"role": "service_role"}', true), set_config('role', 'authenticated', true);
select throws_ok($$ select * from public.integrity_check_books() $$, '42501', 'nobody is signed in', 'a token that calls itself service_role does not make a backend');
select set_config('request.jwt.claims', '{"sub": "", "role": "authenticated"}', true);
select throws_ok($$ select * from public.integrity_check_books() $$, '22P02', null, 'an empty sub is nobody, and no UUID either');
select set_config('request.jwt.claims', '{"sub": null}', true);
select throws_ok($$ select * from public.integrity_check_books() $$, '42501', 'nobody is signed in', 'a sub of null is nobody');
select set_config('request.jwt.claims', '', true);
select throws_ok($$ select * from public.integrity_check_books() $$, '42501', 'nobody is signed in', 'no token is nobody');
select set_config('request.jwt.claims', '{"sub": "not-a-uuid"}', true);
select throws_ok($$ select * from public.integrity_check_books() $$, '22P02', null, 'a sub that is no UUID is nobody');
reset role;
-- a signed-in user's token in a role that is not authenticated
create role outsider;
grant outsider to current_user;
grant execute on function public.integrity_check_books() to outsider;
create function pg_temp.as_outsider(p_user uuid) returns text language plpgsql as $$
begin
  perform set_config('request.jwt.claims', jsonb_build_object('sub', p_user, 'role', 'authenticated')::text, true), set_config('role', 'outsider', true);
  perform public.integrity_check_books();
  perform set_config('role', 'none', true);
  return 'answered';
exception when others then
  return sqlstate || ': ' || sqlerrm;
end $$;
select is(pg_temp.as_outsider(tests.get_supabase_uid('admin')), '42501: nobody is signed in',
  'an admin''s token in a role that is not authenticated is nobody');
select set_config('request.jwt.claims', '', true);
select is((select count(*)::int from ledger.book_differences()), 0, 'the books are in order');
select * from finish();
rollback;
