-- The same with an invoice, and of an order that was delivered.
begin;
select plan(15);

select tests.create_variant('mug', price => 1000);
select tests.create_customer('alice');
select tests.create_customer('bob');
select tests.set_setting('auto_confirm_when_paid', 'true');
create function pg_temp.refund(p_name text, p_amount bigint) returns uuid language sql as $$
  select (tests.expect_success(r)).refund_id from public.ledger_refund_order(tests.order_id(p_name), p_amount => p_amount, p_to => 'original') r;
$$;

select tests.place_named_order('billed', 'alice', tests.lines('mug x 1'), 'bank_transfer');
select tests.invoice_order('billed');
select is((select payment_status from tests.card('billed', 'captured', 1000)), 'paid', 'a card pays an invoice');
select pg_temp.refund('billed', 300);
select is((select effect from tests.card('billed', 'charged_back', 1000, '{"object_id": "dp_1"}')), 'booked', 'all of it is disputed');
select is((select f.payout_status from refunds f), 'withdrawn', 'which takes what waits to be paid out');
select alike(tests.books_of('billed'), 'confirmed % credited 300 held 0 outstanding 700 wallet 0 bank 0', 'the order owes what it costs');
select is((select b.remaining_amount from invoice_balance_cache b join invoices i on i.id = b.invoice_id where i.kind = 'invoice'), 700::bigint, 'and the invoice claims it');
select is_empty('select * from ledger.book_differences()', 'the books are in order');
select is((select effect from tests.card('billed', 'charge_back_won', 1000, '{"object_id": "dp_1"}')), 'booked', 'the dispute is won');
select results_eq($$ select sum(p.allocated_amount), sum(p.unapplied_amount) from payments p $$, $$ values (700::numeric, 300::numeric) $$, 'the invoice is paid, and what was to be paid out is left with the payment');

select tests.place_named_order('home', 'bob', tests.lines('mug x 1'), 'bank_transfer');
select is((select payment_status from tests.card('home', 'captured', 1000)), 'paid', 'a card pays');
select tests.move_order(tests.order_id('home'), 'processing', 'delivered');
select pg_temp.refund('home', 400);
select is((select effect from tests.card('home', 'charged_back', 1000, '{"object_id": "dp_2"}')), 'booked', 'all of it is disputed after the delivery');
select alike(tests.books_of('home'), 'delivered % credited 400 held 0 outstanding 600 wallet 0 bank 0', 'the order owes what it costs');
select is(tests.booked('bob', 'receivable') || ' ' || tests.booked('bob', 'refunds_payable'), '600 0', 'as a receivable, and nothing is payable');
select is((select effect from tests.card('home', 'charge_back_won', 1000, '{"object_id": "dp_2"}')), 'booked', 'the dispute is won');
select alike(tests.books_of('home'), 'delivered % credited 400 held 600 outstanding 0 wallet 400 bank 1000', 'and the customer has what was to be paid out as wallet credit');
select is_empty('select * from ledger.book_differences()', 'the books are in order');

select * from finish();
rollback;
