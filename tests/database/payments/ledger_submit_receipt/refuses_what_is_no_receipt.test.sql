begin;
select plan(47);

select tests.create_variant('mug', price => 1000);
select tests.create_customer('alice'), tests.create_customer('bob');
select tests.create_staff('fay', 'finance');
select tests.place_named_order('transfer', 'alice', tests.lines('mug x 4'), 'bank_transfer');
select tests.place_named_order('bobs', 'bob', tests.lines('mug x 4'), 'bank_transfer');
create temp table names as select tests.order_id('transfer') as alices, tests.order_id('bobs') as bobs, tests.get_supabase_uid('alice') as alice;
create temp table before as select tests.state() as state;

-- the claim
select is(tests.outcome('alice', format('ledger_submit_receipt(%L, %s)', n.alices, c.arguments)), c.expected, format('%s: %s', left(c.arguments, 60), c.expected))
from names n, (values
  ('1, ''T''', 'success'), ('0, ''T''', 'invalid_amount'), ('-1, ''T''', 'invalid_amount'), ('null, ''T''', 'invalid_amount'),
  ('9007199254740991, ''T''', 'success'), ('9007199254740992, ''T''', 'amount_too_large'), ('9223372036854775807, ''T''', 'amount_too_large'),
  ('1', 'invalid_argument'), ('1, ''''', 'invalid_argument'), ('1, ''  ''', 'invalid_argument'), ('1, '' - - ''', 'invalid_argument'),
  ('1, repeat(''x'', 200)', 'success'), ('1, repeat(''x'', 201)', 'invalid_argument'),
  ('1, ''T'', p_notes => repeat(''x'', 2000)', 'success'), ('1, ''T'', p_notes => repeat(''x'', 2001)', 'invalid_argument'),
  ('1, ''T'', p_paid_on => current_date + 1', 'success'), ('1, ''T'', p_paid_on => current_date + 3', 'invalid_argument'),
  ('1, ''T'', p_paid_on => ''infinity''', 'invalid_argument'), ('1, ''T'', p_paid_on => ''-infinity''', 'invalid_argument'), ('1, ''T'', p_paid_on => ''1999-12-31''', 'invalid_argument'),
  ('1, ''T'', p_currency => ''USD''', 'success'), ('1, ''T'', p_currency => ''EUR''', 'invalid_argument'),
  ('1, ''T'', p_idempotency_key => ''''', 'invalid_idempotency_key')) c (arguments, expected);

-- the file: in the customer's own folder
select is(tests.outcome('alice', format('ledger_submit_receipt(%L, 1, null, %L)', n.alices, replace(c.path, 'ALICE', n.alice::text))), c.expected, format('%s: %s', c.path, c.expected))
from names n, (values
  ('ALICE/a.pdf', 'success'), ('ALICE/2026/a b.pdf', 'success'), ('ALICE/', 'invalid_argument'), ('ALICE', 'invalid_argument'), ('a.pdf', 'invalid_argument'),
  ('/ALICE/a.pdf', 'invalid_argument'), ('ALICE/../BOB/a.pdf', 'invalid_argument'), ('ALICE//a.pdf', 'invalid_argument'), ('ALICE/./a.pdf', 'invalid_argument'),
  ('ALICE/a\b.pdf', 'invalid_argument'), (format('%s/a.pdf', gen_random_uuid()), 'invalid_argument')) c (path, expected);

-- what it is for
select is(tests.outcome('alice', c.call), c.expected, format('%s: %s', c.what, c.expected))
from names n, lateral (values
  ('an order of nobody', 'ledger_submit_receipt(gen_random_uuid(), 1, ''T'')', 'order_not_found'),
  ('an order of another', format('ledger_submit_receipt(%L, 1, ''T'')', n.bobs), 'order_not_found'),
  ('an invoice of nobody', 'ledger_submit_receipt(null, 1, ''T'', p_invoice_id => gen_random_uuid())', 'invoice_not_found'),
  ('a receipt of nobody', 'ledger_submit_receipt(p_receipt_id => gen_random_uuid())', 'receipt_not_found'),
  ('a currency of nowhere', 'ledger_submit_receipt(null, 1, ''T'', p_currency => ''XXX'')', 'unknown_currency'),
  ('nothing at all', 'ledger_submit_receipt()', 'invalid_amount')) c (what, call, expected);
select is(tests.outcome(null, 'ledger_submit_receipt(null, 1, ''T'')'), 'customer_required', 'a backend says for whom');
select is(tests.outcome(null, 'ledger_submit_receipt(null, 1, ''T'', p_user_id => gen_random_uuid())'), 'customer_not_found', 'somebody who is there');
select is(tests.changes((select state from before), tests.state()), null, 'and nothing of it was changed');

-- orders that have ended
select tests.expect_success(c) from tests.change_status('bobs', 'rejected') c;
select results_eq(
  format($$ select error_code, error_message from ledger_submit_receipt(%L, 1, 'T', p_user_id => %L) $$, (select bobs from names), tests.get_supabase_uid('bob')),
  $$ select 'receipt_not_allowed', format('A receipt for order %s is not taken: it is rejected.', o.order_number) from tests.order_named('bobs') o $$, 'an order that was rejected takes none');
select tests.expect_success(c) from tests.change_status('bobs', 'cancelled') c;
select is((select error_code from ledger_submit_receipt((select bobs from names), 1, 'T', p_user_id => tests.get_supabase_uid('bob'))), 'receipt_not_allowed', 'nor does one that was cancelled');

-- a bucket of calls
update rate_limits set capacity = 2, refill_per_second = 0.001 where procedure = 'ledger_submit_receipt';
select tests.authenticate_as('bob');
select is((select string_agg(coalesce(s.error_code, 'success'), ', ' order by n) from generate_series(1, 3) n, lateral ledger_submit_receipt(null, 1, 'R' || n) s),
  'success, success, rate_limited', 'a customer sends so many and no more');
select tests.act_as_owner();
select is_empty('select * from ledger.book_differences()', 'the books are in order');

select * from finish();
rollback;
