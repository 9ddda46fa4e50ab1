begin;
select plan(48);

select tests.create_variant('mug', price => 1000, stock => 20);
select tests.create_customer('alice', 20000);
select tests.create_staff(r.code, r.code) from roles r;
select tests.place_named_order('first', 'alice', tests.lines('mug x 10', 'mug x 1'));
select tests.move_order(tests.order_id('first'), 'processing', 'delivered');
create function tests.return_called(name text) returns uuid language sql volatile security definer as $$
  select r.id from public.returns r where r.reason = name;
$$;
-- one return in each status
select tests.expect_success(r)
from unnest(array['requested', 'approved', 'received', 'rejected', 'closed']) s (status),
     ledger_request_return(tests.order_id('first'), '[{"line_number": 1, "quantity": 1}]', s.status, p_user_id => tests.get_supabase_uid('alice')) r;
select tests.expect_success(r)
from (values (1, 'approved', 'approve'), (2, 'received', 'approve'), (3, 'received', 'receive'), (4, 'rejected', 'reject'), (5, 'closed', 'approve'), (6, 'closed', 'close')) d (n, name, action),
     ledger_review_return(tests.return_called(d.name), d.action, p_notes => 'seen') r;
select results_eq($$ select reason, status from returns order by 1 $$, $$ select s, s from unnest(array['approved', 'closed', 'received', 'rejected', 'requested']) s $$, 'each is in its status');

select is(
  tests.outcome(null, format('ledger_review_return(%L, %L, p_notes => ''why'')', tests.return_called(s.status), a.action)),
  case when s.status = a.possible_in then 'success' else 'return_conflict' end,
  format('%s of one that is %s is %s', a.action, s.status, case when s.status = a.possible_in then 'possible' else 'refused' end))
from unnest(array['requested', 'approved', 'received', 'rejected', 'closed']) s (status)
cross join (values ('approve', 'requested'), ('reject', 'requested'), ('receive', 'approved'), ('close', 'approved')) a (action, possible_in);
select is(
  (select error_message from ledger_review_return(tests.return_called('rejected'), 'approve')),
  'The return is already "rejected"; approve needs it to be requested.', 'of two reviewers the second is told (DESIGN section 4, rule 4)');

select results_eq(
  $$ select d.action, tests.outcome(null, format('ledger_review_return(%L, %L)', tests.return_called('requested'), d.action))
     from unnest(array['APPROVE', ' approve ', 'reject', 'pay', '', null]) d (action) $$,
  $$ values ('APPROVE', 'success'), (' approve ', 'success'), ('reject', 'invalid_argument'), ('pay', 'invalid_argument'), ('', 'invalid_argument'), (null, 'invalid_argument') $$,
  'actions are taken in any case, a rejection needs its reason, others are refused');
select is(tests.outcome(null, $$ ledger_review_return(gen_random_uuid(), 'approve') $$), 'return_not_found', 'one that does not exist is not found');
select is(tests.outcome(null, format('ledger_review_return(%L, ''approve'', p_notes => repeat(''x'', 2001))', tests.return_called('requested'))), 'invalid_argument', 'notes of more than 2000 characters are refused');
select is(tests.outcome(null, format('ledger_review_return(%L, ''receive'', p_to => ''bank'')', tests.return_called('approved'))), 'invalid_argument', 'money goes to the wallet or where it came from');
select is(tests.outcome(null, format('ledger_review_return(%L, ''receive'', p_to => ''bank'', p_refund => false)', tests.return_called('approved'))), 'success', 'where no money goes it does not matter where');

-- who may
select results_eq(
  $$ select r.code, tests.outcome(r.code, format('ledger_review_return(%L, ''approve'')', tests.return_called('requested'))),
            tests.outcome(r.code, format('ledger_review_return(%L, ''receive'', p_refund => false)', tests.return_called('approved'))),
            tests.outcome(r.code, format('ledger_review_return(%L, ''receive'')', tests.return_called('approved')))
     from roles r order by 1 $$,
  $$ values ('admin', 'success', 'success', 'success'), ('finance', 'success', 'success', 'success'), ('logistics', '42501', '42501', '42501'),
            ('vendor', '42501', '42501', '42501'), ('warehouse', 'success', 'success', '42501') $$,
  'returns.review reviews, and with orders.refund gives money back');
select is(tests.outcome('alice', format('ledger_review_return(%L, ''approve'')', tests.return_called('requested'))), '42501', 'the customer does not');

-- lines
select is(tests.outcome(null, format('ledger_review_return(%L, %L, %L)', tests.return_called(l.name), l.action, l.lines)), l.expected, format('%s %s: %s', l.action, l.lines, l.expected))
from (values
  ('requested', 'approve', '[{"line_number": 1, "quantity": 1}]', 'success'),
  ('requested', 'approve', '[{"line_number": 1, "quantity": 2}]', 'units_not_returnable'),
  ('requested', 'approve', '[{"line_number": 2, "quantity": 1}]', 'units_not_returnable'),
  ('requested', 'approve', '[{"line_number": 3, "quantity": 1}]', 'line_not_found'),
  ('requested', 'approve', '[{"line_number": 1, "quantity": 0}]', 'invalid_argument'),
  ('requested', 'approve', '[]', 'invalid_argument'),
  ('approved', 'receive', '[{"line_number": 1, "received": 1}]', 'success'),
  ('approved', 'receive', '[{"line_number": 1, "write_off": 1}]', 'success'),
  ('approved', 'receive', '[{"line_number": 1, "restock": 1}]', 'success'),
  ('approved', 'receive', '[{"line_number": 1, "restock": 1, "write_off": 1}]', 'units_not_returnable'),
  ('approved', 'receive', '[{"line_number": 1, "received": 2}]', 'units_not_returnable'),
  ('approved', 'receive', '[{"line_number": 1, "received": 9007199254740991}]', 'units_not_returnable'),
  ('approved', 'receive', '[{"line_number": 2, "received": 1}]', 'units_not_returnable'),
  ('approved', 'receive', '[{"line_number": 1, "received": 1, "restock": 0}]', 'invalid_argument'),
  ('approved', 'receive', '[{"line_number": 1, "received": 0, "restock": 1}]', 'invalid_argument'),
  ('approved', 'receive', '[{"line_number": 1, "received": -1}]', 'invalid_argument'),
  ('approved', 'receive', '[{"line_number": 1, "quantity": 1}]', 'invalid_argument'),
  ('approved', 'receive', '[{"line_number": 1, "received": 1}, {"line_number": 1, "received": 1}]', 'invalid_argument')) l (name, action, lines, expected);
select is_empty('select * from ledger.book_differences()', 'the books are in order');

select * from finish();
rollback;
