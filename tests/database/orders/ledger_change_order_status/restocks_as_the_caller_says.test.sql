begin;
select plan(13);

select tests.create_variant('mug', price => 100, stock => 100);
select tests.create_customer('alice', 100000);

-- the goods of an order that ends: back by default unless delivered, or as metadata.restock says
create function pg_temp.stock_after(p_name text, p_path text[], p_end text, p_metadata jsonb) returns bigint language plpgsql as $$
declare
  v_before bigint := tests.stock('mug');
begin
  perform tests.place_named_order(p_name, 'alice', tests.lines('mug x 3'));
  perform tests.move_order(tests.order_id(p_name), variadic p_path);
  perform tests.expect_success(c) from tests.change_status(p_name, p_end, p_metadata) c;
  return tests.stock('mug') - v_before;
end $$;

select is(pg_temp.stock_after(c.path[cardinality(c.path)] || ' ' || c.ending || ' ' || c.metadata, c.path[2:], c.ending, c.metadata::jsonb), c.expected,
  format('%s to %s with %s: %s', c.path[cardinality(c.path)], c.ending, c.metadata, case c.expected when 0 then 'the goods come back' else 'the goods stay away' end))
from (values
  ('{placed,processing}'::text[], 'cancelled', '{}', 0::bigint),
  ('{placed,processing}', 'cancelled', '{"restock": true}', 0),
  ('{placed,processing}', 'cancelled', '{"restock": false}', -3),
  ('{placed,processing,shipped}', 'cancelled', '{}', 0),
  ('{placed,rejected}', 'cancelled', '{}', 0),
  ('{placed,processing,delivered}', 'cancelled', '{}', -3),
  ('{placed,processing,delivered}', 'cancelled', '{"restock": true}', 0),
  ('{placed,processing,delivered}', 'refunded', '{}', -3),
  ('{placed,processing,delivered}', 'refunded', '{"restock": true}', 0)) c (path, ending, metadata, expected);

select results_eq(
  $$ select m.quantity, m.reason from stock_movements m where m.order_id = tests.order_id('delivered refunded {"restock": true}') order by m.slot_version $$,
  $$ values (-3::bigint, 'order_placed'), (3, 'order_refunded') $$, 'what comes back is a movement of its own');
select is(
  (select count(*) from immutable_events e where e.stream_id = tests.order_id('delivered cancelled {}') and (e.payload ->> 'restocked')::boolean), 0::bigint,
  'the event says whether goods came back');
select is(tests.orders_and_available('alice'), '0/100000', 'the money came back each time');
select is_empty('select * from ledger.book_differences()', 'the books are in order');

select * from finish();
rollback;
