-- units that cost nothing would cost something by the edit, and could never be credited
begin;
select plan(5);

select tests.create_variant('mug', stock => 50, price => 1000);
select tests.create_customer('alice');
insert into public.discount_codes (code, kind, percent_bp, currency, minimum_subtotal_amount) values ('FREE', 'percent', 10000, 'USD', 2000);
select tests.place_named_order('order', 'alice', tests.lines('mug x 3'), 'bank_transfer', 'FREE');
select tests.move_order(tests.order_id('order'), 'processing');
select tests.expect_success(s) from ledger_ship_order(tests.order_id('order'), '[{"line_number": 1, "quantity": 1}]') s;

select is(credited_amount, 0::bigint, 'a unit that cost nothing comes back for nothing')
from ledger_refund_order(tests.order_id('order'), '[{"line_number": 1, "quantity": 1}]');
select is(error_code, 'edit_not_allowed', 'and the order is edited no more')
from ledger_edit_order(tests.order_id('order'), '[{"line_number": 1, "quantity": 1}]');
select is(total_amount, 0::bigint, 'it still costs nothing') from tests.order_named('order');
select is(success, true, 'it can be cancelled') from tests.change_status('order', 'cancelled');
select is_empty('select * from ledger.book_differences()', 'the books are in order');

select * from finish();
rollback;
