begin;
select plan(9);

select tests.create_variant('mug', price => 1000);
select tests.create_customer('alice', 5000);
select tests.create_staff('warehouse', 'warehouse');
select tests.place_named_order('first', 'alice', tests.lines('mug x 2'));

select tests.authenticate_as('alice');
select results_eq(
  $$ select t.success, t.order_number, t.status, t.payment_status, t.stage, t.currency, t.total_amount, t.amount_due
     from order_tracking(tests.order_id('first')) t $$,
  $$ select true, o.order_number, 'pending', 'paid', 'awaiting_confirmation', 'USD', 2000::bigint, 0::bigint from tests.order_named('first') o $$,
  'the customer is told status, stage and amounts');
select results_eq(
  $$ select t.placed_at, t.updated_at from order_tracking(tests.order_id('first')) t $$,
  $$ select o.created_at, o.updated_at from tests.order_named('first') o $$,
  'and when it was placed and last changed');
select is((select t.next_steps from order_tracking(tests.order_id('first')) t), '["cancelled"]', 'the customer can still cancel it');
select tests.act_as_owner();

select tests.authenticate_as('warehouse');
select is((select c.success from tests.change_status('first', 'processing', '{"notes": "packed"}') c), true, 'the warehouse takes it in work');
select tests.act_as_owner();

select tests.authenticate_as('alice');
select results_eq(
  $$ select h.from_status, h.status, h.notes from order_tracking(tests.order_id('first')) t,
       jsonb_to_recordset(t.history) h (event_id bigint, from_status text, status text, notes text) $$,
  $$ values (null, 'pending', 'first'), ('pending', 'processing', 'packed') $$,
  'the history has every status, oldest first, with its notes');
select results_eq(
  $$ select h.event_id, h.at from order_tracking(tests.order_id('first')) t,
       jsonb_to_recordset(t.history) h (event_id bigint, at timestamptz) $$,
  $$ select s.event_id, s.created_at from order_status_history s where s.order_id = tests.order_id('first') order by s.event_id $$,
  'with the events that order_status_history names');
select is((select t.next_steps from order_tracking(tests.order_id('first')) t), '[]', 'what is in work the customer cannot cancel');
select is((select t.stage from order_tracking(tests.order_id('first')) t), 'warehouse_processing', 'and the stage has moved on');
select tests.act_as_owner();

select is((select count(*) from immutable_events e where e.stream_id = tests.order_id('first')), 2::bigint, 'asking leaves no record');

select * from finish();
rollback;
