-- Source 002, 16.5: flagged payments go to the invoice they name, then to the oldest ones; nothing else is touched.
begin;
select plan(32);
select tests.create_customer('ann'), tests.create_customer('bob');
select tests.import('invoices', 'invoices', jsonb_build_array(
  tests.invoice_row('A-1', 'ann', '10', '2024-01-01', '{"status": "paid"}'), tests.invoice_row('A-2', 'ann', '10', '2024-01-02', '{"status": "unpaid"}'),
  tests.invoice_row('A-3', 'ann', '10', '2024-01-03', '{"status": "partial"}'), tests.invoice_row('B-1', 'bob', '5', '2024-01-01')));
create temp table run as select tests.import('payments', 'payments', jsonb_build_array(
  tests.payment_row('P-1', 'ann', '12', '2024-02-02', '{"is_allocated": "1", "invoice": "A-2"}'),
  tests.payment_row('P-2', 'ann', '4', '2024-02-01', '{"is_allocated": "1", "invoice": "A-2"}'),
  tests.payment_row('P-3', 'ann', '3', '2024-02-03', '{"is_allocated": "1", "invoice": "B-1"}'),
  tests.payment_row('P-4', 'ann', '50', '2024-02-04', '{"is_allocated": "0"}'),
  tests.payment_row('P-5', 'bob', '7', '2024-02-01', '{"is_allocated": "1"}'))) as id;

-- a dry run
create temp table before as select tests.state() as state;
select is((select (b.allocated_amount, b.done, b.mode) from run, public.import_backfill(run.id, p_dry_run => true) b), (2400::bigint, true, 'off'::text), 'a dry run says what would be allocated');
select is(tests.changes((select state from before), tests.state()), null, 'and changes nothing');

-- step by step, everybody else waits
select is((select (b.backfill_state, b.mode, b.done) from run, public.import_backfill(run.id) b), ('reading'::text, 'read_only'::text, false), 'first allocations are closed');
select is((select a.error_code from public.payments p, public.ledger_auto_allocate_payment(p.id) a where p.external_id = 'P-4'), 'backfill_running', 'so that nobody allocates');
select is((select b.error_code from public.import_backfill(p_user_id => tests.get_supabase_uid('bob')) b), 'backfill_running', 'nor backfills besides');
select is((select (b.backfill_state, b.mode, b.done) from run, public.import_backfill(run.id, p_limit => 1) b), ('writing'::text, 'active'::text, false), 'then accounts are written, as many as asked');
select is((select a.error_code from public.payments p, public.ledger_auto_allocate_payment(p.id) a where p.external_id = 'P-4'), 'backfill_running', 'while allocations of people wait');
select is((select b.allocated_amount + (select sum(l.allocated_amount) from public.payment_allocations l) from run, public.import_backfill(run.id, p_limit => 1) b), 2400::numeric, 'the next account follows');
create temp table last as select b.* from run, public.import_backfill(run.id, p_limit => 1) b;
select is((select (backfill_state, mode, done) from last), ('done'::text, 'off'::text, true), 'in the end allocations are open again');

-- what came of it
select results_eq($$ select p.external_id, i.external_id, l.allocated_amount from public.payment_allocations l
    join public.payments p on p.id = l.payment_id join public.invoices i on i.id = l.invoice_id order by 1, 2 $$,
  $$ values ('P-1', 'A-1', 600::bigint), ('P-1', 'A-2', 600), ('P-2', 'A-2', 400), ('P-3', 'A-1', 300), ('P-5', 'B-1', 500) $$,
  'earlier payments first, each to the invoice it names as far as both go, then to the oldest of its customer');
select is((select bool_and(l.synthetic and l.import_run_id = run.id and l.method = 'auto') from public.payment_allocations l, run), true, 'all of it is marked synthetic, with the import it comes from');
select is((select (report ->> 'flagged_amount', report ->> 'expected_amount', report ->> 'synthetic_amount', report ->> 'without_claim', report ->> 'drift') from last),
  ('2600'::text, '2400'::text, '2400'::text, '200'::text, '0'::text), 'the differential check: what flags said, as far as there are claims');
select is((select report #> '{invoices_not_found,examples}' from last), '[{"row": 3, "invoice": "B-1"}]'::jsonb, 'an invoice of somebody else is listed');
select set_eq($$ select s ->> 'old_status' as old, s ->> 'status' as new, s -> 'examples' as examples from last, jsonb_array_elements(report -> 'statuses_that_differ') s $$,
  $$ values ('paid', 'partial', '["A-1"]'::jsonb), ('unpaid', 'paid', '["A-2"]'), ('partial', 'unpaid', '["A-3"]') $$, 'statuses that disagree are listed and not changed');
select is((select count(*)::int from ledger.book_differences()), 0, 'the books are in order');

-- refusals
select is((select b.error_code from public.import_backfill() b), 'invalid_argument', 'of nothing');
select is((select b.error_code from run, public.import_backfill(run.id, tests.get_supabase_uid('ann')) b), 'invalid_argument', 'of two things at once');
select is((select b.error_code from run, public.import_backfill(run.id, p_limit => 0) b), 'invalid_argument', 'of no accounts at a time');
select is((select b.error_code from public.import_backfill(tests.import_run('invoices')) b), 'invalid_argument', 'of invoices');
select is((select b.error_code from public.import_backfill(gen_random_uuid()) b), 'import_not_found', 'of an import that is not there');
select is((select b.error_code from public.import_backfill(p_user_id => gen_random_uuid()) b), 'customer_not_found', 'of a customer who is not there');

-- people decide; then a second customer-wide backfill, and the abort
select tests.expect_success(a) from public.payments p, public.ledger_auto_allocate_payment(p.id) a where p.external_id = 'P-4';
select is((select b.allocated_amount from public.import_backfill(p_user_id => tests.get_supabase_uid('ann')) b), 0::bigint, 'nothing is allocated twice');
create temp table dropped as select a.* from run, public.import_abort(run.id, 'wrong file', p_void => true) a;
select is((select (dropped_amount, voided_rows, done, state) from dropped), (2400::bigint, 0::bigint, false, 'applied'::text), 'an abort takes the synthetic allocations back');
select is((select (a.dropped_amount, a.voided_rows, a.kept_rows, a.done, a.state) from run, public.import_abort(run.id, 'wrong file', p_void => true) a), (0::bigint, 4::bigint, 1::bigint, true, 'aborted'::text), 'and then voids');
select results_eq($$ select p.external_id, sum(l.allocated_amount)::bigint from public.payment_allocations l join public.payments p on p.id = l.payment_id group by 1 having sum(l.allocated_amount) <> 0 $$,
  $$ values ('P-4', 1100::bigint) $$, 'and only them: what people decided stays');
select set_eq($$ select p.external_id, p.status from public.payments p $$, $$ values ('P-1', 'voided'), ('P-2', 'voided'), ('P-3', 'voided'), ('P-4', 'captured'), ('P-5', 'voided') $$, 'what nobody used is voided');
select is((select count(*)::int from public.payment_allocations where reverses_allocation_id is not null and synthetic), 5, 'dropped means reversed, by rows of their own');
select is((select (r.backfill ->> 'live_amount', r.backfill ->> 'state') from run, public.import_report(run.id) r), ('0'::text, 'aborted'::text), 'the report says so');
select is((select a.error_code from run, public.import_abort(run.id) a), 'import_conflict', 'an aborted import is not aborted again');
select is((select b.error_code from run, public.import_backfill(run.id) b), 'import_conflict', 'nor backfilled');
select tests.import('payments', 'once more', jsonb_build_array(tests.payment_row('P-5', 'bob', '7')));
select is((select r.applied_rows from public.import_runs r where r.source_name = 'once more'), 1::bigint, 'what was voided can be imported again');
select is((select count(*)::int from ledger.book_differences()), 0, 'the books are in order');
select * from finish();
rollback;
