-- A payout is settled once: paid leaves the bank, failed becomes wallet credit.
begin;
select plan(21);

select tests.create_variant('mug', price => 1000, stock => 10);
select tests.create_customer('alice');
select tests.create_staff('finance', 'finance');
select tests.create_staff('warehouse', 'warehouse');
select tests.place_named_order('first', 'alice', tests.lines('mug x 3'), 'bank_transfer');
select tests.expect_success(p) from ledger_record_payment(tests.order_id('first'), 3000, p_reference => 'T1') p;
select tests.move_order(tests.order_id('first'), 'processing', 'delivered');
create temp table r as
select f.refund_id, g.name
from (values ('one', 'original'), ('two', 'original'), ('three', 'wallet')) g (name, destination)
cross join lateral ledger_refund_order(tests.order_id('first'), p_amount => 700, p_to => g.destination) f;
grant select on r to authenticated;
create function pg_temp.refund(p_name text) returns uuid language sql as $$ select refund_id from r where name = p_name $$;
select is(tests.booked('alice', 'refunds_payable'), 1400::bigint, 'two refunds are to be paid out');

create temp table answers (name text, answer ledger_settle_refund_result);
grant all on answers to authenticated;
select tests.authenticate_as('finance');
select is(
  (select error_code from ledger_settle_refund(pg_temp.refund('one'), 'lost')), 'invalid_argument', 'an unknown action is refused');
select is((select error_code from ledger_settle_refund(pg_temp.refund('one'), null)), 'invalid_argument', 'and none');
select is(
  (select error_code from ledger_settle_refund(pg_temp.refund('one'), 'paid', repeat('x', 201))), 'invalid_argument', 'and a reference that is too long');
select is((select error_code from ledger_settle_refund(gen_random_uuid(), 'paid')), 'refund_not_found', 'and an unknown refund');
select is((select error_code from ledger_settle_refund(pg_temp.refund('three'), 'paid')), 'refund_conflict', 'and one with nothing to pay out');
insert into answers select 'paid', s from ledger_settle_refund(pg_temp.refund('one'), 'PAID', 'B-77', 'k') s;
insert into answers select 'again', s from ledger_settle_refund(pg_temp.refund('one'), 'paid', 'B-77', 'k') s;
insert into answers select 'failed', s from ledger_settle_refund(pg_temp.refund('two'), 'failed') s;
select is((select error_code from ledger_settle_refund(pg_temp.refund('one'), 'failed')), 'refund_conflict', 'what was paid out cannot fail');
select is((select error_code from ledger_settle_refund(pg_temp.refund('two'), 'paid')), 'refund_conflict', 'what has failed cannot be paid out');
select tests.act_as_owner();

select results_eq(
  $$ select (answer).success, (answer).order_id, (answer).payout_status, (answer).payout_amount, (answer).available_balance from answers where name in ('paid', 'failed') order by name desc $$,
  $$ values (true, tests.order_id('first'), 'paid', 700::bigint, 700::bigint), (true, tests.order_id('first'), 'failed', 700, 1400) $$,
  'both answers say what became of it');
select is((select answer from answers where name = 'again'), (select answer from answers where name = 'paid'), 'the same key gets the same answer');
select is(tests.booked('alice', 'refunds_payable'), 0::bigint, 'nothing is left to pay out');
select is(tests.booked('alice', 'bank'), 2300::bigint, 'the bank has what came in less what was paid out');
select is(tests.orders_and_available('alice'), '0/1400', 'the wallet has what failed beside what went there at once');
select results_eq(
  $$ select f.payout_status, f.payout_reference, f.settled_by, f.settled_at is not null from refunds f where f.payout_amount > 0 order by f.id $$,
  $$ select 'paid', 'B-77', tests.get_supabase_uid('finance'), true union all select 'failed', null, tests.get_supabase_uid('finance'), true $$,
  'the refunds say who settled them');
select results_eq(
  $$ select t.type, t.amount from transactions t where t.type like 'refund_%' order by t.account_version $$,
  $$ values ('refund_paid_out', 0::bigint), ('refund_failed', 700::bigint) $$, 'each left a transaction');
select is(
  (select count(*) from immutable_events e where e.event_type in ('refund.paid', 'refund.failed') and e.stream_id = tests.order_id('first')), 2::bigint,
  'and an event of the order');
select is((select payment_status from tests.order_named('first')), 'partially_refunded', 'the order is as it was');
select is(
  tests.outcome('alice', format('ledger_settle_refund(%L, ''paid'')', pg_temp.refund('one'))) || ' '
  || tests.outcome('warehouse', format('ledger_settle_refund(%L, ''paid'')', pg_temp.refund('one'))), '42501 42501', 'customers and the warehouse may not');

-- what is written stays
select set_config('ledger.procedure', 'a procedure', true);
select throws_ok($$ update refunds set payout_amount = 1 where payout_amount > 0 $$, '42501', null, 'not even a procedure changes what a refund amounts to');
select set_config('ledger.procedure', '', true);
select throws_ok($$ update refunds set payout_status = 'pending', settled_at = null where payout_amount > 0 $$, '42501', null, 'and no hand its status');
select is_empty('select * from ledger.book_differences()', 'the books are in order');

select * from finish();
rollback;
