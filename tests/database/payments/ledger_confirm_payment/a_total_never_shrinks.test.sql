begin;
select plan(6);

select tests.create_variant('mug', price => 1000);
select tests.create_customer('alice');
select tests.place_named_order('up', 'alice', tests.lines('mug x 1'), 'bank_transfer');
select tests.place_named_order('down', 'alice', tests.lines('mug x 1'), 'bank_transfer');

select is((select captured_amount from tests.card('down', 'captured', 428, '{"captured_total": 428, "is_final": false}')), 428::bigint, 'a total is heard of');
select is((select captured_amount from tests.card('down', 'captured', 300, '{"captured_total": 300, "is_final": true}')), 428::bigint, 'a smaller one does not take it back, final or not');
select is((select captured_amount from tests.card('up', 'captured', 300, '{"captured_total": 300, "is_final": true}')), 300::bigint, 'a final total is heard of first');
select is((select captured_amount from tests.card('up', 'captured', 428, '{"captured_total": 428, "is_final": false}')), 428::bigint, 'the larger one counts');
select is((select count(distinct (o.paid_amount, o.payment_status, o.outstanding_amount)) from orders o), 1::bigint, 'the orders end the same');
select is_empty('select * from ledger.book_differences()', 'the books are in order');

select * from finish();
rollback;
