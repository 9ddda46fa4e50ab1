begin;
select plan(27);

select tests.create_customer('alice', 10000);
select tests.create_staff(r.role, r.role) from unnest(array['admin', 'finance', 'warehouse', 'logistics', 'vendor']) r (role);
create function tests.withdrawal_id(name text) returns uuid language sql volatile security definer as $$
  select w.id from public.withdrawals w where w.notes = name;
$$;
-- one withdrawal in each status
select tests.authenticate_as('alice');
select tests.expect_success(w)
from unnest(array['requested', 'approved', 'paid', 'rejected', 'cancelled']) s (status), ledger_request_withdrawal(1000, '{"iban": "x"}', p_notes => s.status) w;
select tests.expect_success(c) from ledger_cancel_withdrawal(tests.withdrawal_id('cancelled')) c;
select tests.authenticate_as('finance');
select tests.expect_success(r)
from (values ('approved', 'approve'), ('paid', 'approve'), ('paid', 'mark_paid'), ('rejected', 'reject')) d (name, decision),
     ledger_review_withdrawal(tests.withdrawal_id(d.name), d.decision) r;
select tests.act_as_owner();

select is(
  tests.outcome(null, format('ledger_review_withdrawal(%L, %L)', tests.withdrawal_id(s.status), d.decision)),
  case when s.status = any (d.possible_in) then 'success' else 'withdrawal_conflict' end,
  format('%s a withdrawal that is %s is %s', d.decision, s.status, case when s.status = any (d.possible_in) then 'possible' else 'refused' end))
from unnest(array['requested', 'approved', 'paid', 'rejected', 'cancelled']) s (status)
cross join (values ('approve', '{requested}'::text[]), ('reject', '{requested,approved}'), ('mark_paid', '{approved}')) d (decision, possible_in);
select is(
  tests.outcome('alice', format('ledger_cancel_withdrawal(%L)', tests.withdrawal_id(s.status))),
  case s.status when 'requested' then 'success' else 'withdrawal_conflict' end,
  format('the customer''s cancelling of one that is %s: %s', s.status, case s.status when 'requested' then 'possible' else 'refused' end))
from unnest(array['requested', 'approved', 'paid', 'rejected', 'cancelled']) s (status);

select is(
  (select error_message from ledger_review_withdrawal(tests.withdrawal_id('rejected'), 'reject')),
  'The withdrawal is already "rejected"; rejected needs it to be requested or approved.', 'of two reviewers the second is told (DESIGN section 4, rule 4)');
select results_eq(
  $$ select d.decision, tests.outcome(null, format('ledger_review_withdrawal(%L, %L)', tests.withdrawal_id('requested'), d.decision))
     from unnest(array['APPROVE', ' reject ', 'pay', '', null]) d (decision) $$,
  $$ values ('APPROVE', 'success'), (' reject ', 'success'), ('pay', 'invalid_argument'), ('', 'invalid_argument'), (null, 'invalid_argument') $$,
  'decisions are taken in any case; others are refused');
select is(tests.outcome(null, $$ ledger_review_withdrawal(gen_random_uuid(), 'approve') $$), 'withdrawal_not_found', 'one that does not exist is not found');
select is(
  tests.outcome(null, format('ledger_review_withdrawal(%L, ''reject'', repeat(''x'', 2001))', tests.withdrawal_id('requested'))), 'invalid_argument',
  'notes of more than 2000 characters are refused');
select is(
  tests.outcome(null, format('ledger_review_withdrawal(%L, ''reject'', p_bank_reference => repeat(''x'', 201))', tests.withdrawal_id('requested'))), 'invalid_argument',
  'a bank reference of more than 200 characters is refused');
select results_eq(
  $$ select r.role, tests.outcome(r.role, format('ledger_review_withdrawal(%L, ''approve'')', tests.withdrawal_id('requested')))
     from unnest(array['admin', 'finance', 'warehouse', 'logistics', 'vendor', 'alice']) r (role) $$,
  $$ values ('admin', 'success'), ('finance', 'success'), ('warehouse', '42501'), ('logistics', '42501'), ('vendor', '42501'), ('alice', '42501') $$,
  'only those with withdrawals.review decide');
select is_empty('select * from ledger.book_differences()', 'the books are in order');

select * from finish();
rollback;
