begin;
select plan(14);

select tests.create_variant('mug', price => 1000);
select tests.create_customer('alice', 100000);
select tests.place_named_order(s.status, 'alice', tests.lines('mug x 1'))
from unnest(array['pending', 'confirmed', 'processing', 'shipped', 'delivered', 'rejected', 'cancelled', 'refunded']) s (status);
select tests.move_order(tests.order_id('confirmed'), 'confirmed');
select tests.move_order(tests.order_id('processing'), 'processing');
select tests.move_order(tests.order_id('shipped'), 'processing', 'shipped');
select tests.move_order(tests.order_id('delivered'), 'processing', 'delivered');
select tests.move_order(tests.order_id('rejected'), 'rejected');
select tests.move_order(tests.order_id('cancelled'), 'cancelled');
select tests.move_order(tests.order_id('refunded'), 'processing', 'delivered', 'refunded');
create function pg_temp.cancelling(p_status text) returns text language sql as $$
  select tests.outcome('alice', format('ledger_cancel_order(%L)', tests.order_id(p_status)));
$$;

select is(pg_temp.cancelling(s.status), s.expected, format('the customer cancels a %s order: %s', s.status, s.expected))
from (values
  ('pending', 'success'), ('confirmed', 'success'), ('rejected', 'success'),
  ('processing', 'cancellation_not_allowed'), ('shipped', 'cancellation_not_allowed'), ('delivered', 'cancellation_not_allowed'),
  ('cancelled', 'invalid_transition'), ('refunded', 'invalid_transition')) s (status, expected);

select tests.authenticate_as('alice');
select results_eq(
  $$ select c.error_message from ledger_cancel_order(tests.order_id('processing')) c $$,
  $$ select format('Order %s can no longer be cancelled by the customer: it is already processing.', o.order_number) from tests.order_named('processing') o $$,
  'the message says why');
select tests.act_as_owner();

update order_status_transitions set customer_may = true where from_status = 'processing' and to_status = 'cancelled';
select is(pg_temp.cancelling('processing'), 'success', 'an admin may let customers cancel in another status');
update order_status_transitions set customer_may = false where from_status = 'pending' and to_status = 'cancelled';
select is(pg_temp.cancelling('pending'), 'cancellation_not_allowed', 'or no longer in one');

select tests.set_setting('cancellation_window_minutes', '0');
select tests.authenticate_as('alice');
select results_eq(
  $$ select c.error_code, c.error_message from ledger_cancel_order(tests.order_id('confirmed')) c $$,
  $$ select 'cancellation_not_allowed',
       format('Order %s can no longer be cancelled by the customer: it was placed more than 0 minutes ago.', o.order_number) from tests.order_named('confirmed') o $$,
  'beyond the cancellation window it is refused');
select tests.act_as_owner();
select is(tests.outcome(null, $$ tests.change_status('confirmed', 'cancelled') $$), 'success', 'staff may still cancel');
select is(
  tests.outcome('alice', format('ledger_cancel_order(%L, repeat(''x'', 2001))', tests.order_id('confirmed'))), 'invalid_argument',
  'a reason of more than 2000 characters is refused');

select * from finish();
rollback;
