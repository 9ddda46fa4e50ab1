begin;
select plan(10);

select tests.create_variant('mug', price => 1000);
select tests.create_customer('alice', 5000);
select tests.create_staff('finance', 'finance');
create function pg_temp.what_is_possible() returns text[] language sql as $$
  select array[tests.outcome('alice', $q$ ledger_place_order(tests.lines('mug x 1')) $q$),
               tests.outcome('alice', $q$ ledger_place_order(tests.lines('mug x 1'), 'bank_transfer') $q$),
               tests.outcome('alice', $q$ ledger_request_withdrawal(100, '{"iban": "x"}') $q$),
               tests.outcome(null, format('ledger_credit_account(%L, 100)', tests.get_supabase_uid('alice')))];
$$;
select is(pg_temp.what_is_possible(), '{success,success,success,success}', 'before it is frozen everything is possible');

select tests.authenticate_as('finance');
select results_eq(
  $$ select success, frozen, account_id from ledger_freeze_account(tests.get_supabase_uid('alice'), true, 'card fraud') $$,
  $$ select true, true, a.id from tests.account('alice') a $$, 'finance freezes an account');
select tests.act_as_owner();
select is((select frozen_reason from tests.account('alice')), 'card fraud', 'the account says why');
select is(
  pg_temp.what_is_possible(), '{account_frozen,account_frozen,account_frozen,success}',
  'nothing is spent or withdrawn from it, credits go on');
select results_eq(
  $$ select t.type, t.amount, t.actor_id, t.actor_action from transactions t where t.account_id = (select id from tests.account('alice')) order by t.account_version desc limit 1 $$,
  $$ values ('account_frozen', 0::bigint, tests.get_supabase_uid('finance'), 'card fraud') $$, 'freezing is a transaction of 0 with who and why');

select tests.authenticate_as('finance');
select is((select frozen from ledger_freeze_account(tests.get_supabase_uid('alice'), false, 'cleared')), false, 'finance releases it');
select tests.act_as_owner();
select is((select frozen_reason from tests.account('alice')), null, 'the reason is gone');
select is(pg_temp.what_is_possible(), '{success,success,success,success}', 'everything is possible again');
select results_eq(
  $$ select e.event_type, t.texts ->> 'reason' from immutable_events e left join event_texts t on t.event_id = e.id
     where e.stream_id = (select id from tests.account('alice')) and e.event_type in ('account.frozen', 'account.released') order by e.id $$,
  $$ values ('account.frozen', 'card fraud'), ('account.released', 'cleared') $$, 'both left an event');
select is_empty('select * from ledger.book_differences()', 'the books are in order');

select * from finish();
rollback;
