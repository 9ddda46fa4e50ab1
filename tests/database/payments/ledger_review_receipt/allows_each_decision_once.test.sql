begin;
select plan(47);

select tests.create_variant('mug', price => 1000);
select tests.create_customer('alice');
select tests.create_staff(r.role, r.role) from unnest(array['admin', 'finance', 'warehouse', 'logistics', 'vendor']) r (role);
select tests.place_named_order('transfer', 'alice', tests.lines('mug x 9'), 'bank_transfer');
-- one receipt in each status
select tests.submit_receipt('alice', 'transfer', 1000, s.status)
from unnest(array['submitted', 'approved', 'partly_approved', 'rejected', 'handed_back', 'withdrawn']) s (status);
select tests.authenticate_as('finance');
select tests.expect_success(r)
from (values ('approved', 'approve', null::bigint), ('partly_approved', 'approve', 1), ('rejected', 'reject', null), ('handed_back', 'hand_back', null)) d (name, action, amount),
     ledger_review_receipt(tests.receipt_id(d.name), d.action, d.amount, 'why') r;
select tests.authenticate_as('alice');
select tests.expect_success(w) from ledger_withdraw_receipt(tests.receipt_id('withdrawn')) w;
select tests.act_as_owner();

select is(tests.outcome('finance', format('ledger_review_receipt(%L, %L, p_notes => ''why'')', tests.receipt_id(s.status), d.action)),
  case s.status when 'submitted' then 'success' else 'receipt_conflict' end,
  format('%s a receipt that is %s: %s', d.action, s.status, case s.status when 'submitted' then 'possible' else 'refused' end))
from unnest(array['submitted', 'approved', 'partly_approved', 'rejected', 'handed_back', 'withdrawn']) s (status), unnest(array['approve', 'reject', 'hand_back']) d (action);
select is(tests.outcome('alice', format('ledger_withdraw_receipt(%L)', tests.receipt_id(s.status))),
  case when s.status in ('submitted', 'handed_back') then 'success' else 'receipt_conflict' end, format('the customer''s withdrawing of one that is %s', s.status))
from unnest(array['submitted', 'approved', 'partly_approved', 'rejected', 'handed_back', 'withdrawn']) s (status);
select is((select error_message from ledger_review_receipt(tests.receipt_id('approved'), 'reject', p_notes => 'why')),
  'The receipt is already "approved"; reject needs it to be submitted.', 'of two reviewers the second is told');

-- arguments
select is(tests.outcome(null, format('ledger_review_receipt(%L, %s)', tests.receipt_id('submitted'), c.arguments)), c.expected, format('%s: %s', left(c.arguments, 50), c.expected))
from (values
  ('''approve''', 'success'), ('''approve'', 1000', 'success'), ('''approve'', 999', 'success'), ('''approve'', 1001', 'invalid_amount'), ('''approve'', 0', 'invalid_amount'),
  ('''approve'', -1', 'invalid_amount'), ('''approve'', 9223372036854775807', 'invalid_amount'), ('''reject''', 'invalid_argument'), ('''reject'', null, '' ''', 'invalid_argument'),
  ('''reject'', 1, ''why''', 'invalid_argument'), ('''hand_back''', 'invalid_argument'), ('''reject'', null, repeat(''x'', 2001)', 'invalid_argument'),
  ('''pay''', 'invalid_argument'), ('''''', 'invalid_argument'), ('null', 'invalid_argument')) c (arguments, expected);
select is(tests.outcome(null, 'ledger_review_receipt(gen_random_uuid(), ''approve'')'), 'receipt_not_found', 'one that does not exist is not found');
select is(tests.outcome(null, 'ledger_review_receipt(null, ''approve'')'), 'receipt_not_found', 'nor is none');

-- who may
select results_eq(
  $$ select r.role, tests.outcome(r.role, format('ledger_review_receipt(%L, ''approve'')', tests.receipt_id('submitted')))
     from unnest(array['admin', 'finance', 'warehouse', 'logistics', 'vendor', 'alice']) r (role) $$,
  $$ values ('admin', 'success'), ('finance', 'success'), ('warehouse', '42501'), ('logistics', '42501'), ('vendor', '42501'), ('alice', '42501') $$, 'receipts.review is needed');
select tests.submit_receipt('finance', null, 100, 'own');
select is(tests.outcome('finance', format('ledger_review_receipt(%L, ''approve'')', tests.receipt_id('own'))), 'own_receipt', 'and nobody reviews their own');
select is(tests.outcome(null, format('ledger_review_receipt(%L, ''reject'', p_notes => ''x'', p_actor_id => %L)', tests.receipt_id('own'), tests.get_supabase_uid('finance'))), 'own_receipt', 'nor has a backend do it for them');
select is(tests.outcome('admin', format('ledger_review_receipt(%L, ''approve'')', tests.receipt_id('own'))), 'success', 'another one does');
select is_empty('select * from ledger.book_differences()', 'the books are in order');

select * from finish();
rollback;
