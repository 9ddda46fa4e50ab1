-- Every refusal of a refund, and that it changes nothing.
begin;
select plan(35);

select tests.create_variant('mug', price => 1000, stock => 20);
select tests.create_customer('alice', 10000);
select tests.create_staff('finance', 'finance');
select tests.create_staff('warehouse', 'warehouse');
insert into shipping_methods (code, currency, name, price_amount) values ('POST', 'USD', 'Post', 300);
select tests.authenticate_as('alice');
select tests.expect_success(o) from ledger_place_order(tests.lines('mug x 3'), p_shipping_method => 'POST', p_notes => 'first') o;
select tests.act_as_owner();
select tests.place_named_order('new', 'alice', tests.lines('mug x 1'));
select tests.place_named_order('over', 'alice', tests.lines('mug x 1'));
select tests.move_order(tests.order_id('over'), 'cancelled');
select tests.place_named_order('unpaid', 'alice', tests.lines('mug x 2'), 'bank_transfer');
update order_status_transitions set needs_payment = false;
select tests.move_order(tests.order_id('unpaid'), 'processing', 'delivered');
select tests.move_order(tests.order_id('first'), 'processing', 'delivered');

create temp table before as
  select (select jsonb_agg(o order by o.id) from orders o) as orders, (select jsonb_agg(a order by a.id) from accounts a) as accounts,
         (select count(*) from immutable_events) as events, (select count(*) from refunds) as refunds;

create function pg_temp.refusal(p_order text, p_arguments text) returns text language plpgsql as $$
declare
  v_code text;
begin
  execute format('select coalesce(r.error_code, ''success'') from ledger_refund_order(%s, %s) r', p_order, p_arguments) into v_code;
  return v_code;
end $$;

select is(pg_temp.refusal($$ tests.order_id('first') $$, arguments), code, sentence)
from (values
  ('nothing_to_refund', 'p_lines => null', 'nothing is asked'),
  ('nothing_to_refund', $$p_lines => '[]', p_shipping_amount => 0, p_amount => null$$, 'an empty list and no amounts ask nothing'),
  ('invalid_amount', 'p_amount => -1', 'an amount below zero'),
  ('invalid_amount', 'p_shipping_amount => -1, p_amount => 5', 'shipping below zero'),
  ('amount_too_large', 'p_amount => 9007199254740992', 'an amount beyond what is exact'),
  ('amount_too_large', 'p_shipping_amount => 9223372036854775807, p_amount => 9223372036854775807', 'amounts that would overflow'),
  ('refund_exceeds_paid', 'p_amount => 3301', 'more than the order'),
  ('refund_exceeds_paid', 'p_shipping_amount => 301', 'more shipping than there was'),
  ('refund_exceeds_paid', $$p_lines => '[{"line_number": 1, "quantity": 3}]', p_amount => 301$$, 'more than is left beside the lines'),
  ('refund_exceeds_paid', $$p_lines => '[{"line_number": 1, "quantity": 3}]', p_shipping_amount => 300, p_amount => 1$$, 'or beside the lines and shipping'),
  ('units_not_refundable', $$p_lines => '[{"line_number": 1, "quantity": 4}]'$$, 'more units than there are'),
  ('units_not_refundable', $$p_lines => '[{"line_number": 1, "quantity": 9007199254740991}]'$$, 'a great many'),
  ('line_not_found', $$p_lines => '[{"line_number": 2, "quantity": 1}]'$$, 'a line that the order does not have'),
  ('invalid_argument', $$p_lines => '{"line_number": 1, "quantity": 1}'$$, 'lines that are no list'),
  ('invalid_argument', $$p_lines => '[1]'$$, 'a line that is no object'),
  ('invalid_argument', $$p_lines => '[{"line_number": 1}]'$$, 'a line without a quantity'),
  ('invalid_argument', $$p_lines => '[{"line_number": 1, "quantity": 0}]'$$, 'no units'),
  ('invalid_argument', $$p_lines => '[{"line_number": 1, "quantity": 1.5}]'$$, 'a part of a unit'),
  ('invalid_argument', $$p_lines => '[{"line_number": 1, "quantity": 1e400}]'$$, 'a number that no type holds'),
  ('invalid_argument', $$p_lines => '[{"line_number": 1, "quantity": "1"}]'$$, 'a number written as a text'),
  ('invalid_argument', $$p_lines => '[{"line_number": 1, "quantity": 1, "restock": "yes"}]'$$, 'a restock that is no boolean'),
  ('invalid_argument', $$p_lines => '[{"line_number": 1, "quantity": 1, "unshipped": null}]'$$, 'an unshipped that is no boolean'),
  ('units_not_refundable', $$p_lines => '[{"line_number": 1, "quantity": 1, "unshipped": true}]'$$, 'units that went out as if they had not'),
  ('invalid_argument', $$p_lines => '[{"line_number": 1, "quantity": 1}, {"line_number": 1, "quantity": 1}]'$$, 'a line twice'),
  ('invalid_argument', $$p_amount => 1, p_to => 'mattress'$$, 'an unknown destination'),
  ('invalid_argument', 'p_amount => 1, p_to => null', 'no destination'),
  ('invalid_argument', $$p_amount => 1, p_reason => repeat('x', 2001)$$, 'a reason that is a book'),
  ('invalid_idempotency_key', $$p_amount => 1, p_idempotency_key => ''$$, 'an empty key')) v (code, arguments, sentence);
select is(pg_temp.refusal($$ tests.order_id('new') $$, 'p_amount => 1'), 'refund_not_allowed', 'an order that is pending is cancelled, not refunded');
select is(pg_temp.refusal($$ tests.order_id('over') $$, 'p_amount => 1'), 'refund_not_allowed', 'one that has ended has nothing left');
select is(pg_temp.refusal($$ tests.order_id('unpaid') $$, 'p_amount => 1'), 'refund_exceeds_paid', 'no free amount where nothing was paid');
select is(pg_temp.refusal('gen_random_uuid()', 'p_amount => 1') || ' ' || pg_temp.refusal('null', 'p_amount => 1'), 'order_not_found order_not_found', 'an order that does not exist');
select is(
  tests.outcome('alice', 'ledger_refund_order(tests.order_id(''first''), p_amount => 1)') || ' '
  || tests.outcome('warehouse', 'ledger_refund_order(tests.order_id(''first''), p_amount => 1)') || ' '
  || tests.outcome('finance', 'ledger_refund_order(tests.order_id(''first''), p_amount => 1, p_actor_id => tests.get_supabase_uid(''alice''))'),
  '42501 42501 42501', 'customers, the warehouse, and who speaks for another may not');
select is(
  (select to_jsonb(b) from before b),
  (select to_jsonb(n) from (select (select jsonb_agg(o order by o.id) from orders o) as orders, (select jsonb_agg(a order by a.id) from accounts a) as accounts,
                                   (select count(*) from immutable_events) as events, (select count(*) from refunds) as refunds) n),
  'nothing that was refused changed anything');
select is_empty('select * from ledger.book_differences()', 'the books are in order');

select * from finish();
rollback;
