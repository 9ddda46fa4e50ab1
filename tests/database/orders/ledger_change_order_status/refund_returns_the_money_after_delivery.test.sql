begin;
select plan(7);

select tests.create_variant('mug', price => 1000, stock => 10, tax_rate_bp => 1000);
select tests.create_customer('alice', 5000);
select tests.create_staff('finance', 'finance');
select tests.place_named_order('first', 'alice', tests.lines('mug x 2'));
select tests.move_order(tests.order_id('first'), 'processing', 'delivered');

select tests.authenticate_as('finance');
select results_eq(
  $$ select success, order_status, payment_status, returned_amount, available_balance
     from ledger_change_order_status(tests.get_supabase_uid('alice'), tests.order_id('first'), 'delivered', 'refunded', 2200) $$,
  $$ values (true, 'refunded', 'refunded', 2200::bigint, 5000::bigint) $$,
  'finance refunds a delivered order to the wallet (source 004)');
select tests.act_as_owner();

select is(tests.orders_and_available('alice'), '0/5000', 'total_orders falls by what is refunded to the wallet (DESIGN section 5)');
select is((select refunded_amount from tests.order_named('first')), 2200::bigint, 'the order knows what was refunded');
select is(
  array[tests.booked('alice', 'revenue'), tests.booked('alice', 'tax_payable'), tests.booked('alice', 'order_escrow')], array[0, 0, 0]::bigint[],
  'revenue and tax are taken back');
select results_eq(
  $$ select t.type, t.amount from transactions t where t.order_id = tests.order_id('first') order by t.account_version desc limit 1 $$,
  $$ values ('order_refunded', 2200::bigint) $$, 'the refund is a transaction of its own type');
select is(tests.stock('mug'), 8::bigint, 'the goods stay with the customer unless restocked');
select is_empty('select * from ledger.book_differences()', 'the books are in order');

select * from finish();
rollback;
