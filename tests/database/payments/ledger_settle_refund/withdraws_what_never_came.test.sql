-- A payout that waits has not left the house: withdrawn, its money is the order's again, and a transfer that bounced can be voided.
begin;
select plan(39);

select tests.create_variant('mug', price => 1000, stock => 50);
select tests.create_customer('alice', 500);
select tests.create_staff('finance', 'finance');
create function pg_temp.paid(p_order text, p_lines text, p_statuses text[]) returns uuid language plpgsql as $$
declare
  v_payment_id uuid;
begin
  perform tests.place_named_order(p_order, 'alice', tests.lines(p_lines), 'bank_transfer');
  select p.payment_id into v_payment_id from ledger_record_payment(tests.order_id(p_order), (select amount_due from tests.order_named(p_order))) p;
  perform tests.move_order(tests.order_id(p_order), variadic p_statuses);
  return v_payment_id;
end $$;
create function pg_temp.money(p_order text) returns text language sql as $$
  select format('%s: paid %s, refunded %s, outstanding %s, %s', o.status, o.paid_amount, o.refunded_amount, o.outstanding_amount, o.payment_status)
  from tests.order_named(p_order) o;
$$;
create function pg_temp.refund(p_order text) returns uuid language sql as $$ select f.id from refunds f where f.order_id = tests.order_id(p_order) $$;
create function pg_temp.books() returns text language sql as $$
  select format('bank %s, escrow %s, payable %s, receivable %s, wallet %s', tests.booked('alice', 'bank'), tests.booked('alice', 'order_escrow'),
    tests.booked('alice', 'refunds_payable'), tests.booked('alice', 'receivable'), tests.booked('alice', 'wallet'));
$$;

-- an order that was edited down
create temp table edited as select pg_temp.paid('edited', 'mug x 2', '{processing}') as id;
select tests.expect_success(e) from ledger_edit_order(tests.order_id('edited'), '[{"line_number": 1, "quantity": 1}]', p_to => 'original') e;
select results_eq(
  $$ select error_code, error_message from edited, ledger_void_payment(edited.id) $$,
  format($$ values ('payment_already_used', 'Of the payment''s 20.00 USD only 10.00 USD is still with the order %s (10.00 USD waits to be paid out, and is back with it once ledger_settle_refund says withdrawn); what has gone back or was spent cannot be voided.') $$,
    (select order_number from tests.order_named('edited'))),
  'a payment is not voided while a part of it waits to be paid out, and the refusal says so');
select results_eq(
  $$ select success, payout_status, payout_amount, available_balance from ledger_settle_refund(pg_temp.refund('edited'), 'Withdrawn', p_idempotency_key => 'k') $$,
  $$ values (true, 'withdrawn', 1000::bigint, 500::bigint) $$, 'the payout is withdrawn');
select is(pg_temp.money('edited'), 'processing: paid 2000, refunded 0, outstanding -1000, overpaid', 'the order holds the money again');
select is(pg_temp.books(), 'bank 2500, escrow 2000, payable 0, receivable 0, wallet 500', 'and so do the books');
select is_empty('select * from ledger.book_differences()', 'which are in order');
select is((select payout_status from ledger_settle_refund(pg_temp.refund('edited'), 'Withdrawn', p_idempotency_key => 'k')), 'withdrawn', 'the same key gets the same answer');
select is((select error_code from ledger_settle_refund(pg_temp.refund('edited'), 'withdrawn')), 'refund_conflict', 'it is withdrawn once');
select is((select error_code from edited, ledger_void_payment(edited.id)), null, 'now the payment is voided');
select is(pg_temp.money('edited'), 'processing: paid 0, refunded 0, outstanding 1000, unpaid', 'the order is unpaid');
select is(pg_temp.books(), 'bank 500, escrow 0, payable 0, receivable 0, wallet 500', 'and the bank has what came in');
select is((select error_code from ledger_settle_refund(pg_temp.refund('edited'), a)), 'refund_conflict', format('what the order does not hold any more is not %s', a))
from unnest('{paid,failed,withdrawn}'::text[]) a;
select results_eq(
  $$ select t.type, t.amount from transactions t where t.order_id = tests.order_id('edited') and t.reference_id = pg_temp.refund('edited') order by t.account_version desc limit 1 $$,
  $$ values ('refund_withdrawn', 0::bigint) $$, 'it left a transaction');
select is((select count(*) from immutable_events e where e.event_type = 'refund.withdrawn' and e.stream_id = tests.order_id('edited')), 1::bigint, 'and an event');

-- a delivered order: what is withdrawn lowers what is owed
create temp table delivered as select pg_temp.paid('delivered', 'mug x 3', '{processing,delivered}') as id;
select tests.expect_success(r) from ledger_refund_order(tests.order_id('delivered'), '[{"line_number": 1, "quantity": 2}]', p_to => 'original') r;
select is((select payout_status from ledger_settle_refund(pg_temp.refund('delivered'), 'withdrawn')), 'withdrawn', 'the payout of a delivered order is withdrawn');
select is(pg_temp.money('delivered'), 'delivered: paid 3000, refunded 0, outstanding -2000, overpaid', 'the house owes the customer');
select is(pg_temp.books(), 'bank 3500, escrow 0, payable 0, receivable -2000, wallet 500', 'on the receivable''s other side');
select is_empty('select * from ledger.book_differences()', 'the books are in order');
select is((select error_code from delivered, ledger_void_payment(delivered.id)), null, 'the payment is voided');
select is(pg_temp.money('delivered'), 'delivered: paid 0, refunded 0, outstanding 1000, unpaid', 'the unit that was kept is owed');
select is(pg_temp.books(), 'bank 500, escrow 0, payable 0, receivable 1000, wallet 500', 'as a receivable');

-- a cancelled order
create temp table cancelled as select pg_temp.paid('cancelled', 'mug x 2', '{confirmed}') as id;
select is((select returned_amount from tests.change_status('cancelled', 'cancelled', '{"refund_to": "original"}')), 2000::bigint, 'a cancelled order waits for its payout');
select is((select payout_status from ledger_settle_refund(pg_temp.refund('cancelled'), 'withdrawn')), 'withdrawn', 'which is withdrawn');
select is(pg_temp.money('cancelled'), 'cancelled: paid 2000, refunded 0, outstanding -2000, overpaid', 'it holds what it was paid');
select is_empty('select * from ledger.book_differences()', 'the books are in order');
select results_eq($$ select error_details -> 'counts' -> 'orders with something to pay' from profile_erase(tests.get_supabase_uid('alice')) $$,
  $$ values ('2'::jsonb) $$, 'nobody is erased whom the house owes something');
select is((select error_code from cancelled, ledger_void_payment(cancelled.id)), null, 'the payment is voided');
select is(pg_temp.money('cancelled'), 'cancelled: paid 0, refunded 0, outstanding 0, unpaid', 'nobody owes anybody anything');

-- the money was there after all
select pg_temp.paid('mistaken', 'mug x 2', '{confirmed}');
select tests.change_status('mistaken', 'cancelled', '{"refund_to": "original"}');
select tests.expect_success(s) from ledger_settle_refund(pg_temp.refund('mistaken'), 'withdrawn') s;
select results_eq(
  $$ select payout_status, available_balance from ledger_settle_refund(pg_temp.refund('mistaken'), 'paid', 'B-1') $$,
  $$ values ('paid', 500::bigint) $$, 'what was withdrawn by mistake is paid out');
select is(pg_temp.money('mistaken'), 'cancelled: paid 2000, refunded 2000, outstanding 0, refunded', 'and is back with the customer');
select pg_temp.paid('late', 'mug x 2', '{processing,delivered}');
select tests.expect_success(r) from ledger_refund_order(tests.order_id('late'), p_amount => 300, p_to => 'original') r;
select tests.expect_success(s) from ledger_settle_refund(pg_temp.refund('late'), 'withdrawn') s;
select results_eq(
  $$ select payout_status, available_balance from ledger_settle_refund(pg_temp.refund('late'), 'failed') $$,
  $$ values ('failed', 800::bigint) $$, 'or becomes wallet credit');
select is(pg_temp.books(), 'bank 2500, escrow 0, payable 0, receivable 1000, wallet 800', 'nothing is left over');
select is_empty('select * from ledger.book_differences()', 'the books are in order');

-- what another refund gave back meanwhile is not there twice
select pg_temp.paid('elsewhere', 'mug x 2', '{processing,delivered}');
create temp table first as select refund_id as id from ledger_refund_order(tests.order_id('elsewhere'), p_amount => 300, p_to => 'original');
select tests.expect_success(s) from first, ledger_settle_refund(first.id, 'withdrawn') s;
select is((select r.credit_amount from ledger_refund_order(tests.order_id('elsewhere'), p_amount => 200) r), 500::bigint, 'a refund gives back what the order holds too much');
select is((select error_code from first, ledger_settle_refund(first.id, 'paid')), 'refund_conflict', 'so that it is not paid out besides');

-- who may
select tests.authenticate_as('finance');
select is((select error_code from ledger_settle_refund(pg_temp.refund('mistaken'), 'withdrawn')), 'refund_conflict', 'what was paid out is not withdrawn');
select tests.act_as_owner();
select is(tests.outcome('alice', format('ledger_settle_refund(%L, ''withdrawn'')', pg_temp.refund('mistaken'))), '42501', 'customers may not');
select is_empty('select * from ledger.book_differences()', 'the books are in order');

select * from finish();
rollback;
