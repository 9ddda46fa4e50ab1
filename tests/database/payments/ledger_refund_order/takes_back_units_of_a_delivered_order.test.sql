-- The whole order lifecycle: units, their tax and their discount go back to the last minor unit, in any split.
begin;
select plan(21);

select tests.create_variant('mug', price => 999, stock => 10, tax_rate_bp => 700);
select tests.create_variant('cup', price => 500, stock => 10);
insert into discount_codes (code, kind, percent_bp) values ('TEN', 'percent', 1000);
select tests.create_customer('alice', 10000);
select tests.create_staff('finance', 'finance');
-- 3 x 999 + 500 = 3497, less 350; the mugs have 299 of it and 189 of tax on 2698, the cup 51: 3336 in all
select tests.place_named_order('first', 'alice', tests.lines('mug x 3', 'cup x 1'), discount_code => 'TEN');
select tests.move_order(tests.order_id('first'), 'processing', 'delivered');
select results_eq(
  $$ select o.total_amount, o.tax_amount, o.discount_amount from tests.order_named('first') o $$, $$ values (3336::bigint, 189::bigint, 350::bigint) $$,
  'the order costs 3336');

create temp table answers (name text, answer ledger_refund_order_result);
grant all on answers to authenticated;
select tests.authenticate_as('finance');
insert into answers
select 'one', r from ledger_refund_order(tests.order_id('first'), '[{"line_number": 1, "quantity": 1}]', p_reason => 'chipped', p_idempotency_key => 'k1') r;
select tests.act_as_owner();

-- a third of the mugs: 999 - 99 + 63
select results_eq(
  $$ select (answer).success, (answer).order_status, (answer).payment_status, (answer).credited_amount, (answer).wallet_amount, (answer).credit_amount,
            (answer).payout_amount, (answer).outstanding_amount from answers $$,
  $$ values (true, 'delivered', 'partially_refunded', 963::bigint, 963::bigint, 0::bigint, 0::bigint, 0::bigint) $$,
  'one mug of three costs 999 less 99 of discount, plus 63 of tax');
select is(tests.orders_and_available('alice'), '2373/7627', 'it is back in the wallet');
select is(tests.booked('alice', 'revenue'), 2498::bigint, 'revenue is what is left of the goods');
select is(tests.booked('alice', 'tax_payable'), 126::bigint, 'so is the tax');
select is(tests.booked('alice', 'discounts'), 251::bigint, 'and the discount');
select is(tests.booked('alice', 'order_escrow'), 0::bigint, 'nothing stays in escrow');
select is(tests.stock('mug'), 7::bigint, 'nothing was restocked, for nobody said so');
select results_eq(
  $$ select l.line_number, l.quantity, l.goods_amount, l.discount_amount, l.tax_amount, l.total_amount, l.restocked_quantity, f.reason, f.actor_id, f.payout_status
     from refunds f join refund_lines l on l.refund_id = f.id $$,
  $$ select 1, 1::bigint, 999::bigint, 99::bigint, 63::bigint, 963::bigint, 0::bigint, 'chipped', tests.get_supabase_uid('finance'), 'none' $$,
  'the refund and its line say all of it');
select results_eq(
  $$ select t.type, t.amount, t.actor_action from transactions t where t.id = (select (answer).transaction_id from answers) $$,
  $$ values ('order_refunded', 963::bigint, 'chipped') $$, 'a transaction');
select results_eq(
  $$ select e.payload ->> 'from_status', e.payload ->> 'to_status', (e.payload ->> 'returned_amount')::bigint, e.payload #>> '{lines,0,quantity}'
     from immutable_events e where e.stream_id = tests.order_id('first') and e.event_type = 'order.refunded' $$,
  $$ values ('delivered', 'delivered', 963::bigint, '1') $$, 'and an event say so as well');
select is(
  (select count(*) from order_status_history h where h.order_id = tests.order_id('first')), 3::bigint, 'the status did not change');

-- asked again
select tests.authenticate_as('finance');
insert into answers
select 'again', r from ledger_refund_order(tests.order_id('first'), '[{"line_number": 1, "quantity": 1}]', p_reason => 'chipped', p_idempotency_key => 'k1') r;
select is((select answer from answers where name = 'again'), (select answer from answers where name = 'one'), 'the same key gets the same answer');
select is(
  (select error_code from ledger_refund_order(tests.order_id('first'), '[{"line_number": 1, "quantity": 2}]', p_idempotency_key => 'k1')),
  'idempotency_conflict', 'and with other arguments none');

-- the rest, in two more steps: the mugs' 2924 - 963, then the cup
insert into answers select 'two', r from ledger_refund_order(tests.order_id('first'), '[{"line_number": 1, "quantity": 2, "restock": true}]') r;
insert into answers select 'three', r from ledger_refund_order(tests.order_id('first'), '[{"line_number": 2, "quantity": 1}]', p_restock => true) r;
select tests.act_as_owner();
select results_eq(
  $$ select (answer).credited_amount, (answer).order_status, (answer).payment_status from answers where name in ('two', 'three') order by name desc $$,
  $$ values (1924::bigint, 'delivered', 'partially_refunded'), (449::bigint, 'refunded', 'refunded') $$, 'the last units end at exactly the total, and end the order');
select is((select sum((answer).wallet_amount)::bigint from answers where name <> 'again'), 3336::bigint, 'everything that was paid is back');
select is(tests.orders_and_available('alice'), '0/10000', 'in the wallet');
select is(
  array[tests.booked('alice', 'revenue'), tests.booked('alice', 'tax_payable'), tests.booked('alice', 'discounts'), tests.booked('alice', 'order_escrow')],
  '{0,0,0,0}'::bigint[], 'nothing is left of it in the books');
select is(tests.stock('mug') || '/' || tests.stock('cup'), '9/10', 'the two mugs and the cup that came back are in stock');
select results_eq(
  $$ select h.from_status, h.status from order_status_history h where h.order_id = tests.order_id('first') order by h.event_id desc limit 1 $$,
  $$ values ('delivered', 'refunded') $$, 'the history has the last status');
select is_empty('select * from ledger.book_differences()', 'the books are in order');

select * from finish();
rollback;
