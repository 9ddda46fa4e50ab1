-- Money for an invoice is allocated to it; money for nothing in particular, and what an invoice does not need, stays with its payment.
begin;
select plan(19);

select tests.create_variant('mug', price => 1000);
select tests.create_customer('alice');
select tests.create_staff('fay', 'finance');

-- a free invoice
select tests.invoice_customer('advice', 'alice', 'advice x 1 at 1000');
select tests.authenticate_as('fay');
select results_eq(
  $$ select success, order_id, amount, applied_amount, credit_amount, allocated_amount, unapplied_amount, order_status, invoice_id, user_id
     from ledger_record_payment(p_invoice_id => tests.invoice_id('advice'), p_amount => 400, p_reference => 'A-1', p_idempotency_key => 'k1', p_paid_at => '2026-01-02 03:04Z') $$,
  $$ values (true, null::uuid, 400::bigint, 0::bigint, 0::bigint, 400::bigint, 0::bigint, null::text, tests.invoice_id('advice'), tests.get_supabase_uid('alice')) $$,
  'a part of an invoice is paid');
select is(
  (select allocated_amount from ledger_record_payment(p_invoice_id => tests.invoice_id('advice'), p_amount => 400, p_reference => 'A-1', p_idempotency_key => 'k1',
                                                      p_paid_at => '2026-01-02 03:04Z')), 400::bigint, 'the same key answers the same');
select tests.act_as_owner();
select is(tests.claim('advice'), '1000/400/600 partial', 'once');
select is((select paid_at from payments where reference = 'A-1'), '2026-01-02 03:04Z'::timestamptz, 'the payment says when the money came');
select results_eq(
  $$ select allocated_amount, unapplied_amount from ledger_record_payment(p_invoice_id => tests.invoice_id('advice'), p_amount => 850, p_reference => 'A-2') $$,
  $$ values (600::bigint, 250::bigint) $$, 'of more than remains, the rest is unapplied');
select is(tests.claim('advice') || ' ' || tests.debt('alice'), '1000/1000/0 paid 0/250', 'nothing is owed, and 250 are there for the next invoice');
select is(
  array[tests.booked('alice', 'receivable'), tests.booked('alice', 'unapplied_payments'), tests.booked('alice', 'bank'), tests.booked('alice', 'wallet')],
  array[0, 250, 1250, 0]::bigint[], 'the books say the same');
select results_eq(
  $$ select error_code, error_details ->> 'status' from ledger_record_payment(p_invoice_id => (select (tests.expect_success(c)).credit_note_id
       from ledger_credit_invoice(tests.invoice_id('advice'), p_amount => 100, p_reason => 'goodwill') c), p_amount => 1) $$,
  $$ values ('invoice_not_open', 'a credit note') $$, 'a credit note takes no payment');
select tests.invoice_customer('mistake', 'alice', 'nothing x 1 at 100');
select tests.expect_success(v) from ledger_void_invoice(tests.invoice_id('mistake'), 'issued by mistake') v;
select results_eq(
  $$ select error_code, error_message from ledger_record_payment(p_invoice_id => tests.invoice_id('mistake'), p_amount => 1) $$,
  $$ select 'invoice_not_open', format('Invoice %s takes no payments: it is void.', i.invoice_number) from invoices i where i.id = tests.invoice_id('mistake') $$,
  'nor a void invoice');

-- on account, in a currency the customer has no account in yet
select is((select count(*)::int from tests.account('alice', 'EUR')), 0, 'alice has no euros');
select results_eq(
  $$ select order_id, invoice_id, unapplied_amount, user_id from ledger_record_payment(p_user_id => tests.get_supabase_uid('alice'), p_amount => 700, p_currency => 'EUR', p_reference => 'E-1') $$,
  $$ values (null::uuid, null::uuid, 700::bigint, tests.get_supabase_uid('alice')) $$, 'a transfer on account is all remainder');
select is(tests.debt('alice', 'EUR') || ' ' || tests.booked('alice', 'unapplied_payments', 'EUR'), '0/700 700', 'with the account it opened');
create temp table before as select tests.state() as state;
select is(
  (select error_code from ledger_record_payment(p_user_id => tests.get_supabase_uid('alice'), p_amount => 1, p_currency => 'IQD', p_reference => 'e1')),
  'payment_reference_used', 'a reference is used once in all currencies');
select is(tests.changes((select state from before), tests.state()), null, 'and no account is opened for it');
select results_eq(
  $$ select e.stream_type, e.payload -> 'debt_effect', e.payload -> 'effect' from immutable_events e where e.event_type = 'payment.recorded' and e.account_id = ledger.account_id(tests.get_supabase_uid('alice'), 'EUR') $$,
  $$ values ('payment', '{"unapplied": 700}'::jsonb, '{}'::jsonb) $$, 'the event has the stream of the payment, and what it did to the debt');
select is((select count(*)::int from transactions where type = 'payment_recorded' and amount <> 0), 0, 'the wallet is not touched');

-- nothing is kept for somebody who is gone
create temp table gone as select tests.create_customer('gone') as id;
select tests.expect_success(e) from gone, profile_erase(gone.id) e;
select is((select error_code from gone, ledger_record_payment(p_user_id => gone.id, p_amount => 1)), 'customer_not_found', 'who was erased pays no more');
select is(
  (select error_code from ledger_record_payment(p_user_id => tests.get_supabase_uid('alice'), p_amount => 9007199254740991)), 'amount_too_large', 'remainders are exact too');
select is_empty('select * from ledger.book_differences()', 'the books are in order');

select * from finish();
rollback;
