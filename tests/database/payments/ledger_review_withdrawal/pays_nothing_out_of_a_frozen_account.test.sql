begin;
select plan(7);

select tests.create_customer('alice', 5000);
create function tests.withdrawal_id(name text) returns uuid language sql volatile security definer as $$
  select w.id from public.withdrawals w where w.notes = name;
$$;
select tests.authenticate_as('alice');
select tests.expect_success(w)
from unnest(array['requested', 'approved']) s (status), ledger_request_withdrawal(1000, '{"iban": "x"}', p_notes => s.status) w;
select tests.act_as_owner();
select tests.expect_success(r) from ledger_review_withdrawal(tests.withdrawal_id('approved'), 'approve') r;
select tests.expect_success(f) from ledger_freeze_account(tests.get_supabase_uid('alice'), true, 'card fraud') f;

select is(
  tests.outcome(null, format('ledger_review_withdrawal(%L, %L)', tests.withdrawal_id(d.status), d.decision)), d.expected,
  format('%s a withdrawal of a frozen account that is %s: %s', d.decision, d.status, d.expected))
from (values ('requested', 'approve', 'account_frozen'), ('approved', 'mark_paid', 'account_frozen'),
             ('requested', 'reject', 'success'), ('approved', 'reject', 'success')) d (status, decision, expected);
select is(
  tests.outcome('alice', format('ledger_cancel_withdrawal(%L)', tests.withdrawal_id('requested'))), 'success',
  'the customer may take a request back meanwhile');
select is((select total_pending_withdrawals from tests.account('alice')), 2000::bigint, 'the money stays held');
select tests.expect_success(f) from ledger_freeze_account(tests.get_supabase_uid('alice'), false) f;
select is(
  tests.outcome(null, format('ledger_review_withdrawal(%L, ''mark_paid'')', tests.withdrawal_id('approved'))), 'success', 'once released it is paid');

select * from finish();
rollback;
