-- Money for an order that has ended is the customer's again, whether the order had an invoice or not.
begin;
select plan(7);

select tests.create_variant('mug', price => 1000);
select tests.create_customer('alice');
select tests.place_named_order(n, 'alice', tests.lines('mug x 2'), 'bank_transfer') from unnest(array['ended', 'named']) n;
select tests.invoice_order(n) from unnest(array['ended', 'named']) n;
select tests.expect_success(c) from unnest(array['ended', 'named']) n, tests.change_status(n, 'cancelled') c;

select results_eq(
  $$ select p.applied_amount, p.credit_amount, p.allocated_amount, p.unapplied_amount, p.order_status, p.available_balance
     from ledger_record_payment(tests.order_id('ended'), 2000) p $$,
  $$ values (0::bigint, 2000::bigint, 0::bigint, 0::bigint, 'cancelled', 2000::bigint) $$, 'a late transfer for an ended order is in the wallet');
select is(tests.debt('alice'), '0/0', 'and nothing of it is left over');
select results_eq(
  $$ select p.credit_amount, p.unapplied_amount from ledger_record_payment(p_invoice_id => tests.invoice_id('named'), p_amount => 300) p $$,
  $$ values (300::bigint, 0::bigint) $$, 'also when its invoice is what was named');
select is((select o.paid_amount from tests.order_named('ended') o), 0::bigint, 'the order is not paid by it');
select is(tests.booked('alice', 'wallet') || '/' || tests.booked('alice', 'unapplied_payments'), '2300/0', 'which the books say too');
select tests.set_backfill_mode('read_only');
select is((select p.credit_amount from ledger_record_payment(tests.order_id('ended'), 10) p), 10::bigint, 'a backfill has nothing to do with it');
select is_empty('select * from ledger.book_differences()', 'the books are in order');

select * from finish();
rollback;
