-- Source 003, test scenario 1: order cancellation.
begin;
select plan(9);

select tests.create_variant('mug', price => 5000, stock => 10);
select tests.create_customer('alice', 20000);
select tests.create_staff('admin', 'admin');
select is(tests.orders_and_available('alice'), '0/20000', 'the customer starts with 200.00 available');

select tests.place_named_order('first', 'alice', tests.lines('mug x 1'));
select is(tests.orders_and_available('alice'), '5000/15000', '1. user submits order: total_orders +$50');
select is(tests.stock('mug'), 9::bigint, 'one mug is taken');

select tests.authenticate_as('admin');
select results_eq(
  $$ select success, error_code, order_status, payment_status, returned_amount, available_balance
     from ledger_change_order_status(tests.get_supabase_uid('alice'), tests.order_id('first'), 'Pending', 'Cancelled', 5000) $$,
  $$ values (true, null, 'cancelled', 'refunded', 5000::bigint, 20000::bigint) $$,
  '2. admin cancels order');
select tests.act_as_owner();
select is(tests.orders_and_available('alice'), '0/20000', 'total_orders -$50; 3. available balance restored');
select is(tests.stock('mug'), 10::bigint, 'the mug is back in stock (source 004)');
select results_eq(
  $$ select t.type, t.amount, t.balance_after from transactions t where t.order_id = tests.order_id('first') order by t.account_version $$,
  $$ values ('order_created', -5000::bigint, 15000::bigint), ('order_cancelled', 5000, 20000) $$,
  'both steps are transactions');
select is(
  array[tests.booked('alice', 'order_escrow'), tests.booked('alice', 'wallet')], array[0, 20000]::bigint[],
  'escrow is empty and the wallet whole');
select is_empty('select * from ledger.book_differences()', 'the books are in order');

select * from finish();
rollback;
