begin;
select plan(45);

select tests.create_variant('mug', price => 1000);
select tests.create_customer('alice');
select tests.create_customer('bob');
select tests.create_staff(r.role, r.role) from unnest(array['admin', 'finance', 'warehouse', 'logistics', 'vendor']) r (role);
select tests.invoice_customer('rent', 'alice', 'rent x 1 at 800');
select tests.invoice_customer('work', 'alice', 'work x 1 at 500');
select tests.invoice_customer('bobs', 'bob', 'work x 1 at 500');
select tests.invoice_customer('done', 'alice', 'work x 1 at 100');
select tests.pay_invoice('done', 100, 'done');
select tests.invoice_customer('void', 'alice', 'work x 1 at 100');
select tests.expect_success(v) from ledger_void_invoice(tests.invoice_id('void'), 'by mistake') v;
select tests.place_named_order('mugs', 'alice', tests.lines('mug x 1'), 'bank_transfer');
select tests.invoice_order('mugs');
select tests.expect_success(c) from tests.change_status('mugs', 'rejected') c;
select tests.receive('big', 'alice', 700);
create temp table before as select tests.state() as state;

-- section 10 of source 002: an invoice with nothing left, an overfunded payment
select results_eq(
  $$ select success, error_code, error_message from tests.allocate('big', 'rent 100', 'done 1') $$,
  $$ select false, 'invoice_settled', format('Nothing is left to pay of invoice %s; 0.01 USD cannot be allocated to it.', i.invoice_number)
     from invoices i where i.id = tests.invoice_id('done') $$, 'an invoice with nothing left takes nothing, and then nor do the others');
select results_eq(
  $$ select error_code, error_message from tests.allocate('big', 'rent 300', 'work 401') $$,
  $$ values ('allocation_exceeds_payment', 'Only 7.00 USD of the payment is left to allocate, 7.01 USD asked.') $$, 'no more is given than the payment has');
select results_eq(
  $$ select error_code, error_message from tests.allocate('big', 'work 501') $$,
  $$ select 'allocation_exceeds_invoice', format('Only 5.00 USD of invoice %s is left to pay, 5.01 USD asked.', i.invoice_number)
     from invoices i where i.id = tests.invoice_id('work') $$, 'and no more than the invoice has left');

-- whose, and which
select is((select error_code from tests.allocate('big', 'bobs 1')), 'invoice_not_found', 'another customer''s invoice is none of this payment''s');
select is((select error_code from tests.allocate('big', 'void 1')), 'invoice_not_open', 'a void invoice takes nothing');
select is((select error_code from tests.allocate('big', 'mugs 1')), 'invoice_not_open', 'nor does that of a rejected order');
select is((select error_code from ledger_allocate_payment(tests.invoice_id('rent'), tests.shares('rent 1'))), 'payment_not_found', 'an invoice is no payment');
select is((select error_code from ledger_allocate_payment(null, tests.shares('rent 1'))), 'payment_not_found', 'nor is null');
select is(
  (select error_code from ledger_allocate_payment(tests.payment_id('big'),
     jsonb_build_array(jsonb_build_object('invoice_id', tests.invoice_id('rent'), 'amount', 1, 'expected_version', 7)))),
  'invoice_balance_changed', 'a balance that has changed since it was read is refused');

-- lines of the wrong shape
select is(l.code, 'invalid_argument', format('p_lines %s is refused', l.name))
from (
  select v.name, (select a.error_code from ledger_allocate_payment(tests.payment_id('big'), v.lines) a) as code
  from (values
    ('null', null), ('JSON null', 'null'::jsonb), ('an object', '{}'), ('a text', '"rent"'), ('empty', '[]'), ('of a number', '[1]'), ('of null', '[null]'),
    ('without an invoice', '[{"amount": 1}]'), ('of no UUID', '[{"invoice_id": "x", "amount": 1}]'), ('of a number as invoice', '[{"invoice_id": 5, "amount": 1}]'),
    ('without an amount', tests.shares('rent 1') #- '{0,amount}'),
    ('of nothing', tests.shares('rent 0')), ('below zero', tests.shares('rent -1')), ('of a text', jsonb_set(tests.shares('rent 1'), '{0,amount}', '"1"')),
    ('of a half', jsonb_set(tests.shares('rent 1'), '{0,amount}', '1.5')), ('of too much', jsonb_set(tests.shares('rent 1'), '{0,amount}', '9007199254740992')),
    ('of far too much', jsonb_set(tests.shares('rent 1'), '{0,amount}', '1e300')),
    ('with a version of text', jsonb_set(tests.shares('rent 1'), '{0,expected_version}', '"1"', true)),
    ('with a huge version', jsonb_set(tests.shares('rent 1'), '{0,expected_version}', '1e300', true)),
    ('with an invoice twice', tests.shares('rent 1', 'rent 2')),
    ('of 1001 lines', (select jsonb_agg(jsonb_build_object('invoice_id', gen_random_uuid(), 'amount', 1)) from generate_series(1, 1001)))) v (name, lines)) l;
select is(
  (select error_message from ledger_allocate_payment(tests.payment_id('big'), tests.shares('work 1', 'rent 1', 'rent 2'))),
  'p_lines, line 2: the same invoice is on another line too: one line per invoice', 'the first bad line is named');
select is(
  (select error_code from ledger_allocate_payment(tests.payment_id('big'),
     jsonb_build_array(jsonb_build_object('invoice_id', tests.invoice_id('rent'), 'amount', 9007199254740991)))),
  'allocation_exceeds_invoice', 'the largest exact amount is too much for the invoice and no error');
select is(tests.changes((select state from before), tests.state()), null, 'none of the refusals changed anything');

-- who may
select is(tests.outcome(v.who, format('ledger_allocate_payment(%L, %L)', tests.payment_id('big'), tests.shares('rent 1'))), v.expected, format('%s: %s', v.who, v.expected))
from (values ('alice', '42501'), ('warehouse', '42501'), ('finance', 'success'), ('admin', 'success')) v (who, expected);

-- a key names its lines for good
select is((select success from ledger_allocate_payment(tests.payment_id('big'), tests.shares('rent 10'), 'k-1')), true, 'a key is used');
select is((select allocated_amount from ledger_allocate_payment(tests.payment_id('big'), tests.shares('rent 10'), 'k-1')), 10::bigint, 'and again with the same answer');
select is(tests.used('big'), '10/690', 'nothing is given twice');
select is((select error_code from ledger_allocate_payment(tests.payment_id('big'), tests.shares('rent 20'), 'k-1')), 'idempotency_conflict', 'other lines with it are refused');
select set_config('ledger.procedure', 'purge_idempotency_keys', true);
delete from ledger.idempotency_keys;
select set_config('ledger.procedure', '', true);
select is((select error_code from ledger_allocate_payment(tests.payment_id('big'), tests.shares('rent 10'), 'k-1')), 'idempotency_conflict',
          'also when the answer is not kept any more');

-- a payment that never was one
select tests.expect_success(v) from ledger_void_payment(tests.payment_id('big')) v;
select is((select error_code from tests.allocate('big', 'rent 1')), 'payment_conflict', 'a voided payment gives nothing');
select is(tests.claim('rent'), '800/0/800 unpaid', 'and what it had given is taken back');
select is_empty('select * from ledger.book_differences()', 'the books are in order');
select * from finish();
rollback;
