-- A refusal changes nothing: whoever would earn by a delivery gets their first account by the delivery, and not by a call that is refused.
begin;
select plan(7);

select tests.create_customer('alice', 100000), tests.create_customer('bob'), tests.create_supabase_user('wendy');
select tests.create_vendor('Weaver', 'wendy', 1000);
select tests.create_vendor_variant('Weaver', 'rug', stock => 1);
update variants set backorder_allowed = true;
select tests.expect_success(r) from ledger_register_referral(
  (select referral_code from profiles where id = tests.get_supabase_uid('bob')), p_user_id => tests.get_supabase_uid('alice')) r;
select tests.place_named_order('a', 'alice', tests.lines('rug x 3'));
select tests.move_order(tests.order_id('a'), 'processing');
create temp table before as select tests.state() as state;
select is((select error_code from tests.change_status('a', 'delivered')), 'units_not_shippable', 'an order that waits for stock is not delivered');
select is(tests.changes((select state from before), tests.state()), null, 'which changes nothing');
select is((select count(*)::int from accounts), 1, 'and opens no account');
select tests.expect_success(s) from ledger_adjust_stock(tests.get_variant_id('rug'), 2) s;
select tests.move_order(tests.order_id('a'), 'delivered');
select is((select count(*)::int from accounts), 3, 'a delivery opens those of the referrer and of the vendor''s owner');
select is((select error_code from ledger_refund_order(tests.order_id('a'), '[{"line_number": 1, "quantity": 4}]')), 'units_not_refundable', 'a refund of too much');
select is((select count(*)::int from accounts), 3, 'opens none');
select is_empty('select * from ledger.book_differences()', 'the books are in order');

select * from finish();
rollback;
