begin;
select plan(34);

select tests.create_variant('mug', price => 1000);
select tests.create_customer('alice');
select tests.create_staff(r.role, r.role) from unnest(array['admin', 'finance', 'warehouse', 'logistics', 'vendor']) r (role);
select tests.place_named_order('transfer', 'alice', tests.lines('mug x 4'), 'bank_transfer');
select tests.place_named_order('other', 'alice', tests.lines('mug x 1'), 'bank_transfer');

select is(tests.outcome(null, format('ledger_record_payment(%L, %s)', tests.order_id('transfer'), c.arguments)), c.expected, format('%s: %s', c.arguments, c.expected))
from (values
  ('1', 'success'), ('0', 'invalid_amount'), ('-1', 'invalid_amount'), ('null', 'invalid_amount'),
  ('9007199254740991', 'success'), ('9007199254740992', 'amount_too_large'), ('9223372036854775807', 'amount_too_large'),
  ('1, ''cheque''', 'invalid_argument'), ('1, null', 'invalid_argument'), ('1, ''BANK_TRANSFER''', 'invalid_argument'),
  ('1, ''cash'', repeat(''x'', 201)', 'invalid_argument'), ('1, ''cash'', repeat(''x'', 200)', 'success'),
  ('1, ''cash'', ''   ''', 'success'), ('1, ''cash'', null, repeat(''x'', 2001)', 'invalid_argument')) c (arguments, expected);
select is(tests.outcome(null, format('ledger_record_payment(%s)', c.arguments)), c.expected, format('%s: %s', c.arguments, c.expected))
from (values
  ('null, 1', 'invalid_argument'), ('gen_random_uuid(), 1', 'order_not_found'), ('p_invoice_id => gen_random_uuid(), p_amount => 1', 'invoice_not_found'),
  ('p_user_id => gen_random_uuid(), p_amount => 1', 'customer_not_found'),
  ('p_user_id => tests.get_supabase_uid(''alice''), p_amount => 1, p_currency => ''XXX''', 'unknown_currency'),
  ('p_user_id => tests.get_supabase_uid(''alice''), p_amount => 1, p_currency => ''eur''', 'success'),
  ('p_user_id => tests.get_supabase_uid(''alice'')', 'invalid_amount'),
  ('tests.order_id(''other''), 1, p_user_id => tests.get_supabase_uid(''alice'')', 'invalid_argument'),
  ('tests.order_id(''other''), 1, p_currency => ''USD''', 'invalid_argument'),
  ('tests.order_id(''other''), 1, p_paid_at => ''infinity''', 'invalid_argument'), ('tests.order_id(''other''), 1, p_paid_at => ''-infinity''', 'invalid_argument'),
  ('tests.order_id(''other''), 1, p_paid_at => ''2020-02-29''', 'success')) c (arguments, expected);
select results_eq(
  $$ select r.role, tests.outcome(r.role, format('ledger_record_payment(%L, 1)', tests.order_id('transfer')))
     from unnest(array['admin', 'finance', 'warehouse', 'logistics', 'vendor', 'alice']) r (role) $$,
  $$ values ('admin', 'success'), ('finance', 'success'), ('warehouse', '42501'), ('logistics', '42501'), ('vendor', '42501'), ('alice', '42501') $$,
  'payments.record is needed');

-- one transfer is recorded once, for whichever order
select tests.expect_success(r) from ledger_record_payment(tests.order_id('transfer'), 100, 'bank_transfer', 'T-1') r;
create temp table before as select tests.state() as state;
select results_eq(
  $$ select error_code, error_message from ledger_record_payment(tests.order_id('other'), 100, 'bank_transfer', 'T-1') $$,
  $$ values ('payment_reference_used', 'A payment by bank_transfer with the reference "T-1" is recorded already.') $$, 'the same transfer is not recorded twice');
select is((select error_code from ledger_record_payment(tests.order_id('other'), 100, 'bank_transfer', 'T-1 ')), 'payment_reference_used', 'blanks around it make no other one');
select is(tests.changes((select state from before), tests.state()), null, 'and the refusal changed nothing');
select is((select error_code from ledger_record_payment(tests.order_id('other'), 100, 'card', 'T-1')), null, 'another method has references of its own');

select tests.expect_success(f) from ledger_freeze_account(tests.get_supabase_uid('alice'), true, 'looked into') f;
select is((select credit_amount from ledger_record_payment(tests.order_id('other'), 1000)), 100::bigint, 'money that comes in for a frozen account is recorded');
select is(
  (select error_code from ledger_record_payment(tests.order_id('other'), 9007199254740991)), 'amount_too_large', 'an account holds no more than is exact');
select is_empty('select * from ledger.book_differences()', 'the books are in order');

select * from finish();
rollback;
