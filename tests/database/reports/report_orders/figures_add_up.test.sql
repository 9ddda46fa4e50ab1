-- Source 004 (order analytics): volume, revenue, success, what sold, who ordered, how long it took, what went back.
begin;
select plan(16);

select tests.create_staff('finance', 'finance');
select tests.create_variant('mug', price => 1000), tests.create_variant('cup', price => 300), tests.create_variant('euro', price => 500, currency => 'EUR');
insert into shipping_methods (code, currency, name, price_amount) values ('POST', 'USD', 'Post', 200);
select tests.create_customer(name, 50000) from unnest('{alice,bob,carol}'::text[]) name;
select tests.create_customer('emil', 50000, 'EUR');
-- alice came before: her first order is moved behind the range, with its id, as time would have moved it
select tests.place_named_order('long ago', 'alice', tests.lines('cup x 1'));
create temp table old as select ledger.first_id_at(now() - interval '40 days') as id;
select tests.tamper(format('update public.%I set %I = (select id from old) where %2$I = %L', t, c, tests.order_id('long ago')))
from (values ('order_items', 'order_id'), ('transactions', 'order_id'), ('immutable_events', 'stream_id'), ('stock_movements', 'order_id')) v (t, c);
select tests.tamper(format('update public.orders set id = (select id from old), created_at = now() - interval ''40 days'' where id = %L', tests.order_id('long ago')));

select tests.place_named_order('alice again', 'alice', tests.lines('mug x 2', 'cup x 1'));
select tests.place_named_order('and again', 'alice', tests.lines('cup x 3'));
select tests.place_named_order('bob', 'bob', tests.lines('mug x 1'));
select tests.place_named_order('rejected', 'carol', tests.lines('mug x 9'));
select tests.place_named_order('in euros', 'emil', tests.lines('euro x 1'));
select tests.move_order(tests.order_id('alice again'), 'processing', 'shipped', 'delivered');
select tests.move_order(tests.order_id('bob'), 'processing', 'delivered', 'refunded');
select tests.move_order(tests.order_id('rejected'), 'rejected');
select tests.expect_success(r) from ledger_refund_order(tests.order_id('alice again'), '[{"line_number": 2, "quantity": 1}]') r;

create temp table report as select * from report_orders();
select results_eq('select success, currency, to_at - from_at from report', $$ values (true, 'USD', interval '30 days') $$, 'thirty days until now, in the shop''s currency');
select results_eq(
  $$ select t.* from report r, jsonb_to_record(r.totals) as t (orders int, sales int, placed_amount int, average_amount int, subtotal_amount int,
       credited_amount int, revenue_amount int, outstanding_amount int, success_rate_bp int) $$,
  $$ values (4, 3, 13200, 3300, 4200, 1300, 2900, 0, 3333) $$, 'totals; one of three that came to an end was delivered and kept');
select is((select by_status from report), '[{"status": "pending", "orders": 1, "total_amount": 900}, {"status": "delivered", "orders": 1, "total_amount": 2300},
  {"status": "rejected", "orders": 1, "total_amount": 9000}, {"status": "refunded", "orders": 1, "total_amount": 1000}]', 'per status');
select is((select sum((d ->> 'orders')::int)::int from report r, jsonb_array_elements(r.by_day) d), 4, 'the days add up to the orders');
select is((select sum((d ->> 'revenue_amount')::int)::int from report r, jsonb_array_elements(r.by_day) d), 2900, 'and to the revenue');
select is((select d ->> 'day' from report r, jsonb_array_elements(r.by_day) d limit 1), (select (min(created_at) at time zone 'UTC')::date::text from orders where created_at > now() - interval '1 day' and currency = 'USD'),
  'days are of UTC');
select results_eq(
  $$ select p.* from report r, jsonb_to_recordset(r.top_products) as p (product_name text, orders int, units int, amount int) $$,
  $$ values ('Product mug', 2, 3, 3000), ('Product cup', 2, 4, 1200) $$, 'products by what they sold for, rejected orders left out');
select is((select customers from report), '{"customers": 3, "new": 2, "returning": 1, "with_several_orders": 1}', 'who ordered');
select results_eq(
  $$ select p.key, (p.value ->> 'orders')::int from report r, jsonb_each(r.processing) p order by p.key $$,
  $$ values ('placed_to_delivered', 2), ('placed_to_shipped', 1), ('shipped_to_delivered', 1) $$, 'who went straight to delivered was not shipped before');
select results_eq(
  $$ select f.* from report r, jsonb_to_record(r.refunds) as f (refunds int, orders int, credited_amount int, returned_amount int, wallet_amount int, credit_amount int, payout_amount int, pending_payout_amount int) $$,
  $$ values (2, 2, 1300, 1300, 1300, 0, 0, 0) $$, 'what was taken back');

select is((select r.totals ->> 'orders' from report_orders(p_currency => 'eur') r), '1', 'another currency, in any case');
select is((select r.totals ->> 'orders' from report_orders(now() - interval '50 days', now() - interval '30 days') r), '1', 'another range');
select results_eq($$ select r.totals ->> 'orders', r.totals ->> 'average_amount', r.totals ->> 'success_rate_bp', r.by_day from report_orders(p_currency => 'JPY') r $$,
  $$ values ('0', null::text, null::text, '[]'::jsonb) $$, 'no orders: no average, no rate, and no division by nothing');

select is(tests.outcome('finance', 'report_orders()'), 'success', 'for staff with reports.read');
select is(tests.outcome('alice', 'report_orders()'), '42501', 'and for nobody else');
-- how long it takes, from what the events say
select tests.tamper(format('update public.immutable_events set occurred_at = %L::timestamptz where stream_id = %L and payload ->> ''to_status'' = %L',
  (select created_at from orders where id = tests.order_id('alice again')) + taken, tests.order_id('alice again'), status))
from (values ('shipped', interval '2 hours'), ('delivered', interval '26 hours')) v (status, taken);
select is((select (r.processing #>> '{placed_to_shipped,p50_seconds}') || '/' || (r.processing #>> '{shipped_to_delivered,p95_seconds}') || '/' || (r.processing #>> '{placed_to_delivered,p90_seconds}')
           from report_orders() r), '7200/86400/93600', 'the times between the first of each status');

select * from finish();
rollback;
