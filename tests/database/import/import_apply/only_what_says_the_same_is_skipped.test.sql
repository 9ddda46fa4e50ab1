-- A name of one system or bank file is no name of another: rows are lost only when they say in all what is there.
begin;
select plan(14);
select tests.create_customer('ann'), tests.create_customer('bob');
select tests.import('payments', 'system A', jsonb_build_array(
  tests.payment_row('1', 'ann', '5', '2024-03-01', '{"reference": "A1", "is_allocated": "1", "invoice": "I-1"}'), tests.payment_row('2', 'ann', '6'), tests.payment_row('3', 'ann', '7')));
create temp table again as select tests.import('payments', 'system A again', jsonb_build_array(
  tests.payment_row('1', 'ann', '5.00', '2024-03-01T00:00Z', '{"reference": "a-1", "is_allocated": "yes", "invoice": "i 1"}'), tests.payment_row('2', 'ann', '6', '2024-03-01', '{"method": "bank_transfer"}'))) as id;
select is((select (r.skipped_rows, r.rejected_rows) from public.import_runs r, again where r.id = again.id), (2::bigint, 0::bigint), 'the same rows, typed another way, are skipped');

create temp table other as select tests.import('payments', 'system B', jsonb_build_array(
  tests.payment_row('1', 'ann', '5', '2024-03-01', '{"reference": "B77", "is_allocated": "1", "invoice": "I-1"}'), tests.payment_row('2', 'ann', '6', '2025-05-05'),
  tests.payment_row('3', 'ann', '7', more => '{"method": "cash"}'))) as id;
select results_eq($$ select w.row_number, w.state, j.code from other join public.import_rows w on w.run_id = other.id left join public.import_rejects j on j.run_id = w.run_id and j.row_number = w.row_number order by 1 $$,
  $$ values (1::bigint, 'rejected', 'row_differs_from_imported'), (2, 'rejected', 'row_differs_from_imported'), (3, 'rejected', 'row_differs_from_imported') $$,
  'another reference, another day, another method: rejected, not lost');
select is((select j.message from public.import_rejects j, other where j.run_id = other.id and j.row_number = 1), '"1" was imported before as 5.00 USD, reference A1, not as 5.00 USD, reference B77.', 'and the sentence says what differs');
create temp table flags as select tests.import('payments', 'later flags', jsonb_build_array(
  tests.payment_row('1', 'ann', '5', '2024-03-01', '{"reference": "A1", "is_allocated": "0", "invoice": "I-1"}'), tests.payment_row('2', 'ann', '6', more => '{"notes": "second half"}'))) as id;
select is((select r.rejected_rows from public.import_runs r, flags where r.id = flags.id), 2::bigint, 'as are other flags and notes');
select is((select count(*)::int from public.payments), 3, 'nothing of it is in the books');

-- a prefix keeps two systems apart
create temp table prefixed as select tests.import('payments', 'system B with a prefix', jsonb_build_array(
  tests.payment_row('1', 'ann', '5', '2024-03-01', '{"reference": "B77", "is_allocated": "1", "invoice": "9"}'), tests.payment_row('2', 'ann', '6', '2025-05-05')), '{"external_id_prefix": "B/"}') as id;
select is((select r.applied_rows from public.import_runs r, prefixed where r.id = prefixed.id), 2::bigint, 'with a prefix they come in');
select set_eq($$ select p.external_id from public.payments p $$, '{1,2,3,B/1,B/2}'::text[], 'under names of their own');
select is((select w.parsed ->> 'invoice' from public.import_rows w, prefixed where w.run_id = prefixed.id and w.row_number = 1), 'B/9', 'as are the invoices that they name');

-- invoices
select tests.import('invoices', 'invoices A', jsonb_build_array(tests.invoice_row('1', 'bob', '5', '2024-03-01'), tests.invoice_row('2', 'bob', '6', '2024-03-01', '{"status": "unpaid", "tax_amount": "1"}')));
create temp table invoices as select tests.import('invoices', 'invoices B', jsonb_build_array(
  tests.invoice_row('1', 'bob', '5', '2024-03-02'), tests.invoice_row('2', 'bob', '6', '2024-03-01', '{"status": "paid", "tax_amount": "1.00", "due_at": "2024-09-01"}'))) as id;
select results_eq($$ select w.row_number, w.state from invoices join public.import_rows w on w.run_id = invoices.id order by 1 $$,
  $$ values (1::bigint, 'rejected'), (2, 'skipped') $$, 'of another day: rejected; what the older system computed since changes nothing');
create temp table number as select tests.import('invoices', 'invoices C', jsonb_build_array(tests.invoice_row('1', 'bob', '5', '2024-03-01', '{"invoice_number": "C-1"}'), tests.invoice_row('2', 'bob', '6', '2024-03-01'))) as id;
select set_eq($$ select j.row_number, j.code from number join public.import_rejects j on j.run_id = number.id $$,
  $$ values (1::bigint, 'row_differs_from_imported'), (2, 'row_differs_from_imported') $$, 'another number or tax is another invoice');
select is((select sum(i.total_amount) from public.invoices i), 1100::numeric, 'the customer owes each once');
select tests.expect_success(v) from public.payments p, public.ledger_void_payment(p.id) v where p.external_id = '3';
create temp table void as select tests.import('payments', 'system A once more', jsonb_build_array(tests.payment_row('3', 'ann', '7'))) as id;
select is((select j.code from public.import_rejects j, void where j.run_id = void.id), 'row_imported_before', 'what is void by now does not come back');
select is((select error_code from public.import_begin('payments', 'long', jsonb_build_object('external_id_prefix', repeat('x', 51)))), 'invalid_argument', 'a prefix is short');
select is((select count(*)::int from ledger.book_differences()), 0, 'the books are in order');
select * from finish();
rollback;
