-- a payout was withdrawn, and then the order went on: what it holds too much is owed to the customer
begin;
select plan(7);

select tests.create_variant('mug', stock => 20, price => 1000);
select tests.create_customer('ann');
select tests.place_named_order('order', 'ann', tests.lines('mug x 2'), 'bank_transfer');
select tests.expect_success(p) from ledger_record_payment(tests.order_id('order'), 2000) p;
select tests.expect_success(e) from ledger_edit_order(tests.order_id('order'), '[{"line_number": 1, "quantity": 1}]', p_to => 'original') e;
select tests.expect_success(s) from refunds f, ledger_settle_refund(f.id, 'withdrawn') s where f.order_id = tests.order_id('order');
select is(outstanding_amount, -1000::bigint, 'the order holds 1000 too much') from tests.order_named('order');
select is_empty('select * from ledger.book_differences()', 'and the books are in order');

select tests.move_order(tests.order_id('order'), 'processing', 'delivered');
select is(outstanding_amount, -1000::bigint, 'so it does when it is delivered') from tests.order_named('order');
select is_empty('select * from ledger.book_differences()', 'and the books are in order');

select is(success, true, 'the payout can be made after all') from refunds f, ledger_settle_refund(f.id, 'paid') s where f.order_id = tests.order_id('order');
select is(outstanding_amount, 0::bigint, 'nothing is owed then') from tests.order_named('order');
select is_empty('select * from ledger.book_differences()', 'and the books are in order');

select * from finish();
rollback;
