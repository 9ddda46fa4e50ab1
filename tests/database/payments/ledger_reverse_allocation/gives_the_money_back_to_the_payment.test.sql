begin;
select plan(24);

select tests.create_variant('mug', price => 1000);
select tests.create_customer('alice');
select tests.create_staff(r.role, r.role) from unnest(array['admin', 'finance', 'warehouse', 'logistics', 'vendor']) r (role);
select tests.invoice_customer('rent', 'alice', 'rent x 1 at 800');
select tests.place_named_order('mugs', 'alice', tests.lines('mug x 2'), 'bank_transfer');
select tests.invoice_order('mugs');
select tests.receive('big', 'alice', 2500);
select tests.expect_success(a) from tests.allocate('big', 'rent 500', 'mugs 2000') a;
create temp table given as select tests.allocation_id('big', 'rent') as rent, tests.allocation_id('big', 'mugs') as mugs;
select is(tests.debt('alice'), '300/0', 'alice owes 300');

select results_eq(
  $$ select success, payment_id, invoice_id, reversed_amount, remaining_amount, unapplied_amount from given, ledger_reverse_allocation(given.rent, 'wrong invoice', 'k') $$,
  $$ values (true, tests.payment_id('big'), tests.invoice_id('rent'), 500::bigint, 800::bigint, 500::bigint) $$, 'a reversal opens the invoice again');
select is(tests.used('big'), '2000/500', 'the payment has the money back');
select is(tests.debt('alice'), '800/500', 'and alice owes it again');
select results_eq(
  $$ select l.allocated_amount, l.reverses_allocation_id, l.idempotency_key from given, payment_allocations l where l.invoice_id = tests.invoice_id('rent') order by l.id $$,
  $$ select v.amount, v.reverses, null::text from given, lateral (values (500::bigint, null::uuid), (-500, given.rent)) v (amount, reverses) $$,
  'by a row of its own; the first one stays as it was');
select is((select reversed_amount from given, ledger_reverse_allocation(given.rent, 'wrong invoice', 'k')), 500::bigint, 'the same key answers the same');
select is(tests.used('big'), '2000/500', 'and reverses nothing twice');
select is((select error_code from given, ledger_reverse_allocation(given.rent)), 'allocation_conflict', 'without the key it is refused');
select is((select error_message from payment_allocations l, ledger_reverse_allocation(l.id) r where l.allocated_amount = -500), 'The allocation is a reversal itself.', 'a reversal is not reversed');
select is((select t.payload -> 'reason' from tests.messages('allocation.reversed', '{}') t (payload)), '"wrong invoice"', 'the message says why');

-- what it paid of an order
select is((select success from given, ledger_reverse_allocation(given.mugs)), true, 'an order''s invoice is opened again');
select results_eq(
  $$ select payment_status, paid_amount, outstanding_amount from tests.order_named('mugs') $$,
  $$ values ('unpaid', 0::bigint, 2000::bigint) $$, 'and the order owes it again');
select is(array[tests.booked('alice', 'order_escrow'), tests.booked('alice', 'unapplied_payments')], array[0, 2500]::bigint[], 'its money is out of escrow');
select is(tests.claim('mugs'), '2000/0/2000 unpaid', 'the invoice claims all of it');

-- once the money has gone back to the customer
select tests.expect_success(a) from tests.allocate('big', 'mugs 2000') a;
select tests.move_order(tests.order_id('mugs'), 'confirmed');
select tests.expect_success(r) from ledger_refund_order(tests.order_id('mugs'), p_amount => 600) r;
create temp table before as select tests.state() as state;
select results_eq(
  $$ select error_code, error_details ->> 'left' from ledger_reverse_allocation(tests.allocation_id('big', 'mugs')) $$,
  $$ values ('payment_already_used', '1400') $$, 'what the order gave back is not given back again');

-- refusals
select is(tests.outcome(null, format('ledger_reverse_allocation(%L)', v.id)), 'allocation_not_found', format('%s is no allocation', coalesce(v.id::text, 'null')))
from (values (null::uuid), (tests.payment_id('big')), (gen_random_uuid())) v (id);
select is((select error_code from ledger_reverse_allocation(tests.allocation_id('big', 'mugs'), repeat('x', 2001))), 'invalid_argument', 'a reason is short');
select is(tests.outcome(v.who, format('ledger_reverse_allocation(%L)', tests.allocation_id('big', 'mugs'))), v.expected, format('%s: %s', v.who, v.expected))
from (values ('alice', '42501'), ('warehouse', '42501'), ('finance', 'payment_already_used')) v (who, expected);
select is(tests.changes((select state from before), tests.state()), null, 'none of them changed anything');

select is_empty('select * from ledger.book_differences()', 'the books are in order');
select * from finish();
rollback;
