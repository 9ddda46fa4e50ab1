-- A unit that cost nothing leaves no amount when it is taken back, and is not sent all the same.
begin;
select plan(6);

select tests.create_variant('mug', price => 1000);
select tests.create_variant('gift', price => 0);
select tests.create_customer('alice', 20000);
select tests.place_named_order('changed', 'alice', tests.lines('mug x 1', 'gift x 2')), tests.place_named_order('called', 'alice', tests.lines('mug x 1', 'gift x 2'));
select tests.move_order(tests.order_id(name), 'processing') from unnest(array['changed', 'called']) name;
select tests.expect_success(r)
from unnest(array['changed', 'called']) name, ledger_refund_order(tests.order_id(name), '[{"line_number": 2, "quantity": 1, "unshipped": true}]') r;
select is((select sum(credited_amount) from tests.order_named('changed')), 0::numeric, 'nothing was credited');

select is((select order_status from tests.change_status('changed', 'shipped')), 'shipped', 'the status changes');
select is((select string_agg(l.line_number || ' x ' || l.quantity, ', ' order by l.line_number) from shipment_lines l where l.order_id = tests.order_id('changed')),
  '1 x 1, 2 x 1', 'without the unit that was taken back');
select is((select order_status from ledger_ship_order(tests.order_id('called'), p_idempotency_key => 'k')), 'shipped', 'so does a call that ships all there is');
select results_eq(
  $$ select a.order_status, a.shipment_id, a.shipment_number, l.units
     from ledger_ship_order(tests.order_id('called'), p_idempotency_key => 'k') a
     join lateral (select l.shipment_id, sum(l.quantity) as units from shipment_lines l where l.order_id = tests.order_id('called') group by 1) l using (shipment_id) $$,
  $$ select 'shipped', s.id, 1, 2::numeric from shipments s where s.order_id = tests.order_id('called') $$, 'which answers the same when it is asked again');
select is_empty('select * from ledger.book_differences()', 'the books are in order');

select * from finish();
rollback;
