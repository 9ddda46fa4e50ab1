-- Source 002, E-A1 and 16.1: payments of text become payments; every row is applied, skipped or rejected with a reason.
begin;
select plan(23);
select tests.create_customer('ann'), tests.create_customer('bob', 500), tests.create_customer('eve');
select tests.receive('T-9', 'ann', 100);
create temp table run as select tests.stage_import('payments', 'old.csv', jsonb_build_array(
  jsonb_build_object('No', 'P-1', 'customer', tests.get_supabase_uid('ann'), 'Amount (USD)', '۱٬۲۳۴٫۵۶', 'paid_at', '2024-03-01', 'method', 'wire', 'reference', 'T-1', 'notes', 'call her'),
  jsonb_build_object('No', 'P-2', 'customer', tests.get_supabase_uid('bob') || '@test.invalid', 'Amount (USD)', '$7', 'paid_at', '2024-03-02', 'is_allocated', 'yes', 'invoice', 'I-9'),
  jsonb_build_object('No', 'P-2', 'customer', tests.get_supabase_uid('bob'), 'Amount (USD)', '8', 'paid_at', '2024-03-02'),
  jsonb_build_object('No', 'P-3', 'customer', 'nobody@test.invalid', 'Amount (USD)', '1.234', 'paid_at', '1402/12/10', 'is_allocated', 'perhaps', 'currency', 'EUR', 'method', 'shells'),
  jsonb_build_object('No', 'P-4', 'customer', tests.get_supabase_uid('ann'), 'Amount (USD)', '-5', 'paid_at', '2024-03-02'),
  jsonb_build_object('No', 'P-5', 'customer', tests.get_supabase_uid('ann'), 'Amount (USD)', '5', 'paid_at', '2024-03-02', 'reference', 't 9'),
  jsonb_build_object('No', 'P-6', 'customer', tests.get_supabase_uid('eve'), 'Amount (USD)', '90071992547409.91', 'paid_at', '2024-03-02'),
  jsonb_build_object('Amount (USD)', jsonb_build_array(1), 'paid_at', jsonb_build_object('a', 1)),
  jsonb_build_object('No', 'P-7''; delete from payments; --', 'customer', tests.get_supabase_uid('bob'), 'Amount (USD)', '0.01', 'paid_at', '2024-03-02', 'notes', '{amount:money}')),
  '{"columns": {"external_id": "No", "amount": "Amount (USD)"}, "methods": {"wire": "bank_transfer"}}') as id;
create temp table report as select a.report from run, public.import_analyze(run.id) a;
select is((select report #>> '{amounts,total}' from report), (123456 + 700 + 800 + 500 - 500 + 9007199254740991 + 1)::text, 'the analysis sums what can be read, to the minor unit');
select is((select (report #>> '{amounts,rows}', report #>> '{amounts,unreadable}') from report), ('9'::text, '2'::text), 'and counts what cannot');
select set_eq($$ select p ->> 'pattern', (p ->> 'rows')::int from report, jsonb_array_elements(report #> '{amounts,patterns}') p $$,
  $$ values ('۹٬۹۹۹٫۹۹', 1), ('$9', 1), ('9', 2), ('9.999', 1), ('-9', 1), ('9.99', 2), ('[9]', 1) $$, 'each pattern is shown with its share');
select set_eq($$ select j.row_number, j.field, j.code from public.import_rejects j, run where j.run_id = run.id $$,
  $$ values (3::bigint, 'external_id', 'row_duplicate'), (4, 'customer', 'row_customer_not_found'), (4, 'amount', 'row_amount_ambiguous'), (4, 'paid_at', 'row_date_jalali'),
            (4, 'is_allocated', 'row_value_unknown'), (4, 'currency', 'row_value_unknown'), (4, 'method', 'row_value_unknown'), (5, 'amount', 'row_amount_not_positive'),
            (6, 'reference', 'row_reference_used'), (8, 'external_id', 'row_value_missing'), (8, 'customer', 'row_value_missing'),
            (8, 'amount', 'row_amount_not_numeric'), (8, 'paid_at', 'row_date_unreadable') $$, 'every row that cannot be read is there with every reason');
select is((select j.message from public.import_rejects j, run where j.run_id = run.id and j.code = 'row_duplicate'), '"P-2" stands in row 2 already.', 'in a sentence');
select is((select count(*)::int from public.payments where source = 'import'), 0, 'an analysis writes nothing into the books');

create temp table before as select tests.state() as state;
select is((select (a.applied_rows, a.rejected_rows, a.done) from run, public.import_apply(run.id, true) a), (4::bigint, 5::bigint, true), 'a dry run says what would come of it');
select is(tests.changes((select state from before), tests.state()), null, 'and changes nothing');
select is((select (a.applied_rows, a.done) from run, public.import_apply(run.id, p_limit => 1) a), (1::bigint, false), 'a batch is as large as asked');
select is((select (a.state, a.applied_rows, a.skipped_rows, a.rejected_rows, a.done) from run, public.import_apply(run.id) a), ('applied'::text, 4::bigint, 0::bigint, 5::bigint, true), 'the rest follows');
select is((select a.done from run, public.import_apply(run.id) a), true, 'once more does nothing');
select is((select count(*)::int from public.payments where source = 'import' and unapplied_amount = amount), 4, 'payments are unapplied');
select is((select (p.amount, p.reference, p.notes, p.paid_at) from public.payments p where p.external_id = 'P-1'), (123456::bigint, 'T-1'::text, 'call her'::text, timestamptz '2024-03-01 00:00Z'), 'a payment is as its row says');
select is((select array_agg(m.unapplied_change order by m.account_version) from public.debt_movements m where m.account_id = ledger.account_id(tests.get_supabase_uid('bob'), 'USD') and m.unapplied_change <> 0), '{700,1}'::bigint[], 'the debt''s movements follow the rows');
select is((select t.texts from public.event_texts t join public.immutable_events e on e.id = t.event_id where e.payload ->> 'external_id' = 'P-1'), '{"reference": "T-1", "notes": "call her"}'::jsonb, 'what people wrote stands beside the event');
select is((select count(*)::int from ledger.outbox o where o.type like 'payment.imported%'), 0, 'no row has a message of its own');
select is((select count(*)::int from ledger.outbox o where o.type = 'import.applied'), 1, 'the run has one');
select is((select (r.sums ->> 'applied')::numeric + (r.sums ->> 'rejected')::numeric from run, public.import_report(run.id) r), (select (report #>> '{amounts,total}')::numeric from report), 'what is applied and what is rejected is the sum of the file');

-- the same again, in another file
create temp table again as select tests.import('payments', 'again.csv', jsonb_build_array(
  tests.payment_row('P-1', 'ann', '1234.56', more => '{"reference": "T 1", "notes": "call her"}'), tests.payment_row('P-2', 'bob', '7.01'), tests.payment_row('P-6', 'bob', '90071992547409.91'), tests.payment_row('P-8', 'bob', '3'))) as id;
select results_eq($$ select w.row_number, w.state from public.import_rows w, again where w.run_id = again.id order by 1 $$,
  $$ values (1::bigint, 'skipped'), (2, 'rejected'), (3, 'rejected'), (4, 'applied') $$, 'what was imported is skipped, what differs is rejected, what is new comes in');
select set_eq($$ select j.code from public.import_rejects j, again where j.run_id = again.id $$, $$ values ('row_differs_from_imported') $$, 'for that reason');

-- more than an account holds
create temp table much as select tests.import('payments', 'much.csv', jsonb_build_array(tests.payment_row('M-1', 'eve', '1'), tests.payment_row('M-2', 'bob', '2'))) as id;
select set_eq($$ select j.row_number, j.code from public.import_rejects j, much where j.run_id = much.id $$, $$ values (1::bigint, 'row_amount_too_large') $$, 'what an account cannot hold is rejected, and no more');
select is((select s.error_code from run, public.import_stage(run.id, 10, '[{}]') s), 'import_conflict', 'an applied import takes no more rows');
select is((select count(*)::int from ledger.book_differences()), 0, 'the books are in order');
select * from finish();
rollback;
