-- variants.backorder_allowed: an order takes what there is and waits for the rest; stock never falls below zero.
begin;
select plan(25);
select tests.create_customer('ann', 100000), tests.create_customer('bob', 100000), tests.create_staff('admin', 'admin');
select tests.create_variant('rug', 3, 100), tests.create_variant('mug', 5, 100);
update public.variants set backorder_allowed = true where sku = 'rug';
create function pg_temp.waiting() returns text language sql as $$
  select coalesce(string_agg(format('%s: %s of %s', o.notes, b.open_quantity, b.quantity), ', ' order by b.created_at), 'none')
  from public.backorders b join public.orders o on o.id = b.order_id where b.open_quantity > 0;
$$;
create function pg_temp.receive(sku text, quantity bigint) returns bigint language sql as $$
  select (tests.expect_success(s)).stock_quantity from public.ledger_adjust_stock(tests.get_variant_id(sku), quantity) s;
$$;

select is(tests.outcome('ann', $$ public.ledger_place_order(tests.lines('rug x 4', 'mug x 6')) $$), 'insufficient_stock', 'what cannot be backordered is short as ever');
select is(tests.place_named_order('first', 'ann', tests.lines('rug x 1', 'mug x 1', 'rug x 4')) is not null, true, 'an order of 5 with 3 there is placed');
select is((select o.total_amount from tests.order_named('first') o), 600::bigint, 'and costs what it costs');
select is(tests.stock('rug'), 0::bigint, 'it takes the three');
select is(pg_temp.waiting(), 'first: 2 of 2', 'and waits for two, its lines of the variant together');
select is(ledger.open_backorder(tests.order_id('first'), tests.get_variant_id('rug')), 2::bigint, 'open_backorder says so');
select is(ledger.open_backorder(tests.order_id('first'), tests.get_variant_id('mug')), 0::bigint, 'and 0 where nothing is waited for');
select tests.place_named_order('second', 'bob', tests.items('rug', 4)), tests.place_named_order('third', 'ann', tests.items('rug', 1));
select is(pg_temp.waiting(), 'first: 2 of 2, second: 4 of 4, third: 1 of 1', 'others queue behind');
select is(tests.count_as('bob', 'public.backorders'), '1', 'a customer sees their own');
select is(tests.count_as('admin', 'public.backorders'), '3', 'staff who read orders all');

-- what comes in goes to the oldest
select is(pg_temp.receive('rug', 3), 0::bigint, 'three that are received are gone at once');
select is(pg_temp.waiting(), 'second: 3 of 4, third: 1 of 1', 'to the first order, and one to the second');
select bag_eq($$ select o.notes, m.quantity::int from public.stock_movements m join public.orders o on o.id = m.order_id where m.reason = 'backorder_filled' $$,
  $$ values ('first', -2), ('second', -1) $$, 'with a movement for each');
select bag_eq($$ select e.payload - 'variant_id' as payload, e.account_id = o.account_id as own from public.immutable_events e join public.orders o on o.id = e.stream_id where e.event_type = 'backorder.filled' $$,
  $$ values ('{"quantity": 2, "open_quantity": 0}'::jsonb, true), ('{"quantity": 1, "open_quantity": 3}', true) $$, 'and an event in its customer''s books');
select is((select count(*)::int from tests.messages('backorder.filled', '{}')), 2, 'and a message');

-- an ended order gives up what it waits for, and gives back what it has
select tests.change_status('second', 'cancelled');
select is(pg_temp.waiting(), 'none', 'the unit that the cancelled order had goes to the next');
select results_eq($$ select b.quantity, b.filled_quantity, b.dropped_quantity from public.backorders b where b.order_id = tests.order_id('second') $$,
  $$ values (4::bigint, 1::bigint, 3::bigint) $$, 'what it waited for is dropped');
select is(tests.stock('rug'), 0::bigint, 'no unit came that had not left');
select tests.change_status('first', 'cancelled');
select is(tests.stock('rug'), 5::bigint, 'the first had all five, and all five come back');
select is_empty('select * from ledger.book_differences()', 'the books are in order');

-- reservations hold what there is; over several slots
select tests.expect_success(s) from public.ledger_spread_stock(tests.get_variant_id('rug'), 3) s;
create temp table held as select * from public.order_reserve(tests.items('rug', 7), p_user_id => tests.get_supabase_uid('bob'));
select is((select h.lines #>> '{0,quantity}' from held h), '5', 'a reservation of seven holds the five that are there');
select tests.place_named_order('fourth', 'ann', tests.items('rug', 2));
select is(pg_temp.waiting(), 'fourth: 2 of 2', 'so that an order without it waits');
select tests.expect_success(r) from held h, public.order_release_reservation(h.reservation_id, p_user_id => tests.get_supabase_uid('bob')) r;
select is(pg_temp.waiting() || ', stock ' || tests.stock('rug'), 'none, stock 3', 'until the reservation is released: what it frees goes to who waits');
select tests.place_named_order('fifth', 'ann', tests.items('rug', 4));
select is(pg_temp.waiting() || ', stock ' || tests.stock('rug'), 'fifth: 1 of 1, stock 0', 'an order takes from all slots before it waits');
select is_empty('select * from ledger.book_differences()', 'the books are in order');
select * from finish();
rollback;
