begin;
select plan(23);

select tests.create_variant('mug', price => 1000);
select tests.create_customer('alice');
select tests.set_setting('auto_confirm_when_paid', 'true');
select tests.invoice_customer('rent', 'alice', 'rent x 1 at 800');
select tests.invoice_customer('work', 'alice', 'work x 1 at 500');
select tests.place_named_order('mugs', 'alice', tests.lines('mug x 2'), 'bank_transfer');
select tests.invoice_order('mugs');
select tests.receive('big', 'alice', 3000);
select is(tests.debt('alice'), '3300/3000', 'alice owes three invoices and has 3000 that no invoice has');

select results_eq(
  $$ select success, allocated_amount, unapplied_amount, jsonb_array_length(allocations) from tests.allocate('big', 'rent 300', 'work 500', 'mugs 700') $$,
  $$ values (true, 1500::bigint, 1500::bigint, 3) $$, 'three invoices get their parts at once');
select is(array[tests.claim('rent'), tests.claim('work'), tests.claim('mugs')],
          array['800/300/500 partial', '500/500/0 paid', '2000/700/1300 partial'], 'and remain open by the rest');
select is(tests.used('big'), '1500/1500', 'the payment keeps what is left of it');
select is(tests.debt('alice'), '1800/1500', 'the debt falls by what was allocated');
select results_eq(
  $$ select status, payment_status, paid_amount, outstanding_amount from tests.order_named('mugs') $$,
  $$ values ('pending', 'partially_paid', 700::bigint, 1300::bigint) $$, 'the invoice of an order pays the order');
select is(array[tests.booked('alice', 'unapplied_payments'), tests.booked('alice', 'order_escrow'), tests.booked('alice', 'receivable'), tests.booked('alice', 'wallet')],
          array[1500, 700, 500, 0]::bigint[], 'the money is in escrow for the order, off the receivable for the others, and not in the wallet');
select is((select array_agg(format('%s %s', t.amount, t.order_id is not null) order by t.account_version) from transactions t where t.type = 'payment_allocated'),
          array['0 t', '0 f'], 'what the order got is a transaction of the order, what free invoices got is another');

-- the last part
select is((select allocated_amount from ledger_allocate_payment(tests.payment_id('big'), jsonb_set(tests.shares('mugs 1300'), '{0,amount}', '1300.0'))), 1300::bigint,
          'the rest of the order''s invoice is paid by the same payment, and may be written with a point');
select is(tests.claim('mugs'), '2000/2000/0 paid', 'the invoice is paid');
select results_eq(
  $$ select status, payment_status, outstanding_amount from tests.order_named('mugs') $$,
  $$ values ('confirmed', 'paid', 0::bigint) $$, 'and its order is paid and confirmed in the same transaction');
select results_eq(
  $$ select l.allocated_amount, l.reverses_allocation_id is not null from payment_allocations l where l.invoice_id = tests.invoice_id('mugs') order by l.id $$,
  $$ values (700::bigint, false), (-700, true), (2000, false) $$, 'the earlier row is reversed and one of the sum is live');
select is(tests.used('big'), '2800/200', 'the payment has given 2000 to it in all');

-- what is recorded
select is((select count(*) from immutable_events e where e.event_type = 'payment.allocated' and e.stream_type = 'order' and e.stream_id = tests.order_id('mugs')),
          2::bigint, 'each of both is an event of the order');
select is((select e.payload -> 'debt_effect' from immutable_events e where e.event_type = 'payment.allocated' and e.stream_id = tests.order_id('mugs') order by e.id desc limit 1),
          '{"allocated": 1300, "unapplied": -1300}'::jsonb, 'which says what it did to the debt');
select is((select count(*) from tests.messages('payment.allocated', jsonb_build_object('payment_id', tests.payment_id('big')))), 3::bigint, 'and goes out as a message');

-- after the delivery
select tests.place_named_order('owed', 'alice', tests.lines('mug x 1'), 'bank_transfer');
select tests.invoice_order('owed');
select is((select success from tests.allocate('big', 'owed 200')), true, 'a part is paid before the delivery');
update order_status_transitions set needs_payment = false;
select tests.move_order(tests.order_id('owed'), 'processing', 'delivered');
select tests.receive('late', 'alice', 900);
select is((select success from tests.allocate('late', 'owed 300')), true, 'and a part after it');
select is(array[tests.booked('alice', 'receivable'), tests.booked('alice', 'unapplied_payments')], array[500 + 500, 600]::bigint[],
          'which lowers what is receivable');
select is((select outstanding_amount from tests.order_named('owed')), 500::bigint, 'the order owes the rest');

-- a payment in another currency is in another account
select tests.receive('euros', 'alice', 100, 'EUR');
select is((select error_code from tests.allocate('euros', 'rent 10')), 'invoice_not_found', 'euros pay no invoice in dollars');
select is((select debt_amount from account_debt(tests.get_supabase_uid('alice'))), 1000::bigint, 'account_debt adds up to the same');

select is_empty('select * from ledger.book_differences()', 'the books are in order');
select * from finish();
rollback;
