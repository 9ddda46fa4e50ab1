begin;
select plan(7);

select tests.create_variant('mug', price => 1000, stock => 10);
select tests.create_customer('referrer', 9007199254740941);
select tests.create_customer('alice', 5000);
select tests.set_setting('referral_rate_bp', '1000');
select tests.expect_success(r)
from profiles p, ledger_register_referral(p.referral_code, p_user_id => tests.get_supabase_uid('alice')) r
where p.id = tests.get_supabase_uid('referrer');
select tests.place_named_order('first', 'alice', tests.lines('mug x 1'));
select tests.move_order(tests.order_id('first'), 'processing');

select is(
  (select error_code from tests.change_status('first', 'delivered')), 'amount_too_large',
  'a commission of 100 that would take the referrer''s total beyond 2^53 - 1 is refused with the delivery, not raised');
select results_eq(
  $$ select o.status, o.version from tests.order_named('first') o $$, $$ values ('processing', 2::bigint) $$, 'the order is as it was');
select is(tests.booked('alice', 'revenue'), 0::bigint, 'nothing was booked');
select is_empty(
  $$ select from referral_commissions c where c.order_id = tests.order_id('first') $$, 'no commission was recorded');
select is((select success from tests.change_status('first', 'cancelled')), true, 'the order can be cancelled');

select tests.set_setting('referral_rate_bp', '500');
select tests.expect_success(c) from ledger_credit_account(tests.get_supabase_uid('referrer'), -50, 'adjustment') c;
select tests.place_named_order('second', 'alice', tests.lines('mug x 1'));
select tests.move_order(tests.order_id('second'), 'processing', 'delivered');
select is((select total_earned from tests.account('referrer')), 9007199254740991, 'a commission that just fits is credited');
select is_empty('select * from ledger.book_differences()', 'the books are in order');

select * from finish();
rollback;
