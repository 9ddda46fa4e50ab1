begin;
select plan(16);

select tests.create_variant('mug', price => 1000);
select tests.create_customer('alice', 1500);
select tests.create_staff('fay', 'finance');
select tests.place_named_order('transfer', 'alice', tests.lines('mug x 4'), 'bank_transfer');

select tests.authenticate_as('fay');
select results_eq(
  $$ select success, amount, applied_amount, credit_amount, order_status, payment_status, outstanding_amount, available_balance
     from ledger_record_payment(tests.order_id('transfer'), 1500, 'bank_transfer', ' T-1 ', 'first part', 'k1') $$,
  $$ values (true, 1500::bigint, 1500::bigint, 0::bigint, 'pending', 'partially_paid', 2500::bigint, 1500::bigint) $$,
  'a part of the money leaves the rest outstanding');
select is(
  (select outstanding_amount from ledger_record_payment(tests.order_id('transfer'), 1500, 'bank_transfer', ' T-1 ', 'first part', 'k1')), 2500::bigint,
  'the same key records nothing twice');
select is(
  (select error_code from ledger_record_payment(tests.order_id('transfer'), 1400, 'bank_transfer', ' T-1 ', 'first part', 'k1')), 'idempotency_conflict',
  'the same key with another amount is refused');
select results_eq(
  $$ select payment_status, outstanding_amount from ledger_record_payment(tests.order_id('transfer'), 2500, 'cash') $$,
  $$ values ('paid', 0::bigint) $$, 'the rest covers the order');
select tests.act_as_owner();

select results_eq(
  $$ select o.status, o.payment_status, o.wallet_amount, o.paid_amount, o.amount_due, o.version from tests.order_named('transfer') o $$,
  $$ values ('pending', 'paid', 0::bigint, 4000::bigint, 0::bigint, 3::bigint) $$, 'the order says so and waits to be confirmed');
select is(tests.orders_and_available('alice'), '0/1500', 'the wallet is left alone');
select is(
  array[tests.booked('alice', 'bank'), tests.booked('alice', 'order_escrow'), tests.booked('alice', 'wallet')], array[5500, 4000, 1500]::bigint[],
  'the money came in at the bank and waits in escrow');
select results_eq(
  $$ select p.method, p.amount, p.applied_amount, p.credit_amount, p.reference, p.status, p.recorded_by from payments p order by p.id $$,
  $$ values ('bank_transfer', 1500::bigint, 1500::bigint, 0::bigint, 'T-1', 'captured', tests.get_supabase_uid('fay')),
            ('cash', 2500, 2500, 0, null, 'captured', tests.get_supabase_uid('fay')) $$, 'both payments are kept, with who recorded them');
select results_eq(
  $$ select t.type, t.amount, t.actor_action, t.actor_id from transactions t where t.order_id = tests.order_id('transfer') order by t.account_version $$,
  $$ values ('order_created', 0::bigint, 'order placed', tests.get_supabase_uid('alice')),
            ('payment_recorded', 0, 'first part', tests.get_supabase_uid('fay')), ('payment_recorded', 0, 'payment recorded', tests.get_supabase_uid('fay')) $$,
  'each leaves a transaction that moves nothing of the wallet');
select results_eq(
  $$ select e.payload ->> 'payment_amount', e.payload ->> 'outstanding_amount' from immutable_events e
     where e.event_type = 'payment.recorded' and e.stream_id = tests.order_id('transfer') order by e.id $$,
  $$ values ('1500', '2500'), ('2500', '0') $$, 'and an event in the order''s stream');
select results_eq($$ select m ->> 'reference', m ->> 'method' from tests.messages('payment.recorded', '{}') m $$,
  $$ values ('T-1', 'bank_transfer'), (null, 'cash') $$, 'and a message');

select is((select error_code from tests.change_status('transfer', 'processing')), null, 'a paid order goes on');
select tests.move_order(tests.order_id('transfer'), 'delivered');
select is(
  array[tests.booked('alice', 'order_escrow'), tests.booked('alice', 'receivable'), tests.booked('alice', 'revenue')], array[0, 0, 4000]::bigint[],
  'once delivered nothing is left in escrow and nothing is owed');

select tests.authenticate_as('alice');
select is((select count(*)::int from payments), 2, 'the customer sees their payments');
select tests.act_as_owner();
select is(tests.outcome('alice', format('ledger_record_payment(%L, 1)', tests.order_id('transfer'))), '42501', 'and records none');
select is_empty('select * from ledger.book_differences()', 'the books are in order');

select * from finish();
rollback;
