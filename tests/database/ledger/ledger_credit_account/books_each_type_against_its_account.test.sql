begin;
select plan(13);

select tests.create_customer('alice');
select tests.create_staff('admin', 'admin');
create function pg_temp.books() returns text language sql as $$
  select format('wallet %s, bank %s, expense %s, adjustments %s', tests.booked('alice', 'wallet'), tests.booked('alice', 'bank'),
    tests.booked('alice', 'commission_expense'), tests.booked('alice', 'adjustments'));
$$;

select tests.authenticate_as('admin');
select results_eq(
  $$ select success, amount, currency, available_balance
     from ledger_credit_account(tests.get_supabase_uid('alice'), 1000, p_notes => 'transfer 17', p_metadata => '{"bank": "X"}') $$,
  $$ values (true, 1000::bigint, 'USD', 1000::bigint) $$,
  'a deposit opens the account and credits it');
select is(pg_temp.books(), 'wallet 1000, bank 1000, expense 0, adjustments 0', 'a deposit came in at the bank');
select is(
  (select available_balance from ledger_credit_account(tests.get_supabase_uid('alice'), 200, 'earning')), 1200::bigint, 'an earning is credited');
select is(
  (select available_balance from ledger_credit_account(tests.get_supabase_uid('alice'), 30, 'bonus')), 1230::bigint, 'a bonus is credited');
select is(pg_temp.books(), 'wallet 1230, bank 1000, expense 230, adjustments 0', 'earnings and bonuses are the house''s expense');
select is(
  (select available_balance from ledger_credit_account(tests.get_supabase_uid('alice'), 70, 'adjustment')), 1300::bigint, 'an adjustment upwards is credited');
select is(
  (select available_balance from ledger_credit_account(tests.get_supabase_uid('alice'), -400, 'adjustment')), 900::bigint, 'one downwards is taken');
select is(pg_temp.books(), 'wallet 900, bank 1000, expense 230, adjustments -330', 'adjustments are booked against their own account');
select tests.act_as_owner();

select results_eq(
  $$ select a.total_earned, a.total_withdrawn, a.total_pending_withdrawals, a.total_orders, a.version from tests.account('alice') a $$,
  $$ values (900::bigint, 0::bigint, 0::bigint, 0::bigint, 5::bigint) $$, 'all of them move total_earned only (source 003)');
select results_eq(
  $$ select t.account_version, t.type, t.amount, t.balance_after, t.actor_id, t.actor_action
     from transactions t where t.account_id = (select id from tests.account('alice')) order by 1 $$,
  $$ values (1::bigint, 'deposit', 1000::bigint, 1000::bigint, tests.get_supabase_uid('admin'), 'transfer 17'),
            (2, 'earning', 200, 1200, tests.get_supabase_uid('admin'), 'earning'), (3, 'bonus', 30, 1230, tests.get_supabase_uid('admin'), 'bonus'),
            (4, 'adjustment', 70, 1300, tests.get_supabase_uid('admin'), 'adjustment'), (5, 'adjustment', -400, 900, tests.get_supabase_uid('admin'), 'adjustment') $$,
  'each is a transaction in the order of the account''s versions');
select results_eq(
  $$ select e.payload ->> 'type', (e.payload #>> '{effect,total_earned}')::bigint, t.texts ->> 'notes', t.texts -> 'metadata'
     from immutable_events e join event_texts t on t.event_id = e.id where e.stream_id = (select id from tests.account('alice')) order by e.id limit 1 $$,
  $$ values ('deposit', 1000::bigint, 'transfer 17', '{"bank": "X"}'::jsonb) $$, 'and an event with its notes and metadata');
select is(
  (select count(*) from tests.messages('account.credited', jsonb_build_object('stream_id', (select id from tests.account('alice'))))), 5::bigint,
  'and an outbox message');
select is_empty('select * from ledger.book_differences()', 'the books are in order');

select * from finish();
rollback;
