begin;
select plan(14);

select tests.create_variant('mug', price => 1000);
select tests.create_customer('alice', 1500);

-- unpaid orders in each status that has a way on: by default status, or by a transition that an admin edited
select tests.place_named_order('pending', 'alice', tests.lines('mug x 1'), 'bank_transfer');
select tests.place_named_order('rejected', 'alice', tests.lines('mug x 1'), 'bank_transfer');
select tests.move_order(tests.order_id('rejected'), 'rejected');
select tests.set_setting('default_order_status', '"confirmed"');
select tests.place_named_order('confirmed', 'alice', tests.lines('mug x 1'), 'bank_transfer');
select tests.set_setting('default_order_status', '"processing"');
select tests.place_named_order('processing', 'alice', tests.lines('mug x 1'), 'bank_transfer');
select tests.place_named_order('shipped', 'alice', tests.lines('mug x 1'), 'bank_transfer');
update order_status_transitions set needs_payment = false where from_status = 'processing' and to_status = 'shipped';
select tests.move_order(tests.order_id('shipped'), 'shipped');
update order_status_transitions set needs_payment = true where from_status = 'processing' and to_status = 'shipped';

select is(
  tests.outcome(null, format('tests.change_status(%L, %L)', t.from_status, t.to_status)), t.expected,
  format('an unpaid order from %s to %s: %s', t.from_status, t.to_status, t.expected))
from (values
  ('pending', 'confirmed', 'payment_required'), ('pending', 'processing', 'payment_required'),
  ('pending', 'rejected', 'success'), ('pending', 'cancelled', 'success'),
  ('confirmed', 'processing', 'payment_required'), ('confirmed', 'cancelled', 'success'),
  ('processing', 'shipped', 'payment_required'), ('processing', 'delivered', 'payment_required'), ('processing', 'cancelled', 'success'),
  ('shipped', 'delivered', 'payment_required'), ('shipped', 'cancelled', 'success'),
  ('rejected', 'cancelled', 'success')) t (from_status, to_status, expected);

select tests.set_setting('default_order_status', '"pending"');
select tests.place_named_order('partly paid', 'alice', tests.lines('mug x 2'), 'wallet_partial');
select results_eq(
  $$ select c.error_code, c.error_message from tests.change_status('partly paid', 'confirmed') c $$,
  $$ select 'payment_required', format('Order %s has 5.00 USD left to pay before it can become "confirmed".', o.order_number)
     from tests.order_named('partly paid') o $$,
  'an order that is paid in part needs the rest; the message says how much');
select is_empty('select * from ledger.book_differences()', 'the books are in order');

select * from finish();
rollback;
