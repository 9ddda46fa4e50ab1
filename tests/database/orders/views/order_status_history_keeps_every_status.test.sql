begin;
select plan(6);

select tests.create_variant('mug', price => 1000);
select tests.create_customer('alice', 5000);
select tests.create_customer('mallory', 5000);
select tests.create_staff('logistics', 'logistics');
select tests.place_named_order('first', 'alice', tests.lines('mug x 1'));
select tests.move_order(tests.order_id('first'), 'confirmed', 'processing', 'shipped', 'delivered', 'cancelled');

select tests.authenticate_as('alice');
select results_eq(
  $$ select h.from_status, h.status from order_status_history h where h.order_id = tests.order_id('first') order by h.event_id $$,
  $$ values (null, 'pending'), ('pending', 'confirmed'), ('confirmed', 'processing'), ('processing', 'shipped'),
            ('shipped', 'delivered'), ('delivered', 'cancelled') $$,
  'the customer sees every status the order has had, in order (source 004)');
select results_eq(
  $$ select h.transaction_id from order_status_history h where h.order_id = tests.order_id('first') order by h.event_id $$,
  $$ select t.id from transactions t where t.order_id = tests.order_id('first') order by t.account_version $$,
  'each with the transaction that it was');
select tests.authenticate_as('mallory');
select is_empty($$ select from order_status_history $$, 'another customer sees nothing of it');
select tests.authenticate_as('logistics');
select is(
  (select count(*) from order_status_history h where h.order_id = tests.order_id('first')), 6::bigint, 'staff with orders.read see it');
select tests.act_as_owner();

select is(
  (select count(*) from tests.change_status('first', 'pending') c where c.success), 0::bigint, 'a change that is refused');
select is(
  (select count(*) from order_status_history h where h.order_id = tests.order_id('first')), 6::bigint, 'leaves no line');

select * from finish();
rollback;
