begin;
select plan(12);

select tests.create_variant('mug', price => 1000);
select tests.create_customer('referrer');
select tests.create_customer('alice', 100000);
select tests.set_setting('referral_rate_bp', '1000');
select tests.expect_success(r)
from profiles p, ledger_register_referral(p.referral_code, p_user_id => tests.get_supabase_uid('alice')) r
where p.id = tests.get_supabase_uid('referrer');
select tests.place_named_order('cancelled later', 'alice', tests.lines('mug x 5'));
select tests.place_named_order('refunded later', 'alice', tests.lines('mug x 3'));
select tests.move_order(tests.order_id('cancelled later'), 'processing', 'delivered');
select tests.move_order(tests.order_id('refunded later'), 'processing', 'delivered');
select is((select available_balance from tests.account('referrer')), 800::bigint, 'commissions of 500 and 300 were earned');

select tests.move_order(tests.order_id('refunded later'), 'refunded');
select is((select available_balance from tests.account('referrer')), 500::bigint, 'a refund takes its commission back');
select results_eq(
  $$ select t.type, t.amount from transactions t where t.account_id = (select id from tests.account('referrer')) order by t.account_version desc limit 1 $$,
  $$ values ('commission_clawed_back', -300::bigint) $$, 'by a transaction of its own');

-- the rest is withdrawn before the other order is cancelled
select tests.authenticate_as('referrer');
select tests.expect_success(w) from ledger_request_withdrawal(500, '{"iban": "x"}') w;
select tests.act_as_owner();
select tests.expect_success(r)
from withdrawals w, unnest(array['approve', 'mark_paid']) with ordinality d (decision, position), ledger_review_withdrawal(w.id, d.decision) r
where w.user_id = tests.get_supabase_uid('referrer');
select tests.move_order(tests.order_id('cancelled later'), 'cancelled');
select results_eq(
  $$ select a.total_earned, a.total_withdrawn, a.available_balance from tests.account('referrer') a $$, $$ values (0::bigint, 500::bigint, -500::bigint) $$,
  'a commission that was withdrawn and is clawed back leaves a negative balance (DESIGN section 5)');
select is(
  (select clawed_back_amount from referral_commissions c where c.order_id = tests.order_id('cancelled later')), 500::bigint, 'the commission knows what was taken back');
select is(tests.booked('referrer', 'commission_expense'), 0::bigint, 'the house''s expense is reversed');
select is(tests.orders_and_available('alice'), '0/100000', 'the customer has the money of both orders back');

select is(tests.outcome('referrer', $$ ledger_place_order(tests.lines('mug x 1')) $$), 'insufficient_funds', 'a negative balance buys nothing');
select is(
  tests.outcome('referrer', $$ ledger_place_order(tests.lines('mug x 1'), 'wallet_partial') $$), 'success', 'nor pays a part; the order is due in full');
select is(tests.outcome('referrer', $$ ledger_request_withdrawal(1, '{"iban": "x"}') $$), 'insufficient_funds', 'nor is withdrawn from');
select tests.place_named_order('next', 'alice', tests.lines('mug x 6'));
select tests.move_order(tests.order_id('next'), 'processing', 'delivered');
select is((select available_balance from tests.account('referrer')), 100::bigint, 'later earnings fill the hole first');
select is_empty('select * from ledger.book_differences()', 'the books are in order');

select * from finish();
rollback;
