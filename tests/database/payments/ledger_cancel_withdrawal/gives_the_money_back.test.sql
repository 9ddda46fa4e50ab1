begin;
select plan(11);

select tests.create_customer('alice', 5000);
select tests.create_customer('mallory', 5000);
select tests.create_staff('finance', 'finance');
select tests.create_staff('warehouse', 'warehouse');
create function tests.withdrawal_of(identifier text) returns uuid language sql volatile security definer as $$
  select w.id from public.withdrawals w where w.user_id = tests.get_supabase_uid(identifier);
$$;
select tests.authenticate_as('alice');
select tests.expect_success(w) from ledger_request_withdrawal(2000, '{"iban": "x"}') w;
select tests.act_as_owner();

select is(tests.outcome('mallory', format('ledger_cancel_withdrawal(%L)', tests.withdrawal_of('alice'))), 'withdrawal_not_found', 'somebody else''s is not found');
select results_eq(
  $$ select c.caller, tests.outcome(c.caller, format('ledger_cancel_withdrawal(%L, p_user_id => %L)', tests.withdrawal_of('alice'), tests.get_supabase_uid('alice')))
     from unnest(array['alice', 'finance', 'warehouse', 'mallory']) c (caller) $$,
  $$ values ('alice', 'success'), ('finance', 'success'), ('warehouse', '42501'), ('mallory', '42501') $$,
  'for a customer only those with withdrawals.review cancel');
select is(
  tests.outcome(null, format('ledger_cancel_withdrawal(%L)', tests.withdrawal_of('alice'))), 'customer_required', 'a backend says for whom');

select tests.authenticate_as('alice');
select results_eq(
  $$ select success, status, available_balance from ledger_cancel_withdrawal(tests.withdrawal_of('alice'), 'k1') $$,
  $$ values (true, 'cancelled', 5000::bigint) $$, 'the customer takes a request back');
select is(
  (select status from ledger_cancel_withdrawal(tests.withdrawal_of('alice'), 'k1')), 'cancelled', 'the same key gives the same answer');
select is(
  (select error_code from ledger_cancel_withdrawal(tests.withdrawal_of('alice'))), 'withdrawal_conflict', 'a second time is refused');
select tests.act_as_owner();

select results_eq(
  $$ select a.total_withdrawn, a.total_pending_withdrawals, a.available_balance from tests.account('alice') a $$,
  $$ values (0::bigint, 0::bigint, 5000::bigint) $$, 'nothing is held any more');
select is(
  array[tests.booked('alice', 'wallet'), tests.booked('alice', 'withdrawals_payable')], array[5000, 0]::bigint[], 'and nothing is payable');
select results_eq(
  $$ select w.status, w.reviewed_by from withdrawals w where w.user_id = tests.get_supabase_uid('alice') $$, $$ values ('cancelled', null::uuid) $$,
  'nobody reviewed it');
select results_eq(
  $$ select t.type, t.amount from transactions t where t.account_id = (select id from tests.account('alice')) order by t.account_version desc limit 1 $$,
  $$ values ('withdrawal_cancelled', 2000::bigint) $$, 'the return is a transaction');
select is_empty('select * from ledger.book_differences()', 'the books are in order');

select * from finish();
rollback;
