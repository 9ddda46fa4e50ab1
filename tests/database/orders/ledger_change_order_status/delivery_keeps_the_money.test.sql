-- Source 003, test scenario 2: order delivery.
begin;
select plan(8);

select tests.create_variant('mug', price => 5000, stock => 10);
select tests.create_customer('alice', 20000);
select tests.create_staff('admin', 'admin');

select tests.place_named_order('first', 'alice', tests.lines('mug x 1'));
select is(tests.orders_and_available('alice'), '5000/15000', '1. user submits order: total_orders +$50');

-- the way there: pending does not go to delivered at once (DESIGN section 6)
select tests.authenticate_as('admin');
select is(
  (select success from ledger_change_order_status(tests.get_supabase_uid('alice'), tests.order_id('first'), 'pending', 'processing', 5000)),
  true, 'admin takes it into processing');
select results_eq(
  $$ select success, order_status, payment_status, returned_amount, available_balance
     from ledger_change_order_status(tests.get_supabase_uid('alice'), tests.order_id('first'), 'processing', 'delivered', 5000) $$,
  $$ values (true, 'delivered', 'paid', 0::bigint, 15000::bigint) $$,
  '2. admin marks "Delivered"');
select tests.act_as_owner();
select is(tests.orders_and_available('alice'), '5000/15000', 'total_orders stays +$50: no change');
select is(
  tests.outcome('alice', $$ ledger_place_order(tests.lines('mug x 4')) $$), 'insufficient_funds',
  '3. the funds stay locked until cancelled: they buy nothing else');
select is(tests.stock('mug'), 9::bigint, 'the mug is gone');
select is(
  (select t.amount from transactions t where t.order_id = tests.order_id('first') order by t.account_version desc limit 1), 0::bigint,
  'the change to delivered is a transaction of 0');
select is_empty('select * from ledger.book_differences()', 'the books are in order');

select * from finish();
rollback;
