begin;
select plan(8);

select tests.create_variant('mug', price => 5000, stock => 10);
select tests.create_customer('alice', 20000);
select tests.place_named_order('cancelled', 'alice', tests.lines('mug x 1'));
select tests.move_order(tests.order_id('cancelled'), 'cancelled');
select tests.place_named_order('refunded', 'alice', tests.lines('mug x 1'));
select tests.move_order(tests.order_id('refunded'), 'processing', 'delivered', 'refunded');

select results_eq(
  $$ select s.status, c.success, c.error_code, c.available_balance
     from unnest(array['pending', 'confirmed', 'processing', 'shipped', 'delivered', 'rejected', 'cancelled', 'refunded']) s (status),
          tests.change_status('cancelled', s.status) c $$,
  $$ select s.status, false, 'invalid_transition', null::bigint
     from unnest(array['pending', 'confirmed', 'processing', 'shipped', 'delivered', 'rejected', 'cancelled', 'refunded']) s (status) $$,
  'once cancelled, an order can''t be un-cancelled, nor cancelled again (source 003, note 1)');
select is(
  (select error_message from tests.change_status('cancelled', 'pending')),
  (select format('Order %s cannot go from "cancelled" to "pending"; possible: none, it is final.', order_number) from tests.order_named('cancelled')),
  'the message says that it is final');
select is(
  (select count(*) from unnest(array['pending', 'confirmed', 'processing', 'shipped', 'delivered', 'rejected', 'cancelled', 'refunded']) s (status),
     tests.change_status('refunded', s.status) c where c.error_code = 'invalid_transition'), 8::bigint,
  'refunded is final too');
select throws_ok(
  $$ insert into order_status_transitions (from_status, to_status, permission, needs_payment) values ('cancelled', 'pending', 'orders.cancel', false) $$,
  '23514', null, 'the dashboard cannot add a way out of cancelled');
select throws_ok(
  $$ insert into order_status_transitions (from_status, to_status, permission, needs_payment) values ('refunded', 'processing', 'orders.cancel', false) $$,
  '23514', null, 'nor out of refunded');
select throws_ok(
  $$ insert into order_status_transitions (from_status, to_status, permission, needs_payment) values ('delivered', 'processing', 'orders.cancel', false) $$,
  '23514', null, 'nor back from delivered');
select is(tests.orders_and_available('alice'), '0/20000', 'the money was returned once for each order');
select is(tests.stock('mug'), 9::bigint, 'the goods of the cancelled order were returned once');

select * from finish();
rollback;
