-- Source 002, 16.1: invoices of an older system are claims under their old number; their status is compared and not trusted.
begin;
select plan(14);
select tests.create_customer('ann'), tests.create_customer('bob');
create temp table run as select tests.stage_import('invoices', 'invoices.csv', jsonb_build_array(
  tests.invoice_row('I-1', 'ann', '12.00', '2024-01-31', '{"tax_amount": "2.00", "status": "paid", "notes": "for the roof", "description": "roof"}'),
  tests.invoice_row('I-2', 'ann', '8', '2024-02-29', '{"invoice_number": "2024/17", "due_at": "2024-03-05", "status": "Overdue"}'),
  tests.invoice_row('I-3', 'bob', '8', '2024-02-29', '{"invoice_number": "2024/17"}'),
  tests.invoice_row('I-4', 'bob', '8', '2024-02-29', '{"tax_amount": "8.01"}'), tests.invoice_row('I-5', 'bob', '8', '2024-02-29', '{"status": "torn up"}'),
  tests.invoice_row('I-6', 'bob', '0'), tests.invoice_row('I-2', 'bob', '9'))) as id;
create temp table report as select a.report from run, public.import_analyze(run.id) a;
select set_eq($$ select j.row_number, j.field, j.code from public.import_rejects j, run where j.run_id = run.id $$,
  $$ values (3::bigint, 'invoice_number', 'row_number_used'), (4, 'tax_amount', 'row_tax_not_part'), (5, 'status', 'row_value_unknown'), (6, 'amount', 'row_amount_not_positive'),
            (7, 'external_id', 'row_duplicate') $$, 'what cannot be an invoice is rejected with its reason');
select is((select report -> 'statuses' from report), '{"paid": {"rows": 1, "amount": 1200}, "unpaid": {"rows": 1, "amount": 800}}'::jsonb, 'old statuses are counted');
select is((select (a.applied_rows, a.rejected_rows, a.done) from run, public.import_apply(run.id) a), (2::bigint, 5::bigint, true), 'the others come in');
select results_eq($$ select i.invoice_number, i.total_amount, i.tax_amount, i.source, i.series, i.issued_at, b.remaining_amount, b.status_cached
                     from public.invoices i join public.invoice_balance_cache b on b.invoice_id = i.id order by i.issued_at $$,
  $$ values ('I-1', 1200::bigint, 200::bigint, 'import', null::text, timestamptz '2024-01-31 00:00Z', 1200::bigint, 'unpaid'), ('2024/17', 800, 0, 'import', null, '2024-02-29 00:00Z', 800, 'unpaid') $$,
  'under their old number and date, unpaid whatever the older system says');
select is((select i.due_at from public.invoices i where i.external_id = 'I-2'), timestamptz '2024-03-05 00:00Z', 'due when the file says');
select is((select i.due_at - i.issued_at from public.invoices i where i.external_id = 'I-1'),
  make_interval(days => ledger.due_days_of(ledger.account_id(tests.get_supabase_uid('ann'), 'USD'))), 'or by the credit terms');
select is((select array_agg(l.description) from public.invoice_lines l), array['roof', 'Invoice 2024/17'], 'each has one line');
select is((select (c.invoiced_amount, c.debt_amount) from public.account_debt_cache c where c.account_id = ledger.account_id(tests.get_supabase_uid('ann'), 'USD')), (2000::bigint, 2000::bigint), 'what they claim is owed');
select results_eq($$ select p.credit_account, sum(p.amount)::bigint from public.postings p where p.debit_account = 'receivable' group by 1 order by 1 $$,
  $$ values ('revenue', 1800::bigint), ('tax_payable', 200) $$, 'receivable against revenue and tax');
select is((select count(*)::int from ledger.outbox o where o.type = 'invoice.issued'), 0, 'no row has a message of its own');
select is((select array_agg(distinct i.customer_name) from public.invoices i), array(select distinct p.display_name from public.profiles p where p.id = tests.get_supabase_uid('ann')), 'with the name of the customer');
create temp table again as select tests.import('invoices', 'again.csv', jsonb_build_array(
  tests.invoice_row('I-1', 'ann', '12.00', '2024-01-31', '{"tax_amount": "2.00", "status": "unpaid", "description": "roof"}'), tests.invoice_row('I-7', 'bob', '1', more => '{"invoice_number": "2024/17"}'))) as id;
select results_eq($$ select w.row_number, w.state from public.import_rows w, again where w.run_id = again.id order by 1 $$,
  $$ values (1::bigint, 'skipped'), (2, 'rejected') $$, 'the same invoice is skipped, another one with its number is rejected');
select is((select v.success from public.ledger_void_invoice((select i.id from public.invoices i where i.external_id = 'I-1')) v), true, 'an imported invoice can be voided as others can');
select is((select count(*)::int from ledger.book_differences()), 0, 'the books are in order');
select * from finish();
rollback;
