-- Source 002, section 10, as an admin in the dashboard would try it: what was issued is not changed, renumbered or removed.
begin;
set local client_min_messages = warning; -- a TRUNCATE names what it cascades to
select tests.open_shop();
select tests.open_office();
create temp table before as select tests.state() as state;
create temp table tried (what text, message text, statement text);
insert into tried values
  ('another amount', 'Call ledger_issue_invoice, ledger_credit_invoice, ledger_change_invoice or ledger_void_invoice', 'update public.invoices set total_amount = 1'),
  ('another number', 'Call ledger_issue_invoice', 'update public.invoices set number = 99, invoice_number = ''INV-000099'' where number = 1'),
  ('void by hand', 'Call .*ledger_void_invoice', 'update public.invoices set status = ''void'', voided_at = now()'),
  ('another due date', 'Call .*ledger_change_invoice', 'update public.invoices set due_at = now()'),
  ('removing it', 'Call ledger_issue_invoice', 'delete from public.invoices'),
  ('removing its lines', 'never changed or removed', 'delete from public.invoice_lines'),
  ('another line', 'never changed or removed', 'update public.invoice_lines set unit_price_amount = 1, total_price_amount = quantity'),
  ('a line more', 'Call ledger_issue_invoice or ledger_credit_invoice', 'insert into public.invoice_lines (invoice_id, line_number, account_id, description, quantity, unit_price_amount, total_price_amount) select id, 9, account_id, ''x'', 1, 1, 1 from public.invoices limit 1'),
  ('an invoice by hand', 'Call ledger_issue_invoice', 'insert into public.invoices default values'),
  ('emptying the table', 'Call ledger_issue_invoice', 'truncate public.invoices cascade'),
  ('a number back', 'a series has no gaps', 'update public.invoice_series set next_number = next_number - 1 where code = ''invoice'''),
  ('skipping numbers', 'a series has no gaps', 'update public.invoice_series set next_number = 1000 where code = ''invoice'''),
  ('another beginning', 'a series has no gaps', 'update public.invoice_series set first_number = 0 where code = ''invoice'''),
  ('removing a series', 'a series has no gaps', 'delete from public.invoice_series where code = ''credit_note'''),
  ('a series that has begun', 'a series has no gaps', 'insert into public.invoice_series (code, kind, prefix, next_number, description) values (''x'', ''invoice'', ''X-'', 7, ''x'')'),
  ('the prefix of another', 'given by another series', 'update public.invoice_series set prefix = ''INV-'' where code = ''credit_note'''),
  ('a prefix that ends in a digit', 'prefix_does_not_end_in_a_digit', 'insert into public.invoice_series (code, kind, prefix, description) values (''x'', ''invoice'', ''INV-1'', ''x'')');
select plan((select count(*)::int from tried) * 2 + 13);
select matches(tests.error_as('postgres', statement), message, format('%s is refused, with what to do instead', what)) from tried;
select isnt(tests.outcome_as('service_role', statement), 'done', format('%s by a backend too', what)) from tried;

-- not even inside a procedure, nor in the mode that restores set
select set_config('ledger.procedure', 'ledger_issue_invoice', true);
select matches(tests.error_as('postgres', statement), 'never changed or removed', statement || ' is refused to procedures') from unnest(array[
  'update public.invoices set total_amount = 1', 'update public.invoices set invoice_number = ''X''', 'update public.invoices set user_id = gen_random_uuid()',
  'update public.invoices set issued_at = now()', 'update public.invoice_lines set quantity = 2']) statement;
select matches(tests.error_as('postgres', 'update public.invoices set credited_amount = total_amount + 1 where id = tests.invoice_id(''spare'')'), 'claims_nothing_below_zero', 'no more than all of it is credited');
select matches(tests.error_as('postgres', 'update public.invoices set prepaid_amount = 1 where id = tests.invoice_id(''spare'')'), 'only_an_order_is_prepaid', 'a free one is not prepaid');
select set_config('ledger.procedure', '', true);
set local session_replication_role = replica;
select is(tests.outcome_as('postgres', 'update public.invoices set total_amount = 1'), '42501', 'in replica mode it is refused too');
select is(tests.outcome_as('postgres', 'delete from public.invoices'), '42501', 'and so is removing');
set local session_replication_role = origin;
select is(tests.changes((select state from before), tests.state()), null, 'nothing of it changed anything');

-- what an admin may: another look from now on, and a prefix that was never another's
select lives_ok('update public.invoice_series set prefix = ''R-'', digits = 3 where code = ''invoice''', 'a series may get another prefix');
select is((select invoice_number from public.ledger_issue_invoice(p_user_id => tests.get_supabase_uid('olga'), p_lines => tests.invoice_lines('a x 1 at 1'))),
  format('R-%s', lpad((select count(*) + 1 from public.invoices i where i.kind = 'invoice')::text, 3, '0')), 'numbers go on');
select matches(tests.error_as('postgres', 'insert into public.invoice_series (code, kind, prefix, description) values (''x'', ''invoice'', ''INV-'', ''x'')'), 'numbers with the prefix "INV-" were given by another series', 'no number is given twice');
select * from finish();
rollback;
