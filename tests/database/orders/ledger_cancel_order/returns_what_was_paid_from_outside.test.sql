-- DESIGN section 6: what was paid from outside becomes wallet credit or a refund to pay out, as the caller says.
begin;
select plan(9);

select tests.create_variant('mug', price => 1000, stock => 10);
select tests.create_customer('alice', 400);
select tests.place_named_order(o.name, 'alice', tests.lines('mug x 1'), o.method)
from (values ('credit', 'wallet_partial'), ('payout', 'bank_transfer')) o (name, method);
select tests.expect_success(p) from ledger_record_payment(tests.order_id('credit'), 600, p_reference => 'T1') p;
select tests.expect_success(p) from ledger_record_payment(tests.order_id('payout'), 1000, p_reference => 'T2') p;
select is(tests.orders_and_available('alice'), '400/0', 'the wallet paid 400');

select tests.authenticate_as('alice');
select is((select error_code from ledger_cancel_order(tests.order_id('credit'), p_to => 'mattress')), 'invalid_argument', 'an unknown destination is refused');
select is((select error_code from ledger_cancel_order(tests.order_id('credit'), p_to => null)), 'invalid_argument', 'and none');
select results_eq(
  $$ select c.returned_amount, c.payment_status, c.available_balance from ledger_cancel_order(tests.order_id('credit')) c $$,
  $$ values (1000::bigint, 'refunded', 1000::bigint) $$, 'it becomes wallet credit unless told otherwise');
select results_eq(
  $$ select c.returned_amount, c.payment_status, c.available_balance from ledger_cancel_order(tests.order_id('payout'), p_to => 'original') c $$,
  $$ values (1000::bigint, 'refunded', 1000::bigint) $$, 'or is to be paid out');
select is((select count(*) from refunds), 2::bigint, 'customers see their refunds');
select tests.act_as_owner();
select results_eq(
  $$ select f.wallet_amount, f.credit_amount, f.payout_amount, f.payout_status from refunds f order by f.id $$,
  $$ values (400::bigint, 600::bigint, 0::bigint, 'none'), (0, 0, 1000, 'pending') $$, 'the refunds say where the money went');
select results_eq(
  $$ select a.total_earned, a.total_orders from tests.account('alice') a $$, $$ values (1000::bigint, 0::bigint) $$, 'the credit is earned, what the wallet paid is back');
select is_empty('select * from ledger.book_differences()', 'the books are in order');

select * from finish();
rollback;
