begin;
select plan(14);

select tests.create_variant('mug', price => 1000);
select tests.create_customer('alice', 1500);

-- unpaid orders in each status that has a way on, from a time when an admin let them pass unpaid
create temp table as_shipped as select * from order_status_transitions;
update order_status_transitions set needs_payment = false;
select tests.place_named_order(s.status, 'alice', tests.lines('mug x 1'), 'bank_transfer')
from unnest(array['pending', 'confirmed', 'processing', 'shipped', 'rejected']) s (status);
select tests.move_order(tests.order_id('confirmed'), 'confirmed');
select tests.move_order(tests.order_id('processing'), 'processing');
select tests.move_order(tests.order_id('shipped'), 'processing', 'shipped');
select tests.move_order(tests.order_id('rejected'), 'rejected');
update order_status_transitions t set needs_payment = s.needs_payment
from as_shipped s where (s.from_status, s.to_status) = (t.from_status, t.to_status);

select is(
  tests.outcome(null, format('tests.change_status(%L, %L)', t.from_status, t.to_status)), t.expected,
  format('an unpaid order from %s to %s: %s', t.from_status, t.to_status, t.expected))
from (values
  ('pending', 'confirmed', 'payment_required'), ('pending', 'processing', 'payment_required'),
  ('pending', 'rejected', 'success'), ('pending', 'cancelled', 'success'),
  ('confirmed', 'processing', 'payment_required'), ('confirmed', 'cancelled', 'success'),
  ('processing', 'shipped', 'payment_required'), ('processing', 'delivered', 'payment_required'), ('processing', 'cancelled', 'success'),
  ('shipped', 'delivered', 'success'), ('shipped', 'cancelled', 'success'),
  ('rejected', 'cancelled', 'success')) t (from_status, to_status, expected);

select tests.place_named_order('partly paid', 'alice', tests.lines('mug x 2'), 'wallet_partial');
select results_eq(
  $$ select c.error_code, c.error_message from tests.change_status('partly paid', 'confirmed') c $$,
  $$ select 'payment_required', format('Order %s has 5.00 USD left to pay before it can become "confirmed".', o.order_number)
     from tests.order_named('partly paid') o $$,
  'an order that is paid in part needs the rest; the message says how much');
select is_empty('select * from ledger.book_differences()', 'the books are in order');

select * from finish();
rollback;
