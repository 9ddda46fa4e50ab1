begin;
select plan(12);

select tests.create_customer('alice', 5000);
select tests.create_staff('finance', 'finance');
create function tests.only_withdrawal() returns uuid language sql volatile security definer as $$
  select w.id from public.withdrawals w where w.user_id = tests.get_supabase_uid('alice') and w.status in ('requested', 'approved');
$$;
create function pg_temp.totals() returns text language sql as $$
  select format('withdrawn %s, pending %s, available %s; wallet %s, payable %s, bank %s', a.total_withdrawn, a.total_pending_withdrawals, a.available_balance,
    tests.booked('alice', 'wallet'), tests.booked('alice', 'withdrawals_payable'), tests.booked('alice', 'bank')) from tests.account('alice') a;
$$;

select tests.authenticate_as('alice');
select tests.expect_success(w) from ledger_request_withdrawal(2000, '{"iban": "x"}') w;
select tests.act_as_owner();
select is(pg_temp.totals(), 'withdrawn 0, pending 2000, available 3000; wallet 3000, payable 2000, bank 5000', 'requested: the money is held');

select tests.authenticate_as('finance');
select results_eq(
  $$ select success, status, available_balance from ledger_review_withdrawal(tests.only_withdrawal(), 'approve', 'looks right') $$,
  $$ values (true, 'approved', 3000::bigint) $$, 'finance approves');
select tests.act_as_owner();
select is(pg_temp.totals(), 'withdrawn 0, pending 2000, available 3000; wallet 3000, payable 2000, bank 5000', 'approved: nothing moves');

select tests.authenticate_as('finance');
select results_eq(
  $$ select success, status, available_balance from ledger_review_withdrawal(tests.only_withdrawal(), 'mark_paid', p_bank_reference => 'SEPA 9', p_idempotency_key => 'k1') $$,
  $$ values (true, 'paid', 3000::bigint) $$, 'finance marks it as paid');
select tests.act_as_owner();
select is(
  pg_temp.totals(), 'withdrawn 2000, pending 0, available 3000; wallet 3000, payable 0, bank 3000',
  'paid: it leaves the bank and counts as withdrawn (source 003, balance formula)');
select results_eq(
  $$ select w.status, w.reviewed_by, w.review_notes, w.bank_reference from withdrawals w where w.user_id = tests.get_supabase_uid('alice') $$,
  $$ values ('paid', tests.get_supabase_uid('finance'), 'looks right', 'SEPA 9') $$, 'the withdrawal keeps reviewer, notes and bank reference');

select tests.authenticate_as('alice');
select tests.expect_success(w) from ledger_request_withdrawal(1000, '{"iban": "x"}') w;
select tests.authenticate_as('finance');
select results_eq(
  $$ select success, status, available_balance from ledger_review_withdrawal(tests.only_withdrawal(), 'reject', 'wrong name') $$,
  $$ values (true, 'rejected', 3000::bigint) $$, 'a rejected request gives the money back');
select tests.authenticate_as('alice');
select tests.expect_success(w) from ledger_request_withdrawal(700, '{"iban": "x"}') w;
select tests.authenticate_as('finance');
select tests.expect_success(r) from ledger_review_withdrawal(tests.only_withdrawal(), 'approve') r;
select is((select available_balance from ledger_review_withdrawal(tests.only_withdrawal(), 'reject')), 3000::bigint, 'so does one that is rejected after it was approved');
select tests.act_as_owner();
select is(pg_temp.totals(), 'withdrawn 2000, pending 0, available 3000; wallet 3000, payable 0, bank 3000', 'then only what was paid is gone');

select results_eq(
  $$ select t.type, t.amount from transactions t where t.account_id = (select id from tests.account('alice')) order by t.account_version $$,
  $$ values ('deposit', 5000::bigint), ('withdrawal_requested', -2000), ('withdrawal_approved', 0), ('withdrawal_paid', 0),
            ('withdrawal_requested', -1000), ('withdrawal_rejected', 1000),
            ('withdrawal_requested', -700), ('withdrawal_approved', 0), ('withdrawal_rejected', 700) $$,
  'every step is a transaction with its effect on the available balance');
select is(
  (select count(*) from immutable_events e where e.stream_type = 'withdrawal' and e.account_id = (select id from tests.account('alice'))), 8::bigint,
  'and an event');
select is_empty('select * from ledger.book_differences()', 'the books are in order');

select * from finish();
rollback;
