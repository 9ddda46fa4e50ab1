-- A spreadsheet makes 42.0 of 42 and 42 of 0042, and keyboards have digits of their own: none of it is a second payment.
begin;
select plan(13);
select tests.create_customer('ann');
create temp table twice as select tests.import('payments', 'in one file', jsonb_build_array(
  tests.payment_row('P-1', 'ann', '5'), tests.payment_row('p-1', 'ann', '5'), tests.payment_row('P-۱', 'ann', '5'), tests.payment_row('P -1', 'ann', '5'),
  tests.payment_row(U&'P\200b-1', 'ann', '5'), tests.payment_row('0042', 'ann', '5'), tests.payment_row('42', 'ann', '5'), tests.payment_row('42.0', 'ann', '5'))) as id;
select set_eq($$ select j.row_number, j.code, substring(j.message from '[0-9]+ already') from twice join public.import_rejects j on j.run_id = twice.id $$,
  $$ values (2::bigint, 'row_duplicate', '1 already'), (3, 'row_duplicate', '1 already'), (4, 'row_duplicate', '1 already'), (5, 'row_duplicate', '1 already'),
            (7, 'row_duplicate', '6 already'), (8, 'row_duplicate', '6 already') $$, 'in one file the first of them comes in');
create temp table again as select tests.import('payments', 'in another', jsonb_build_array(
  tests.payment_row('p-1', 'ann', '5'), tests.payment_row('42.0', 'ann', '5'))) as id;
select results_eq($$ select w.row_number, w.state from again join public.import_rows w on w.run_id = again.id order by 1 $$, $$ values (1::bigint, 'skipped'), (2, 'rejected') $$,
  'in another file another case is the same name, and what may be another number is asked about');
select is((select j.message from public.import_rejects j, again where j.run_id = again.id), '"42" was imported before as 0042, 5.00 USD, not as 5.00 USD.', 'in a sentence that names both');
create temp table space as select tests.import('payments', 'spaced', jsonb_build_array(tests.payment_row('P 1', 'ann', '5'))) as id;
select is((select j.code from public.import_rejects j, space where j.run_id = space.id), 'row_differs_from_imported', 'as are spaces and dashes');
select is((select sum(p.amount) from public.postings p where p.debit_account = 'bank'), 1000::numeric, 'the money came in once');
create temp table persian as select tests.import('payments', 'persian', jsonb_build_array(tests.payment_row('P-۱', 'ann', '5'), tests.payment_row(U&'P-\200f1', 'ann', '6'))) as id;
select results_eq($$ select w.row_number, w.state from persian join public.import_rows w on w.run_id = persian.id order by 1 $$, $$ values (1::bigint, 'skipped'), (2, 'rejected') $$,
  'other digits are the same name');
select tests.import('invoices', 'invoices', jsonb_build_array(tests.invoice_row('I-1', 'ann', '8'), tests.invoice_row('i-1', 'ann', '8'), tests.invoice_row('I-۱', 'ann', '8')));
select is((select sum(i.total_amount) from public.invoices i), 800::numeric, 'an invoice is owed once');

-- the names that flags use
create temp table flagged as select tests.import('payments', 'flagged', jsonb_build_array(tests.payment_row('P-9', 'ann', '3', more => '{"is_allocated": "1", "invoice": "i-۱"}'))) as id;
select is((select f.claimed_invoice_id from flagged, ledger.flagged_payments(ledger.account_id(tests.get_supabase_uid('ann'), 'USD'), flagged.id) f),
  (select i.id from public.invoices i where i.external_id = 'I-1'), 'a payment finds its invoice in any spelling');
select is((select r.value ->> 'rows' from flagged, ledger.backfill_findings(flagged.id) f (value), lateral (select f.value -> 'invoices_not_found') r (value)), '0', 'and nothing is missing');

-- an address is nobody's to keep
select tests.import('payments', 'addresses', jsonb_build_array(tests.payment_row('Zed@old.example/4', 'ann', '2')));
select is((select count(*)::int from public.payments p join public.import_rows w on w.target_id = p.id join public.immutable_events e on e.stream_id = p.id join public.import_identities i on i.target_id = p.id
           where concat(p.external_id, w.external_id, e.payload, i.external_id) ilike '%zed%'), 0, 'an external id that holds an address is kept as a digest');
create temp table zed as select tests.import('payments', 'addresses again', jsonb_build_array(tests.payment_row('zed@old.example/4', 'ann', '2'))) as id;
select is((select r.skipped_rows from public.import_runs r, zed where r.id = zed.id), 1::bigint, 'by which it is known again');
select is(array(select ledger.import_external_id(t, '{}') from unnest(array['  ', U&'\200b', '17850.0', 'a' || U&'\00a0' || ' b', null]) t), array[null, null, '17850', 'a b', null], 'what is left of a name');
select is((select count(*)::int from ledger.book_differences()), 0, 'the books are in order');
select * from finish();
rollback;
