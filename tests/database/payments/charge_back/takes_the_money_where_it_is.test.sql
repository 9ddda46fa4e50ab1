-- Money that a bank takes back comes out of the remainder first, then out of invoices, newest first, out of the order, and last out of the wallet.
begin;
select plan(22);

select tests.create_variant('mug', price => 1000);
select tests.create_customer('alice');
select tests.offer('bank_transfer_grace');
create function pg_temp.charge_back(p_name text, p_amount bigint, p_surplus_first boolean default false) returns text language plpgsql as $$
declare
  v_back ledger.charged_back_payment;
begin
  perform set_config('ledger.procedure', 'a procedure', true);
  v_back := ledger.charge_back(ledger.lock_payment(tests.payment_id(p_name)), p_amount, 'disputed', ledger.current_actor(), gen_random_uuid(), p_surplus_first);
  perform set_config('ledger.procedure', '', true);
  return coalesce(v_back.refusal ->> 'error_code',
    format('%s: %s unapplied, %s allocated, %s applied, %s wallet', v_back.charged_back_amount, v_back.unapplied_amount, v_back.allocated_amount,
           v_back.applied_amount, v_back.wallet_amount));
end $$;
create function pg_temp.parts(p_name text) returns text language sql as $$
  select format('%s/%s/%s/%s/%s/%s', applied_amount, allocated_amount, credit_amount, unapplied_amount, charged_back_amount, reclaimed_amount)
  from payments where id = tests.payment_id(p_name);
$$;

-- a payment that is allocated
select tests.place_named_order('desk', 'alice', tests.lines('mug x 2'), 'bank_transfer_grace');
select tests.invoice_order('desk');
select tests.invoice_customer('advice', 'alice', 'advice x 1 at 500');
select tests.receive('A-1', 'alice', 3000);
select tests.expect_success(a) from tests.allocate('A-1', 'desk 2000') a;
select tests.expect_success(a) from tests.allocate('A-1', 'advice 500') a;
select is(pg_temp.charge_back('A-1', 300), '300: 300 unapplied, 0 allocated, 0 applied, 0 wallet', 'the remainder goes first');
select is(pg_temp.charge_back('A-1', 800), '800: 200 unapplied, 600 allocated, 0 applied, 0 wallet', 'then the newest allocation, and a part of the one before');
select is(tests.claim('advice') || ', ' || tests.claim('desk'), '500/0/500 unpaid, 2000/1900/100 partial', 'the invoices are open by that');
select is((select payment_status || ' ' || outstanding_amount from tests.order_named('desk')), 'in_grace 100', 'and the order owes it, and has its time again');
select is(tests.used('A-1') || ' ' || tests.debt('alice'), '1900/0 600/0', 'nothing is left of the payment but what pays the order');
select is(
  array[tests.booked('alice', 'order_escrow'), tests.booked('alice', 'receivable'), tests.booked('alice', 'unapplied_payments'), tests.booked('alice', 'bank')],
  array[1900, 500, 0, 1900]::bigint[], 'the bank has only what was not taken back');
select is(pg_temp.charge_back('A-1', 1901), 'charge_back_exceeds_payment', 'no more than is left');
select is(pg_temp.charge_back('A-1', 0), 'invalid_amount', 'and no nothing');

-- what went back to the customer comes out of the wallet
update order_status_transitions set needs_payment = false;
select tests.move_order(tests.order_id('desk'), 'confirmed', 'processing');
select tests.expect_success(r) from ledger_refund_order(tests.order_id('desk'), '[{"line_number": 1, "quantity": 1, "unshipped": true}]') r;
select is(tests.orders_and_available('alice') || ' ' || (select refunded_amount from tests.order_named('desk')), '0/900 900', 'of 2000, 100 were not paid and 900 go back');
select is(pg_temp.charge_back('A-1', 1900), '1900: 0 unapplied, 1000 allocated, 0 applied, 900 wallet', 'the order keeps what it gave back, the wallet pays for it');
select is(pg_temp.parts('A-1'), '0/900/0/0/3000/900', 'the payment knows what was reclaimed');
select is(tests.orders_and_available('alice') || ' ' || tests.claim('desk'), '0/0 1900/900/1000 partial', 'the order owes what it still costs');
select is((select error_code from ledger_void_payment(tests.payment_id('A-1'))), 'payment_conflict', 'what was charged back is not voided as well');
select is_empty('select * from ledger.book_differences()', 'the books are in order');

-- a direct payment with a surplus; the wallet may go below zero
select tests.place_named_order('over', 'alice', tests.lines('mug x 1'), 'bank_transfer');
select tests.expect_success(p) from ledger_record_payment(tests.order_id('over'), 1600, 'card', 'c-1') p;
select is(pg_temp.charge_back('c-1', 200, true), '200: 0 unapplied, 0 allocated, 0 applied, 200 wallet', 'a shop that gives the surplus back does not unpay the order');
select is(pg_temp.parts('c-1') || ' ' || (select payment_status from tests.order_named('over')), '1000/0/400/0/200/0 overpaid', 'it stays overpaid by the rest');
select tests.place_named_order('spent', 'alice', tests.lines('mug x 1'), 'wallet_partial');
select is(pg_temp.charge_back('c-1', 1400), '1400: 0 unapplied, 0 allocated, 1000 applied, 400 wallet', 'all of it is taken back');
select is(tests.orders_and_available('alice'), '400/-400', 'what was spent leaves the wallet below zero');
select is((select payment_status || ' ' || outstanding_amount from tests.order_named('over')), 'unpaid 1000', 'and the order owes all');
select results_eq(
  $$ select e.payload -> 'effect', e.payload ->> 'charged_back_amount' from immutable_events e where e.event_type = 'payment.charged_back' and e.stream_id = tests.order_id('over') order by e.id $$,
  $$ values ('{"total_earned": -200}'::jsonb, '200'), ('{"total_earned": -400}', '1400') $$, 'each is an event of the order');
select is(
  (select applied_amount || ' ' || payment_status from ledger_record_payment(tests.order_id('over'), 1400, 'card', 'c-1 won')), '1000 overpaid',
  'a dispute that is won is a new payment');
select is_empty('select * from ledger.book_differences()', 'the books are in order');

select * from finish();
rollback;
