-- What is left of a payment can become wallet credit, in parts, and no more than is left.
begin;
select plan(20);

select tests.create_variant('mug', price => 1000);
select tests.create_customer('alice');
select tests.create_staff(r.role, r.role) from unnest(array['admin', 'finance', 'warehouse', 'logistics', 'vendor']) r (role);
select tests.invoice_customer('advice', 'alice', 'advice x 1 at 600');
select tests.receive('A-1', 'alice', 1000);
select tests.expect_success(a) from tests.allocate('A-1', 'advice 600') a;

create temp table before as select tests.state() as state;
select is(tests.outcome(null, format('ledger_release_payment(%L%s)', tests.payment_id('A-1'), c.arguments)), c.expected, format('%s: %s', c.arguments, c.expected))
from (values
  (', 0', 'invalid_amount'), (', -1', 'invalid_amount'), (', 401', 'nothing_unapplied'), (', 9223372036854775807', 'nothing_unapplied'),
  (', 1, repeat(''x'', 2001)', 'invalid_argument')) c (arguments, expected);
select is(tests.outcome(null, format('ledger_release_payment(%L)', v.id)), 'payment_not_found', coalesce(v.id::text, 'null') || ' is no payment')
from (values (null::uuid), (tests.invoice_id('advice'))) v (id);
select is(tests.changes((select state from before), tests.state()), null, 'the refusals changed nothing');
select results_eq(
  $$ select r.role, tests.outcome(r.role, format('ledger_release_payment(%L, 1)', tests.payment_id('A-1')))
     from unnest(array['admin', 'finance', 'warehouse', 'logistics', 'vendor', 'alice']) r (role) $$,
  $$ values ('admin', 'success'), ('finance', 'success'), ('warehouse', '42501'), ('logistics', '42501'), ('vendor', '42501'), ('alice', '42501') $$,
  'payments.record is needed');

select results_eq(
  $$ select payment_id, order_id, released_amount, credit_amount, unapplied_amount, available_balance from ledger_release_payment(tests.payment_id('A-1'), 150, 'asked for it', 'k1') $$,
  $$ values (tests.payment_id('A-1'), null::uuid, 150::bigint, 150::bigint, 250::bigint, 150::bigint) $$, 'a part goes to the wallet');
select is((select unapplied_amount from ledger_release_payment(tests.payment_id('A-1'), 150, 'asked for it', 'k1')), 250::bigint, 'once per key');
select results_eq(
  $$ select released_amount, unapplied_amount, available_balance from ledger_release_payment(tests.payment_id('A-1')) $$,
  $$ values (250::bigint, 0::bigint, 400::bigint) $$, 'without an amount all of the rest does');
select results_eq(
  $$ select error_code, error_message from ledger_release_payment(tests.payment_id('A-1')) $$,
  $$ values ('nothing_unapplied', 'Of the payment only 0.00 USD is unapplied, 0.00 USD asked.') $$, 'then nothing is left');
select is(tests.debt('alice') || ' ' || tests.claim('advice'), '0/0 600/600/0 paid', 'the invoice stays paid');
select is(
  array[tests.booked('alice', 'wallet'), tests.booked('alice', 'unapplied_payments'), tests.booked('alice', 'bank')], array[400, 0, 1000]::bigint[], 'the money moved within the house');
select tests.expect_success(w) from ledger_request_withdrawal(100, '{"iban": "A"}', p_user_id => tests.get_supabase_uid('alice')) w;
select is((select error_code from ledger_void_payment(tests.payment_id('A-1'))), 'payment_already_used', 'what was released and taken out cannot be voided');
select is_empty('select * from ledger.book_differences()', 'the books are in order');

-- of an order's payment it is the order's, and a voided one has nothing to give
select tests.place_named_order('desk', 'alice', tests.lines('mug x 1'), 'bank_transfer');
select tests.invoice_order('desk');
select tests.expect_success(p) from ledger_record_payment(tests.order_id('desk'), 1250, p_reference => 'D-1') p;
select results_eq(
  $$ select order_id, released_amount from ledger_release_payment(tests.payment_id('D-1'), 50) $$, $$ values (tests.order_id('desk'), 50::bigint) $$, 'it knows its order');
select tests.expect_success(v) from ledger_void_payment(tests.payment_id('D-1')) v;
select is((select error_code from ledger_release_payment(tests.payment_id('D-1'))), 'payment_conflict', 'a voided payment has nothing to give');
select is_empty('select * from ledger.book_differences()', 'the books are in order');

select * from finish();
rollback;
