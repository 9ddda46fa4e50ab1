begin;
select tests.create_customer('alice', 5000);
select tests.create_variant('mug', price => 1000);
select tests.place_named_order('order', 'alice', tests.lines('mug x 1'));
select tests.invoice_order('order');
select tests.invoice_customer('free', 'alice', 'work x 2 at 100', 'gift x 1 at 0');
select tests.invoice_customer('void', 'alice', 'work x 2 at 100');
select tests.expect_success(v) from public.ledger_void_invoice(tests.invoice_id('void')) v;
create temp table noted as select c.credit_note_id as id from public.ledger_credit_invoice(tests.invoice_id('free'), p_amount => 10) c;
grant select on noted to service_role;
create temp table before as select tests.state() as state;
create temp table refused (code text, what text, arguments text);
insert into refused values
  ('invoice_not_found', 'no invoice', 'gen_random_uuid(), p_amount => 1'), ('invoice_not_found', 'null', 'null, p_amount => 1'),
  ('order_invoice', 'an order''s invoice', 'tests.invoice_id(''order''), p_amount => 1'),
  ('invoice_conflict', 'a void one', 'tests.invoice_id(''void''), p_amount => 1'),
  ('invoice_conflict', 'a credit note', '(select id from noted), p_amount => 1'),
  ('invoice_changed', 'an old version', 'tests.invoice_id(''free''), p_amount => 1, p_expected_version => 1'),
  ('nothing_to_credit', 'nothing', 'tests.invoice_id(''free'')'), ('nothing_to_credit', 'zero', 'tests.invoice_id(''free''), p_amount => 0'),
  ('nothing_to_credit', 'what cost nothing', 'tests.invoice_id(''free''), ''[{"line_number": 2, "quantity": 1}]'''),
  ('invalid_amount', 'less than nothing', 'tests.invoice_id(''free''), p_amount => -1'),
  ('credit_exceeds_invoice', 'more than there is', 'tests.invoice_id(''free''), p_amount => 191'),
  ('invalid_argument', 'both', 'tests.invoice_id(''free''), ''[{"line_number": 1, "quantity": 1}]'', 1'),
  ('invalid_argument', 'a list of nothing', 'tests.invoice_id(''free''), ''[]'''),
  ('invalid_argument', 'a line twice', 'tests.invoice_id(''free''), ''[{"line_number": 1, "quantity": 1}, {"line_number": 1, "quantity": 1}]'''),
  ('invalid_argument', 'half a unit', 'tests.invoice_id(''free''), ''[{"line_number": 1, "quantity": 0.5}]'''),
  ('invalid_argument', 'a reason that is too long', 'tests.invoice_id(''free''), p_amount => 1, p_reason => repeat(''x'', 2001)'),
  ('invoice_line_not_found', 'no such line', 'tests.invoice_id(''free''), ''[{"line_number": 3, "quantity": 1}]'''),
  ('units_not_creditable', 'more units than there are', 'tests.invoice_id(''free''), ''[{"line_number": 1, "quantity": 3}]''');
select plan((select count(*)::int from refused) + 3);
select is(tests.outcome_as('service_role', format('select * from public.ledger_credit_invoice(%s)', arguments)), code, format('%s: %s', what, code)) from refused;
select is(tests.changes((select state from before), tests.state()), null, 'nothing of it changed anything');
select matches((select error_message from public.ledger_credit_invoice(tests.invoice_id('order'), p_amount => 1)), '^Invoice INV-000001 is that of order ORD[0-9]+: refund the order', 'the message says what to do instead');
select is_empty('select * from ledger.book_differences()', 'the books are in order');
select * from finish();
rollback;
