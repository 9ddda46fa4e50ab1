begin;
select plan(15);

select tests.create_variant('mug', price => 1000);
select tests.create_customer('alice', 500);
select tests.create_staff('fay', 'finance');
select tests.place_named_order('transfer', 'alice', tests.lines('mug x 2'), 'wallet_partial');
create function pg_temp.pay(p_order text, p_amount bigint, p_reference text default null) returns uuid language sql as $$
  select payment_id from ledger_record_payment(tests.order_id(p_order), p_amount, 'bank_transfer', p_reference);
$$;
create temp table paid as select pg_temp.pay('transfer', 1600, 'T-1') as id;

grant select on paid to authenticated;
select tests.authenticate_as('fay');
select results_eq(
  $$ select success, order_status, payment_status, outstanding_amount, available_balance from paid, ledger_void_payment(paid.id, 'it bounced', 'k1') $$,
  $$ values (true, 'pending', 'partially_paid', 1500::bigint, 0::bigint) $$, 'a bounced transfer leaves due what it had covered');
select is((select outstanding_amount from paid, ledger_void_payment(paid.id, 'it bounced', 'k1')), 1500::bigint, 'the same key answers the same');
select is((select error_code from paid, ledger_void_payment(paid.id, 'again')), 'payment_conflict', 'it is voided once');
select tests.act_as_owner();

select is(tests.orders_and_available('alice'), '500/0', 'the surplus left the wallet, the wallet''s part stayed with the order');
select is(
  array[tests.booked('alice', 'order_escrow'), tests.booked('alice', 'wallet'), tests.booked('alice', 'bank')], array[500, 0, 500]::bigint[],
  'escrow and bank are as before the payment');
select results_eq(
  $$ select p.status, p.amount, p.voided_by, p.void_reason from payments p $$,
  $$ values ('voided', 1600::bigint, tests.get_supabase_uid('fay'), 'it bounced') $$, 'the payment is kept, as voided');
select results_eq(
  $$ select t.type, t.amount, t.actor_action from transactions t where t.reference_id = (select id from paid) order by t.account_version $$,
  $$ values ('payment_recorded', 100::bigint, 'payment recorded'), ('payment_voided', -100, 'it bounced') $$, 'both ways are transactions');
select results_eq(
  $$ select e.payload -> 'effect', e.payload ->> 'outstanding_amount' from immutable_events e where e.event_type = 'payment.voided' and e.stream_id = tests.order_id('transfer') $$,
  $$ values ('{"total_earned": -100}'::jsonb, '1500') $$, 'and an event in the order''s stream');

select isnt(pg_temp.pay('transfer', 1500, 'T-1'), null, 'a voided reference may be recorded again, where it belongs');

-- after the delivery it is the receivable that rises again
select tests.move_order(tests.order_id('transfer'), 'processing', 'delivered');
select results_eq(
  $$ select order_status, payment_status, outstanding_amount from ledger_void_payment((select id from payments where status = 'captured')) $$,
  $$ values ('delivered', 'partially_paid', 1500::bigint) $$, 'of a delivered order too');
select is(
  array[tests.booked('alice', 'order_escrow'), tests.booked('alice', 'receivable'), tests.booked('alice', 'bank')], array[0, 1500, 500]::bigint[], 'the customer owes it');
select is((select payment_status from ledger_record_payment(tests.order_id('transfer'), 1500)), 'paid', 'until it is paid again');
select is(tests.booked('alice', 'receivable'), 0::bigint, 'then nothing is owed');
select is((select count(*)::int from payments where status = 'voided'), 2, 'three payments, two of them voided');
select is_empty('select * from ledger.book_differences()', 'the books are in order');

select * from finish();
rollback;
