-- The customer may own the vendor: the balance in the answer is what they have when all is done.
begin;
select plan(7);

select tests.create_customer('alice', 10000), tests.create_staff('finance', 'finance');
select tests.create_vendor('Weaver', 'alice', 1000);
select tests.create_vendor_variant('Weaver', 'rug', price => 1000);
select tests.place_named_order('a', 'alice', tests.lines('rug x 1'));
select tests.move_order(tests.order_id('a'), 'processing');
select is((select available_balance from tests.change_status('a', 'delivered')), 9900::bigint, 'with the share of the vendor');
select is((select available_balance from tests.account('alice')), 9900::bigint, 'as it is in the account');
select is((select available_balance from tests.change_status('a', 'refunded')), 10000::bigint, 'and without the share that was taken back');
select is((select available_balance from tests.account('alice')), 10000::bigint, 'as it is in the account');

select tests.place_named_order('b', 'alice', tests.lines('rug x 1'));
select tests.move_order(tests.order_id('b'), 'processing');
select is((select available_balance from tests.change_status('b', 'shipped')), 9000::bigint, 'nothing is earned before the delivery');
select is((select available_balance from tests.change_status('b', 'cancelled')), 10000::bigint, 'nor taken back');
select is_empty('select * from ledger.book_differences()', 'the books are in order');

select * from finish();
rollback;
