-- A backfill keeps allocations as they are: what becomes of a card payment that pays an invoice waits, and finance sees it.
begin;
select plan(18);

select tests.create_variant('mug', price => 1000);
select tests.create_customer('alice');
select tests.place_named_order('billed', 'alice', tests.lines('mug x 1'), 'bank_transfer');
select tests.place_named_order('plain', 'alice', tests.lines('mug x 1'), 'bank_transfer');
select tests.invoice_order('billed');
select is((select effect from tests.card('billed', 'captured', 1000)), 'booked', 'a card pays an invoice');
select is((select effect from tests.card('plain', 'captured', 1000)), 'booked', 'and another an order without one');
select is(tests.claim('billed'), '1000/1000/0 paid', 'the invoice is paid');

select tests.set_backfill_mode('read_only');
select results_eq($$ select success, effect, problem, payment_status from tests.card('billed', 'charged_back', 1000, '{"object_id": "dp_1"}') $$,
  $$ values (true, 'unmatched', 'backfill_running', 'paid') $$, 'a dispute is heard, and waits');
select is(tests.claim('billed'), '1000/1000/0 paid', 'the allocation is as it was');
select is((select reason from card_events_unmatched), 'backfill_running', 'finance sees it');
select is((select payment_status from tests.card('plain', 'charged_back', 1000, '{"object_id": "dp_2"}')), 'unpaid', 'a dispute that is about no invoice does not wait');
select is((select problem from public.ledger_match_card_payment((select u.card_payment_id from card_events_unmatched u))), 'backfill_running', 'nor can it be booked by hand');
select is_empty('select * from ledger.book_differences()', 'the books are in order');

select tests.set_backfill_mode('off');
select results_eq(
  $$ select success, problem, payment_status, outstanding_amount, transaction_id is not null from public.ledger_match_card_payment((select u.card_payment_id from card_events_unmatched u)) $$,
  $$ values (true, null, 'unpaid', 1000::bigint, true) $$, 'afterwards it can');
select is(tests.claim('billed'), '1000/0/1000 unpaid', 'the invoice is open');
select is_empty('select * from card_events_unmatched', 'and nothing is left to look at');

select tests.set_backfill_mode('active');
select is((select problem from tests.card('billed', 'charge_back_won', 1000, '{"object_id": "dp_1"}')), null, 'a dispute that is won brings nothing to look at');
select is((select c.problem from card_payments c join tests.order_named('billed') o on o.id = c.order_id), 'backfill_running', 'but the payment says that it waits');
select tests.set_backfill_mode('off');
select is((select effect from tests.card('billed', 'authorised', 1000)), 'booked', 'the next event brings it in');
select is(tests.claim('billed'), '1000/1000/0 paid', 'the invoice is paid again');
select is((select payment_status from tests.order_named('billed')), 'paid', 'and so is the order');
select is_empty('select * from ledger.book_differences()', 'the books are in order');

select * from finish();
rollback;
