begin;
select plan(17);

select tests.create_variant('mug', price => 1000);
select tests.create_customer('alice', 1000);
select tests.create_staff(r.role, r.role) from unnest(array['admin', 'finance', 'warehouse', 'logistics', 'vendor']) r (role);
create function pg_temp.pay(p_order text, p_amount bigint) returns uuid language sql as $$
  select payment_id from ledger_record_payment(tests.order_id(p_order), p_amount);
$$;

-- a surplus that was spent
select tests.place_named_order('surplus', 'alice', tests.lines('mug x 1'), 'bank_transfer');
create temp table surplus as select pg_temp.pay('surplus', 1800) as id;
select tests.place_named_order('spent', 'alice', tests.lines('mug x 1'));
select is((select available_balance from tests.account('alice')), 800::bigint, 'alice has 800 left of the surplus and spends 300');
select tests.expect_success(w) from ledger_request_withdrawal(300, '{"iban": "A"}', p_user_id => tests.get_supabase_uid('alice')) w;
create temp table before as select tests.state() as state;
select results_eq(
  $$ select error_code, error_message from surplus, ledger_void_payment(surplus.id) $$,
  $$ values ('payment_already_used', 'Of the payment''s 8.00 USD only 5.00 USD is still in the wallet; what has gone back or was spent cannot be voided.') $$,
  'a surplus that is not there any more is not taken back');
select is(tests.changes((select state from before), tests.state()), null, 'the refusal changed nothing');

-- money that went back when the order ended
select tests.place_named_order('ended', 'alice', tests.lines('mug x 1'), 'bank_transfer');
create temp table ended as select pg_temp.pay('ended', 1000) as id;
select is((select error_code from tests.change_status('ended', 'cancelled')), null, 'an order paid by transfer is cancelled');
select is((select error_code from ended, ledger_void_payment(ended.id)), 'payment_already_used', 'what has gone back cannot be voided');

-- a late transfer on it, all of it credit, can be
create temp table late as select pg_temp.pay('ended', 250) as id;
select results_eq(
  $$ select error_code, order_status, outstanding_amount from late, ledger_void_payment(late.id) $$,
  $$ values (null::text, 'cancelled', 0::bigint) $$, 'a late transfer on an ended order is voided while its credit is there');

-- two payments, of which one was needed for what went back
select is(tests.outcome(null, format('ledger_void_payment(%L)', v.id)), v.expected, format('%s: %s', coalesce(v.id::text, 'null'), v.expected))
from (values (null::uuid, 'payment_not_found'), ('00000000-0000-0000-0000-000000000000', 'payment_not_found')) v (id, expected);
select is(tests.outcome(null, format('ledger_void_payment(%L)', tests.order_id('ended'))), 'payment_not_found', 'an order is no payment');
select tests.place_named_order('open', 'alice', tests.lines('mug x 1'), 'bank_transfer');
create temp table open as select pg_temp.pay('open', 400) as id;
select is(tests.outcome(null, format('ledger_void_payment(%L, repeat(''x'', 2001))', id)), 'invalid_argument', 'a reason is short') from open;
select results_eq(
  $$ select r.role, tests.outcome(r.role, format('ledger_void_payment(%L)', (select id from open)))
     from unnest(array['admin', 'finance', 'warehouse', 'logistics', 'vendor', 'alice']) r (role) $$,
  $$ values ('admin', 'success'), ('finance', 'success'), ('warehouse', '42501'), ('logistics', '42501'), ('vendor', '42501'), ('alice', '42501') $$,
  'payments.record is needed');
select tests.expect_success(f) from ledger_freeze_account(tests.get_supabase_uid('alice'), true, 'looked into') f;
select is((select error_code from open, ledger_void_payment(open.id)), null, 'a frozen account does not keep money that never came');
select is((select error_code from open, ledger_void_payment(open.id)), 'payment_conflict', 'nor is it voided twice');
select results_eq(
  $$ select o.paid_amount, o.outstanding_amount, o.payment_status from tests.order_named('open') o $$, $$ values (0::bigint, 1000::bigint, 'unpaid') $$, 'the order is unpaid again');
select is((select count(*)::int from payments where status = 'captured'), 2, 'what was refused stays captured');
select is((select available_balance from tests.account('alice')), 1500::bigint, 'and in the wallet');
select is_empty('select * from ledger.book_differences()', 'the books are in order');

select * from finish();
rollback;
