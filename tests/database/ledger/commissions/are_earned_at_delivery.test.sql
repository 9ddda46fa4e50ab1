begin;
select plan(11);

select tests.create_variant('mug', price => 1000);
select tests.create_customer('referrer');
select tests.create_customer('alice', 20000);
select tests.create_customer('bob', 20000);
select tests.set_setting('referral_rate_bp', '500');
select tests.expect_success(r)
from profiles p, ledger_register_referral(p.referral_code, p_user_id => tests.get_supabase_uid('alice')) r
where p.id = tests.get_supabase_uid('referrer');
select tests.set_setting('referral_rate_bp', '9999');

select tests.place_named_order('first', 'alice', tests.lines('mug x 3'));
select tests.move_order(tests.order_id('first'), 'confirmed', 'processing', 'shipped');
select is_empty($$ select from tests.account('referrer') $$, 'before delivery nothing is earned');
select tests.move_order(tests.order_id('first'), 'delivered');
select results_eq(
  $$ select a.total_earned, a.available_balance from tests.account('referrer') a $$, $$ values (150::bigint, 150::bigint) $$,
  'at delivery the referrer earns 5 % of 3000, at the rate of the day of registration (source 003, note 5)');
select results_eq(
  $$ select c.rate_bp, c.base_amount, c.commission_amount, c.clawed_back_amount from referral_commissions c where c.order_id = tests.order_id('first') $$,
  $$ values (500, 3000::bigint, 150::bigint, 0::bigint) $$, 'the commission is recorded with base and rate');
select results_eq(
  $$ select t.type, t.amount, t.reference_id, t.order_id from transactions t where t.account_id = (select id from tests.account('referrer')) $$,
  $$ select 'commission_earned', 150::bigint, c.id, null::uuid from referral_commissions c where c.order_id = tests.order_id('first') $$,
  'it is a transaction of the referrer''s account');
select is(
  array[tests.booked('referrer', 'wallet'), tests.booked('referrer', 'commission_expense'), tests.booked('alice', 'commission_expense')], array[150, 150, 0]::bigint[],
  'booked as the house''s expense within the referrer''s books, not the customer''s (DESIGN section 4, rule 10)');
select is(tests.orders_and_available('alice'), '3000/17000', 'it costs the customer nothing');
select results_eq(
  $$ select e.causation_id from immutable_events e where e.event_type = 'commission.earned' and e.account_id = (select id from tests.account('referrer')) $$,
  $$ select tests.order_id('first') $$, 'its event names the order as its cause');
select is(
  (select count(*) from tests.messages('commission.earned', jsonb_build_object('stream_id', (select id from tests.account('referrer'))))), 1::bigint,
  'the referrer is notified');

select tests.place_named_order('other', 'bob', tests.lines('mug x 3'));
select tests.move_order(tests.order_id('other'), 'processing', 'delivered');
select is((select available_balance from tests.account('referrer')), 150::bigint, 'the order of a customer whom nobody referred earns nothing');
select tests.place_named_order('cancelled', 'alice', tests.lines('mug x 3'));
select tests.move_order(tests.order_id('cancelled'), 'cancelled');
select is((select available_balance from tests.account('referrer')), 150::bigint, 'an order that is never delivered earns nothing');
select is_empty('select * from ledger.book_differences()', 'the books are in order');

select * from finish();
rollback;
