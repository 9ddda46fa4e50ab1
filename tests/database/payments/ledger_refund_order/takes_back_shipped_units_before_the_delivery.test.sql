-- Before the delivery all money is in escrow: only what goes back leaves it, and the delivery recognises the rest.
begin;
select plan(16);

select tests.create_variant('mug', price => 1000, stock => 10, tax_rate_bp => 1000);
select tests.create_customer('bob');
select tests.create_customer('alice', 20000);
select tests.expect_success(r)
from profiles p, ledger_register_referral(p.referral_code, p_user_id => tests.get_supabase_uid('alice')) r
where p.id = tests.get_supabase_uid('bob');
select tests.set_setting('referral_rate_bp', '500');
insert into shipping_methods (code, currency, name, price_amount) values ('POST', 'USD', 'Post', 300);

select tests.authenticate_as('alice');
select tests.expect_success(o) from ledger_place_order(tests.lines('mug x 4'), p_shipping_method => 'POST', p_notes => 'first') o;
select tests.act_as_owner();
select tests.move_order(tests.order_id('first'), 'processing');
select is(
  (select error_code from ledger_refund_order(tests.order_id('first'), '[{"line_number": 1, "quantity": 1}]')), 'units_not_refundable',
  'what is not shipped is refunded only where that is said');
select tests.expect_success(s) from ledger_ship_order(tests.order_id('first'), '[{"line_number": 1, "quantity": 2}]') s;
select is(
  (select error_details ->> 'refundable' from ledger_refund_order(tests.order_id('first'), '[{"line_number": 1, "quantity": 3}]')), '2',
  'of what was shipped in part, that part');

select results_eq(
  $$ select r.credited_amount, r.wallet_amount, r.order_status from ledger_refund_order(tests.order_id('first'), '[{"line_number": 1, "quantity": 1}]', 300, 220) r $$,
  $$ values (1620::bigint, 1620::bigint, 'processing') $$, 'a unit, the shipping and a free amount go back');
select is(tests.booked('alice', 'order_escrow'), 3080::bigint, 'escrow holds the rest');
select is(tests.booked('alice', 'revenue') + tests.booked('alice', 'tax_payable') + tests.booked('alice', 'discounts'), 0::bigint, 'nothing is income yet');
select is((select success from tests.change_status('first', 'delivered')), true, 'the order can be delivered');
select is(tests.booked('alice', 'order_escrow'), 0::bigint, 'which leaves nothing in escrow');
select is(tests.booked('alice', 'revenue'), 3000::bigint, 'revenue is the three mugs that were not taken back');
select is(tests.booked('alice', 'shipping_income'), 0::bigint, 'no shipping');
-- 220 of the 3300 that units and tax amount to: 20 of the tax
select is(tests.booked('alice', 'tax_payable'), 280::bigint, 'the tax is that of the mugs without what the allowance holds');
select is(tests.booked('alice', 'discounts'), 200::bigint, 'and the allowance shows as a discount');
select results_eq(
  $$ select c.base_amount, c.commission_amount, c.clawed_back_amount from referral_commissions c $$,
  $$ values (2800::bigint, 140::bigint, 0::bigint) $$, 'the commission is reckoned from what was not taken back');
select results_eq(
  $$ select r.credited_amount, r.order_status from ledger_refund_order(tests.order_id('first'), '[{"line_number": 1, "quantity": 3}]') r $$,
  $$ values (3080::bigint, 'refunded') $$, 'the rest of it goes back after the delivery, without the allowance');
select is((select available_balance from tests.account('bob')), 0::bigint, 'the commission with it');
select is(
  array[tests.booked('alice', 'revenue'), tests.booked('alice', 'tax_payable'), tests.booked('alice', 'discounts'), tests.booked('alice', 'order_escrow')],
  '{0,0,0,0}'::bigint[], 'nothing is left of it in the books');
select is_empty('select * from ledger.book_differences()', 'the books are in order');

select * from finish();
rollback;
