begin;
select plan(4);

select tests.create_variant('mug', price => 1000);
select tests.create_customer('referrer');
select tests.create_customer('alice', 100000);
select tests.set_setting('referral_rate_bp', '1000');
select tests.expect_success(r)
from profiles p, ledger_register_referral(p.referral_code, p_user_id => tests.get_supabase_uid('alice')) r
where p.id = tests.get_supabase_uid('referrer');
select tests.place_named_order('first', 'alice', tests.lines('mug x 5'));
select tests.move_order(tests.order_id('first'), 'processing', 'delivered');
select tests.expect_success(c) from ledger_credit_account(tests.get_supabase_uid('referrer'), -500, 'adjustment') c;

select lives_ok(
  $$ select tests.move_order(tests.order_id('first'), 'cancelled') $$,
  'an order can be cancelled also when an adjustment has taken its commission already');
select is((select available_balance from tests.account('referrer')), -500::bigint, 'the balance goes below zero, to be filled later (DESIGN section 5)');
select is(tests.orders_and_available('alice'), '0/100000', 'the customer has the money back');
select is_empty('select * from ledger.book_differences()', 'the books are in order');

select * from finish();
rollback;
