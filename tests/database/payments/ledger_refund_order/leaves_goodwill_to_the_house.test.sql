-- A free amount takes nothing from vendors; units do. All of an order as a free amount ends it, and its goods stay sold.
begin;
select plan(12);

select tests.create_customer('potter');
select tests.create_customer('alice', 20000);
insert into vendors (name, owner_user_id, platform_rate_bp) values ('Potter', tests.get_supabase_uid('potter'), 1000);
select tests.create_variant('mug', price => 1000, stock => 10);
update products set vendor_id = (select v.id from vendors v) where id = (select v.product_id from variants v where v.sku = 'mug');
select tests.place_named_order('first', 'alice', tests.lines('mug x 4'));
select tests.place_named_order('second', 'alice', tests.lines('mug x 2'));
select tests.move_order(tests.order_id(o.name), 'processing', 'delivered') from (values ('first'), ('second')) o (name);
select is((select available_balance from tests.account('potter')), 5400::bigint, 'the vendor has nine tenths of six mugs');
select is(tests.booked('alice', 'revenue'), 600::bigint, 'the house has the tenth');

select tests.expect_success(r) from ledger_refund_order(tests.order_id('first'), p_amount => 1500) r;
select is((select available_balance from tests.account('potter')), 5400::bigint, 'goodwill takes nothing from the vendor');
select is(tests.booked('alice', 'discounts'), 1500::bigint, 'it costs the house');
select tests.expect_success(r) from ledger_refund_order(tests.order_id('first'), '[{"line_number": 1, "quantity": 2}]') r;
select is((select available_balance from tests.account('potter')), 3600::bigint, 'units take their share');
select is((select credited_amount from tests.order_named('first')), 3500::bigint, 'beside the allowance');
select tests.expect_success(r) from ledger_refund_order(tests.order_id('first'), '[{"line_number": 1, "quantity": 2}]') r;
select results_eq(
  $$ select o.status, o.credited_amount, (select sum(f.allowance_amount)::bigint from refunds f where f.order_id = o.id) from tests.order_named('first') o $$,
  $$ values ('refunded', 4000::bigint, 0::bigint) $$, 'the last units take the place of the allowance');
select is((select available_balance from tests.account('potter')), 1800::bigint, 'the vendor keeps the other order');

select tests.expect_success(r) from ledger_refund_order(tests.order_id('second'), p_amount => 2000) r;
select results_eq(
  $$ select o.status, o.payment_status, o.outstanding_amount from tests.order_named('second') o $$, $$ values ('refunded', 'refunded', 0::bigint) $$,
  'an order that was given away whole is refunded');
select is((select available_balance from tests.account('potter')), 1800::bigint, 'the vendor has sold it all the same');
select is(tests.orders_and_available('alice'), '0/20000', 'the customer has everything back');
select is_empty('select * from ledger.book_differences()', 'the books are in order');

select * from finish();
rollback;
