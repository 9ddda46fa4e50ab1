begin;
select tests.create_customer('alice', 5000), tests.create_customer('bob');
select tests.create_variant('mug', price => 1000);
select tests.place_named_order('open', 'alice', tests.lines('mug x 1'));
select tests.move_order(tests.place_named_order('over', 'alice', tests.lines('mug x 1')), 'cancelled');
create temp table before as select tests.state() as state;
create temp table refused (code text, what text, call text);
insert into refused values
  ('customer_required', 'nobody and nothing', 'select * from public.ledger_issue_invoice()'),
  ('order_not_found', 'an order that is not there', 'select * from public.ledger_issue_invoice(gen_random_uuid())'),
  ('order_not_found', 'an order of another customer than named', 'select * from public.ledger_issue_invoice(tests.order_id(''open''), tests.get_supabase_uid(''bob''))'),
  ('invoice_not_possible', 'an order that has ended', 'select * from public.ledger_issue_invoice(tests.order_id(''over''))'),
  ('invalid_argument', 'lines for an order', 'select * from public.ledger_issue_invoice(tests.order_id(''open''), p_lines => tests.invoice_lines(''a x 1 at 1''))'),
  ('invalid_argument', 'an order in another currency', 'select * from public.ledger_issue_invoice(tests.order_id(''open''), p_currency => ''EUR'')'),
  ('customer_not_found', 'a customer who is not there', 'select * from public.ledger_issue_invoice(p_user_id => gen_random_uuid(), p_lines => tests.invoice_lines(''a x 1 at 1''))'),
  ('unknown_currency', 'an unknown currency', 'select * from public.ledger_issue_invoice(p_user_id => tests.get_supabase_uid(''bob''), p_lines => tests.invoice_lines(''a x 1 at 1''), p_currency => ''XXX'')'),
  ('invoice_series_not_found', 'an unknown series', 'select * from public.ledger_issue_invoice(tests.order_id(''open''), p_series => ''x'')'),
  ('invoice_series_not_found', 'a series of credit notes', 'select * from public.ledger_issue_invoice(tests.order_id(''open''), p_series => ''credit_note'')'),
  ('invalid_argument', 'a year that is mistyped', 'select * from public.ledger_issue_invoice(tests.order_id(''open''), p_due_at => ''20266-01-01'')'),
  ('invalid_argument', 'notes that are too long', 'select * from public.ledger_issue_invoice(tests.order_id(''open''), p_notes => repeat(''x'', 2001))'),
  ('invalid_argument', 'an address that is none', 'select * from public.ledger_issue_invoice(tests.order_id(''open''), p_billing_address => ''[]'')');
insert into refused
select coalesce(v.code, 'invalid_argument'), v.what, format('select * from public.ledger_issue_invoice(p_user_id => tests.get_supabase_uid(''bob''), p_lines => %L)', v.lines)
from (values (null, 'no lines', null), (null, 'an empty list', '[]'), (null, 'an object', '{}'), (null, 'a line that is no object', '[1]'),
  (null, 'no description', '[{"quantity": 1, "unit_price_amount": 1}]'), (null, 'a blank description', '[{"description": " ", "quantity": 1, "unit_price_amount": 1}]'),
  (null, 'half a unit', '[{"description": "a", "quantity": 0.5, "unit_price_amount": 1}]'), (null, 'no unit', '[{"description": "a", "quantity": 0, "unit_price_amount": 1}]'),
  (null, 'a price as text', '[{"description": "a", "quantity": 1, "unit_price_amount": "1"}]'), (null, 'a price below zero', '[{"description": "a", "quantity": 1, "unit_price_amount": -1}]'),
  (null, 'a line that is too large', '[{"description": "a", "quantity": 1000000, "unit_price_amount": 9007199254740991}]'),
  (null, 'a discount above the line', '[{"description": "a", "quantity": 1, "unit_price_amount": 1, "discount_amount": 2}]'),
  (null, 'a tax above all', '[{"description": "a", "quantity": 1, "unit_price_amount": 1, "tax_rate_bp": 10001}]'),
  (null, 'a misspelt key', '[{"description": "a", "quantity": 1, "unit_price_amount": 1, "tax": 1}]'), (null, 'nothing to pay', '[{"description": "a", "quantity": 1, "unit_price_amount": 0}]'),
  ('amount_too_large', 'lines that are too large together', '[{"description": "a", "quantity": 1, "unit_price_amount": 9007199254740991}, {"description": "b", "quantity": 1, "unit_price_amount": 1}]')) v (code, what, lines);

select plan((select count(*)::int from refused) + 3);
select is(tests.outcome_as('service_role', call), code, format('%s: %s', what, code)) from refused;
select is(tests.changes((select state from before), tests.state()), null, 'nothing of it changed anything, no number was taken');
-- what is owed in all stays exact
select tests.invoice_customer('huge', 'bob', 'a x 1 at 9007199254740991');
select is((select error_code from public.ledger_issue_invoice(p_user_id => tests.get_supabase_uid('bob'), p_lines => tests.invoice_lines('a x 1 at 1'))), 'amount_too_large', 'nobody owes more than can be counted');
select is_empty('select * from ledger.book_differences()', 'the books are in order');
select * from finish();
rollback;
