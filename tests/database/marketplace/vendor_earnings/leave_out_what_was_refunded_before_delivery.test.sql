-- What went back before the delivery was never earned.
begin;
select plan(8);

select tests.create_supabase_user('wendy');
select tests.create_vendor('Weaver', 'wendy', 1000);
select tests.create_vendor_variant('Weaver', 'rug', price => 333);
select tests.create_customer('alice', 10000);
select tests.place_named_order('one back', 'alice', tests.lines('rug x 3'));
select tests.place_named_order('goodwill', 'alice', tests.lines('rug x 3'));
select tests.move_order(tests.order_id(name), 'processing', 'shipped') from unnest(array['one back', 'goodwill']) name;
select tests.expect_success(r) from ledger_refund_order(tests.order_id('one back'), '[{"line_number": 1, "quantity": 1}]') r;
select tests.expect_success(r) from ledger_refund_order(tests.order_id('goodwill'), p_amount => 333) r;
select is_empty('select from vendor_earnings', 'a refund before delivery takes from nobody');

select tests.move_order(tests.order_id(name), 'delivered') from unnest(array['one back', 'goodwill']) name;
select is(tests.earned('one back', 'Weaver'), '666/599/0', 'delivery earns what is left of the units');
select is(tests.earned('goodwill', 'Weaver'), '999/899/0', 'and all of them where the house gave something off');
select is(tests.booked('alice', 'vendor_payable'), 599::bigint + 899, 'which is what the customer''s books say');
select is(tests.booked('alice', 'order_escrow'), 0::bigint, 'with nothing left in escrow');

select tests.expect_success(r) from ledger_refund_order(tests.order_id('one back'), '[{"line_number": 1, "quantity": 1}]') r;
select is(tests.earned('one back', 'Weaver'), '666/599/299', 'a later refund goes on where the earlier one stopped');
select tests.move_order(tests.order_id('one back'), 'refunded');
select is(tests.earned('one back', 'Weaver'), '666/599/599', 'and ends at all that was earned');
select is_empty('select * from ledger.book_differences()', 'the books are in order');

select * from finish();
rollback;
