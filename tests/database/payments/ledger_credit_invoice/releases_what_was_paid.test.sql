-- What is credited beyond what remains was paid: it is the customer's, not applied, newest allocation first.
begin;
select plan(9);
select tests.create_customer('alice');
select tests.invoice_customer('work', 'alice', 'work x 10 at 100');
select tests.pay_invoice('work', 400, 'T-1'), tests.pay_invoice('work', 300, 'T-2');
select is(tests.claim('work'), '1000/700/300 partial', 'ten at 1.00, of which 7.00 are paid');
select results_eq($$ select credited_amount, released_amount, remaining_amount from public.ledger_credit_invoice(tests.invoice_id('work'), '[{"line_number": 1, "quantity": 2}]') $$,
  $$ values (200::bigint, 0::bigint, 100::bigint) $$, 'what was not paid yet is credited first');
select results_eq($$ select credited_amount, released_amount, remaining_amount from public.ledger_credit_invoice(tests.invoice_id('work'), p_amount => 500, p_reason => 'all wrong') $$,
  $$ values (500::bigint, 400::bigint, 0::bigint) $$, 'then what was paid is released');
select is(tests.claim('work'), '300/300/0 paid', 'what is left of it is paid');
select results_eq($$ select p.reference, p.allocated_amount, p.unapplied_amount from public.payments p order by 1 $$,
  $$ values ('T-1', 300::bigint, 100::bigint), ('T-2', 0, 300) $$, 'of the newest payment all, of the one before a part');
select is(tests.debt('alice'), '0/400', 'nothing is owed, and so much is the customer''s');
select is(array[tests.booked('alice', 'receivable'), tests.booked('alice', 'unapplied_payments'), tests.booked('alice', 'wallet')], array[0, 400, 0]::bigint[], 'not applied, and no wallet credit');
select results_eq($$ select t.type from public.transactions t order by t.account_version desc limit 2 $$, $$ values ('invoice_credited'), ('allocation_reversed') $$, 'each an operation of its own');
select is_empty('select * from ledger.book_differences()', 'the books are in order');
select * from finish();
rollback;
