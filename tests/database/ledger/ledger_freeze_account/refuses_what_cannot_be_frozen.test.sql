begin;
select plan(10);

select tests.create_customer('alice', 1000);
select tests.create_customer('bob');
select tests.create_staff(r.role, r.role) from unnest(array['admin', 'finance', 'warehouse', 'logistics', 'vendor']) r (role);
create function pg_temp.freezing(p_customer text, p_frozen boolean, p_reason text) returns text language sql as $$
  select tests.outcome(null, format('ledger_freeze_account(%L, %L, %L)', tests.get_supabase_uid(p_customer), p_frozen, p_reason));
$$;

select is(pg_temp.freezing('bob', true, 'x'), 'account_not_found', 'a customer without an account');
select is(pg_temp.freezing('alice', null, 'x'), 'invalid_argument', 'neither frozen nor released');
select is(pg_temp.freezing('alice', true, null), 'invalid_argument', 'freezing without a reason');
select is(pg_temp.freezing('alice', true, '  '), 'invalid_argument', 'freezing with a blank reason');
select is(pg_temp.freezing('alice', true, repeat('x', 1001)), 'invalid_argument', 'a reason of more than 1000 characters');
select is(pg_temp.freezing('alice', false, null), 'account_already_frozen', 'releasing what is not frozen');
select tests.expect_success(f) from ledger_freeze_account(tests.get_supabase_uid('alice'), true, 'fraud') f;
select is(pg_temp.freezing('alice', true, 'again'), 'account_already_frozen', 'freezing what is frozen');
select is(
  (select error_message from ledger_freeze_account(tests.get_supabase_uid('alice'), true, 'again')), 'The account is already frozen.', 'the message says which');

select results_eq(
  $$ select r.role, tests.outcome(r.role, format('ledger_freeze_account(%L, false)', tests.get_supabase_uid('alice')))
     from unnest(array['admin', 'finance', 'warehouse', 'logistics', 'vendor', 'alice']) r (role) $$,
  $$ values ('admin', 'success'), ('finance', 'success'), ('warehouse', '42501'), ('logistics', '42501'), ('vendor', '42501'), ('alice', '42501') $$,
  'only those with accounts.freeze freeze and release');
select is((select frozen_reason from tests.account('alice')), 'fraud', 'the account is as frozen as before');

select * from finish();
rollback;
