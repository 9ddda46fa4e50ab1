-- Source 002, section 10: a part of an invoice is taken back by a credit note, with its tax.
begin;
select plan(18);
select tests.create_customer('alice');
select tests.create_staff('fay', 'finance');
select tests.invoice_customer('work', 'alice', 'work x 3 at 333 less 100 tax 1900', 'book x 2 at 500 tax 700');
select is(tests.claim('work'), '2140/0/2140 unpaid', '8.99 and 1.71 tax, 10.00 and 0.70');

create temp table asked as select tests.invoice_id('work') as id;
grant select on asked to authenticated;
select tests.authenticate_as('fay');
create temp table credited as
  select c.* from asked, public.ledger_credit_invoice(id, '[{"line_number": 1, "quantity": 1}]', p_reason => 'one too many', p_expected_version => 1, p_idempotency_key => 'k') c;
select results_eq('select success, credit_note_number, credited_amount, tax_amount, released_amount, remaining_amount, version from credited',
  $$ values (true, 'CN-000001', 357::bigint, 57::bigint, 0::bigint, 1783::bigint, 2::bigint) $$, 'the first of three: 3.33 - 0.33 and its tax');
select is((select c.credit_note_number from asked, public.ledger_credit_invoice(id, '[{"line_number": 1, "quantity": 1}]', p_reason => 'one too many', p_expected_version => 1, p_idempotency_key => 'k') c), 'CN-000001', 'the same key answers the same');
select is((select c.error_code from asked, public.ledger_credit_invoice(id, '[{"line_number": 1, "quantity": 1}]', p_expected_version => 1) c), 'invoice_changed', 'who read an earlier version is told');
select tests.act_as_owner();
select is(tests.claim('work'), '1783/0/1783 unpaid', 'it is claimed no more');
select is(tests.debt('alice'), '1783/0', 'nor owed');
select is(array[tests.booked('alice', 'receivable'), tests.booked('alice', 'revenue'), tests.booked('alice', 'tax_payable')], array[1783, 1599, 184]::bigint[], 'revenue and tax are taken back');
select results_eq($$ select n.kind, n.credits_invoice_id, n.user_id, n.due_at, n.amount, n.notes, l.line_number, l.quantity, l.discount_amount from public.invoices n join public.invoice_lines l on l.invoice_id = n.id where n.id = (select credit_note_id from credited) $$,
  $$ select 'credit_note', id, tests.get_supabase_uid('alice'), null::timestamptz, 0::bigint, 'one too many', 1, 1::bigint, 33::bigint from asked $$, 'the note is a document of its own, that claims nothing');
select results_eq($$ select e.event_type, e.payload -> 'debt_effect' from public.immutable_events e where e.event_type = 'invoice.credited' $$, $$ values ('invoice.credited', '{"invoiced": -357}'::jsonb) $$, 'its event says what it did to the debt');

select results_eq($$ select credited_amount, tax_amount from public.ledger_credit_invoice(tests.invoice_id('work'), '[{"line_number": 1, "quantity": 2}, {"line_number": 2, "quantity": 1}]') $$,
  $$ values (1248::bigint, 149::bigint) $$, 'the other two cost what is left of their line, whatever the rounding');
select is((select error_code from public.ledger_credit_invoice(tests.invoice_id('work'), '[{"line_number": 1, "quantity": 1}]')), 'units_not_creditable', 'no unit is credited twice');

-- an amount takes its tax along by rate
select tests.invoice_customer('mixed', 'alice', 'a x 1 at 1000 tax 2000', 'b x 1 at 1000');
select results_eq($$ select credited_amount, tax_amount, remaining_amount from public.ledger_credit_invoice(tests.invoice_id('mixed'), p_amount => 1100) $$, $$ values (1100::bigint, 100::bigint, 1100::bigint) $$, 'half of it holds half of the tax');
select results_eq($$ select l.tax_rate_bp, l.total_price_amount, l.tax_amount from public.invoice_lines l join public.invoices n on n.id = l.invoice_id where n.credits_invoice_id = tests.invoice_id('mixed') order by 1 $$,
  $$ values (0, 500::bigint, 0::bigint), (2000, 500, 100) $$, 'a line for each rate');
select is((select error_code from public.ledger_credit_invoice(tests.invoice_id('mixed'), '[{"line_number": 1, "quantity": 1}]')), 'credit_exceeds_invoice', 'what an amount has taken, units do not give again');
select results_eq($$ select credited_amount, tax_amount, remaining_amount from public.ledger_credit_invoice(tests.invoice_id('mixed'), p_amount => 1100) $$, $$ values (1100::bigint, 100::bigint, 0::bigint) $$, 'and the rest holds the rest');
select is(tests.claim('mixed'), '0/0/0 paid', 'then nothing is claimed');
select is((select i.error_code from public.ledger_credit_invoice(tests.invoice_id('mixed'), p_amount => 1) i), 'credit_exceeds_invoice', 'and nothing is left to credit');
select is_empty('select * from ledger.book_differences()', 'the books are in order');
select * from finish();
rollback;
