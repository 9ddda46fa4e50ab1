begin;
select plan(13);

select tests.create_variant('mug', price => 1000);
select tests.create_customer('alice', 5000);

select tests.authenticate_as('alice');
select results_eq(
  $$ select success, status, amount, currency, available_balance
     from ledger_request_withdrawal(4500, '{"iban": "IQ98NBIQ"}', p_notes => 'rent', p_idempotency_key => 'k1') $$,
  $$ values (true, 'requested', 4500::bigint, 'USD', 500::bigint) $$,
  'a withdrawal is requested and its money leaves the available balance at once');
select is(
  (select available_balance from ledger_request_withdrawal(4500, '{"iban": "IQ98NBIQ"}', p_notes => 'rent', p_idempotency_key => 'k1')), 500::bigint,
  'the same key holds nothing twice');
select is(
  (select error_code from ledger_request_withdrawal(400, '{"iban": "IQ98NBIQ"}', p_idempotency_key => 'k1')), 'idempotency_conflict',
  'the same key with another amount is refused');
select tests.act_as_owner();

select results_eq(
  $$ select a.total_earned, a.total_withdrawn, a.total_pending_withdrawals, a.total_orders, a.available_balance from tests.account('alice') a $$,
  $$ values (5000::bigint, 0::bigint, 4500::bigint, 0::bigint, 500::bigint) $$,
  'it waits in total_pending_withdrawals (source 003, balance formula)');
select is(
  array[tests.booked('alice', 'wallet'), tests.booked('alice', 'withdrawals_payable')], array[500, 4500]::bigint[], 'the house owes it as a payable');
select results_eq(
  $$ select w.status, w.amount, w.destination, w.notes from withdrawals w where w.user_id = tests.get_supabase_uid('alice') $$,
  $$ values ('requested', 4500::bigint, '{"iban": "IQ98NBIQ"}'::jsonb, 'rent') $$, 'the request is kept with its destination');
select results_eq(
  $$ select t.type, t.amount, t.balance_after, t.actor_id, t.reference_id
     from transactions t where t.account_id = (select id from tests.account('alice')) order by t.account_version desc limit 1 $$,
  $$ select 'withdrawal_requested', -4500::bigint, 500::bigint, w.user_id, w.id from withdrawals w where w.user_id = tests.get_supabase_uid('alice') $$,
  'the transaction is of minus the amount and refers to the request');
select results_eq(
  $$ select e.payload -> 'effect', e.actor_id from immutable_events e
     where e.event_type = 'withdrawal.requested' and e.account_id = (select id from tests.account('alice')) $$,
  $$ values ('{"total_pending_withdrawals": 4500}'::jsonb, tests.get_supabase_uid('alice')) $$, 'so does the event');

select is(tests.outcome('alice', $$ ledger_place_order(tests.lines('mug x 1')) $$), 'insufficient_funds', 'held money buys nothing');
select is(tests.outcome('alice', $$ ledger_request_withdrawal(501, '{"iban": "x"}') $$), 'insufficient_funds', 'held money is not withdrawn twice');
select is(tests.outcome('alice', $$ ledger_request_withdrawal(500, '{"iban": "x"}') $$), 'success', 'what is left may be');
select is(
  tests.outcome(null, format('ledger_credit_account(%L, -501, ''adjustment'')', tests.get_supabase_uid('alice'))), 'insufficient_funds',
  'held money is not adjusted away');
select is_empty('select * from ledger.book_differences()', 'the books are in order');

select * from finish();
rollback;
