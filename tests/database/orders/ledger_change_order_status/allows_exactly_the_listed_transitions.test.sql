begin;
select plan(67);

select tests.create_variant('mug', price => 1000);
select tests.create_customer('alice', 100000);

-- one paid order in each status
select tests.place_named_order(s.status, 'alice', tests.lines('mug x 1'))
from unnest(array['pending', 'confirmed', 'processing', 'shipped', 'delivered', 'rejected', 'cancelled', 'refunded']) s (status);
select tests.move_order(tests.order_id('confirmed'), 'confirmed');
select tests.move_order(tests.order_id('processing'), 'processing');
select tests.move_order(tests.order_id('shipped'), 'confirmed', 'processing', 'shipped');
select tests.move_order(tests.order_id('delivered'), 'processing', 'shipped', 'delivered');
select tests.move_order(tests.order_id('rejected'), 'rejected');
select tests.move_order(tests.order_id('cancelled'), 'cancelled');
select tests.move_order(tests.order_id('refunded'), 'processing', 'delivered', 'refunded');

-- DESIGN section 6, "as shipped": the union of sources 003 and 004
create temp table allowed (from_status, to_statuses) as values
  ('pending', '{confirmed,processing,rejected,cancelled}'::text[]),
  ('confirmed', '{processing,cancelled}'),
  ('processing', '{shipped,delivered,cancelled}'),
  ('shipped', '{delivered,cancelled}'),
  ('delivered', '{cancelled,refunded}'),
  ('rejected', '{cancelled}'),
  ('cancelled', '{}'),
  ('refunded', '{}');

select is(
  tests.outcome(null, format('tests.change_status(%L, %L)', f.from_status, t.from_status)),
  case when t.from_status = any (f.to_statuses) then 'success' else 'invalid_transition' end,
  format('%s to %s is %s', f.from_status, t.from_status, case when t.from_status = any (f.to_statuses) then 'allowed' else 'refused' end))
from allowed f cross join allowed t;

select results_eq(
  'select t.from_status, array_agg(t.to_status order by t.to_status) from order_status_transitions t group by 1 order by 1',
  $$ select a.from_status, (select array_agg(s order by s) from unnest(a.to_statuses) s) from allowed a
     where a.to_statuses <> '{}' order by 1 $$,
  'the rows of order_status_transitions are these and no others');

-- an admin edits the rows
delete from order_status_transitions where from_status = 'confirmed' and to_status = 'processing';
insert into order_status_transitions (from_status, to_status, permission, needs_payment) values ('pending', 'shipped', 'orders.ship', true);
select is(
  tests.outcome(null, $$ tests.change_status('confirmed', 'processing') $$), 'invalid_transition', 'a transition that is taken out is refused');
select is(tests.outcome(null, $$ tests.change_status('pending', 'shipped') $$), 'success', 'a transition that is added is allowed');

select * from finish();
rollback;
