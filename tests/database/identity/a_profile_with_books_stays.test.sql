-- DESIGN rule 5: the database itself refuses what would break the books.
begin;
select plan(3);

select tests.create_customer('owner of books', 500);

select throws_ok(
  $$ delete from public.profiles where id = tests.get_supabase_uid('owner of books') $$,
  '42501', null, 'the profile of a customer with an account cannot be deleted by hand');

set local session_replication_role = replica;
select throws_ok(
  $$ delete from public.profiles where id = tests.get_supabase_uid('owner of books') $$,
  '42501', null, 'nor in replica mode');
set local session_replication_role = origin;

select is(
  (select a.available_balance from public.accounts a where a.user_id = tests.get_supabase_uid('owner of books')),
  500::bigint, 'and the account is untouched');

select * from finish();
rollback;
