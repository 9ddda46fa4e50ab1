-- A deadline that was granted is not lost by a part payment, an edit or a refund, and is over when nothing is due.
begin;
select plan(11);

select tests.create_variant('mug', price => 1000);
select tests.create_customer('alice', 5000);

select tests.place_named_order('grace', 'alice', tests.lines('mug x 3'), 'bank_transfer');
select tests.expect_success(g) from ledger_extend_grace(tests.order_id('grace'), now() + interval '2 days', 'a good customer') g;
select tests.move_order(tests.order_id('grace'), 'processing');
select is((select payment_status from ledger_record_payment(tests.order_id('grace'), 1000, p_reference => 'A')), 'in_grace', 'a part payment leaves the grace');
select is((select payment_status from ledger_edit_order(tests.order_id('grace'), '[{"line_number": 1, "quantity": 4}]', p_dry_run => true)), 'in_grace', 'so would an edit');
select is((select payment_status from ledger_edit_order(tests.order_id('grace'), '[{"line_number": 1, "quantity": 4}]', p_wallet_amount => 500)), 'in_grace', 'and does');
select is((select v.payment_status from payments p, ledger_void_payment(p.id) v), 'in_grace', 'and a payment that bounced');
select tests.move_order(tests.order_id('grace'), 'shipped');
select is((select payment_status from ledger_refund_order(tests.order_id('grace'), '[{"line_number": 1, "quantity": 1}]')), 'in_grace', 'and a refund that lowers what is due');
select is((select order_status || ' ' || payment_status from tests.change_status('grace', 'delivered')), 'delivered in_grace', 'and the delivery');
select is_empty('select * from ledger.book_differences()', 'the books are in order');
select is((select payment_status from ledger_record_payment(tests.order_id('grace'), 2500)), 'paid', 'paying what is due ends it');

select tests.place_named_order('receipt', 'alice', tests.lines('mug x 2'), 'bank_transfer');
select tests.submit_receipt('alice', 'receipt', 2000, 'R-1');
select is((select payment_status from ledger_record_payment(tests.order_id('receipt'), 1000, p_reference => 'B')), 'receipt_uploaded', 'a receipt waits for its review while something is due');
select is((select payment_status from tests.change_status('receipt', 'cancelled')), 'refunded', 'and no longer when the order has ended');
select is_empty('select * from ledger.book_differences()', 'the books are in order');

select * from finish();
rollback;
