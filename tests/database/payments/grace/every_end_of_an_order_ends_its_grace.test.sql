begin;
select plan(9);

select tests.create_variant('mug', price => 1000);
select tests.create_customer('alice', 400);
select tests.create_staff('fay', 'finance');
select tests.offer('bank_transfer_grace');
select tests.set_setting('max_grace_orders', '10');
select tests.place_named_order(n, 'alice', tests.lines('mug x 2'), 'bank_transfer_grace')
from unnest(array['cancelled', 'rejected', 'refunded', 'edited', 'paid']) n;

select tests.expect_success(c) from tests.change_status('cancelled', 'cancelled') c;
select is(tests.grace('cancelled'), 'unpaid settled', 'of an order that is cancelled');
select tests.expect_success(c) from tests.change_status('rejected', 'rejected') c;
select is(tests.grace('rejected'), 'unpaid settled', 'of one that is rejected');
select tests.expect_success(c) from tests.change_status('rejected', 'cancelled') c;
select is(tests.grace('rejected'), 'unpaid settled', 'and cancelled after it');

select tests.move_order(tests.order_id('refunded'), 'processing', 'delivered', 'refunded');
select is(tests.grace('refunded'), 'unpaid settled', 'of one that came back unpaid');
select is(tests.booked('alice', 'receivable'), 0::bigint, 'which leaves no receivable');

select is(
  (select e.payment_status from ledger_edit_order(tests.order_id('edited'), '[{"line_number": 1, "quantity": 3}]') e), 'in_grace', 'an edit that adds keeps it');
select tests.expect_success(p) from ledger_record_payment(tests.order_id('edited'), 1000) p;
select tests.expect_success(e) from ledger_edit_order(tests.order_id('edited'), '[{"line_number": 1, "quantity": 1}]') e;
select is(tests.grace('edited'), 'paid settled', 'an edit that leaves nothing due ends it');

select tests.expect_success(p) from ledger_record_payment(tests.order_id('paid'), 2000) p;
select is(tests.grace('paid'), 'paid settled', 'of one that is paid');
select is_empty('select * from ledger.book_differences()', 'the books are in order');

select * from finish();
rollback;
