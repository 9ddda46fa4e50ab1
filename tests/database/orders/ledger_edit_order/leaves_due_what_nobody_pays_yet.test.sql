begin;
select plan(16);

select tests.create_variant('mug', stock => 50, price => 1000);
select tests.create_customer('alice', 1500);
select tests.place_named_order('transfer', 'alice', tests.lines('mug x 2'), 'bank_transfer');
select tests.expect_success(r) from ledger_record_payment(tests.order_id('transfer'), 2000) r;

select results_eq(
  $$ select difference_amount, wallet_amount, outstanding_amount, payment_status from ledger_edit_order(tests.order_id('transfer'), '[{"line_number": 1, "quantity": 4}]') $$,
  $$ values (2000::bigint, 0::bigint, 2000::bigint, 'partially_paid') $$, 'an order paid by transfer owes the difference');
select is(tests.orders_and_available('alice'), '0/1500', 'the wallet is left alone');
select is((select error_code from tests.change_status('transfer', 'processing')), 'payment_required', 'it waits until it is paid');
select results_eq(
  $$ select wallet_amount, outstanding_amount, payment_status from ledger_edit_order(tests.order_id('transfer'), '[{"line_number": 1, "quantity": 5}]', p_wallet_amount => 1200) $$,
  $$ values (1200::bigint, 1800::bigint, 'partially_paid') $$, 'the wallet pays a part where the caller says so');
select is(tests.orders_and_available('alice'), '1200/300', 'and that part only');
select results_eq(
  $$ select error_code, error_message from ledger_edit_order(tests.order_id('transfer'), '[{"line_number": 1, "quantity": 5}]', p_wallet_amount => 1801) $$,
  $$ values ('invalid_wallet_amount', 'The wallet''s part must be from 0 to 1800, what is left to pay, not 1801.') $$, 'more than is due it does not pay');
select is((select error_code from ledger_edit_order(tests.order_id('transfer'), '[{"line_number": 1, "quantity": 5}]', p_wallet_amount => -1)), 'invalid_wallet_amount', 'nor less than nothing');
select is((select error_code from ledger_edit_order(tests.order_id('transfer'), '[{"line_number": 1, "quantity": 5}]', p_wallet_amount => 301)), 'insufficient_funds', 'nor more than it holds');

-- less than what is paid: the rest is not due any more
select results_eq(
  $$ select difference_amount, returned_amount, outstanding_amount, payment_status from ledger_edit_order(tests.order_id('transfer'), '[{"line_number": 1, "quantity": 4}]') $$,
  $$ values (-1000::bigint, 0::bigint, 800::bigint, 'partially_paid') $$, 'an edit down lowers first what is due');
select results_eq(
  $$ select returned_amount, outstanding_amount, payment_status from ledger_edit_order(tests.order_id('transfer'), '[{"line_number": 1, "quantity": 3}]') $$,
  $$ values (200::bigint, 0::bigint, 'paid') $$, 'and gives back what is more than the total');
select is(tests.orders_and_available('alice'), '1000/500', 'first to the wallet''s part');
select is(tests.booked('alice', 'order_escrow'), 3000::bigint, 'escrow holds the total');

select tests.set_setting('auto_confirm_when_paid', 'true');
select tests.place_named_order('covered', 'alice', tests.lines('mug x 3'), 'bank_transfer');
select tests.expect_success(r) from ledger_record_payment(tests.order_id('covered'), 2000) r;
select results_eq(
  $$ select order_status, payment_status, version from ledger_edit_order(tests.order_id('covered'), '[{"line_number": 1, "quantity": 2}]') $$,
  $$ values ('confirmed', 'paid', 4::bigint) $$, 'an edit down to what is paid covers the order, which is confirmed where the shop wants that');
select results_eq(
  $$ select h.status, h.notes from order_status_history h where h.order_id = tests.order_id('covered') order by h.event_id desc limit 1 $$,
  $$ values ('confirmed', 'confirmed when it was paid') $$, 'with history');
select results_eq(
  $$ select order_status, outstanding_amount from ledger_edit_order(tests.order_id('covered'), '[{"line_number": 1, "quantity": 3}]') $$,
  $$ values ('confirmed', 1000::bigint) $$, 'a confirmed one that costs more stays confirmed and owes the rest');
select is_empty('select * from ledger.book_differences()', 'the books are in order');

select * from finish();
rollback;
