-- A hot product's stock lies in several rows, so that orders of it do not wait for one another.
begin;
select plan(20);
select tests.create_staff('warehouse', 'warehouse');
select tests.create_customer('ann', 100000);
select tests.create_variant('hot', 10, 100);

create function pg_temp.slots() returns text language sql as $$
  select string_agg(s.on_hand || case when s.held > 0 then '/' || s.held else '' end, ' ' order by s.slot)
  from public.stock_levels s where s.variant_id = tests.get_variant_id('hot');
$$;
create function pg_temp.spread(slots integer, key text default null) returns public.ledger_spread_stock_result language sql as $$
  select s from public.ledger_spread_stock(tests.get_variant_id('hot'), slots, key) s;
$$;

select tests.authenticate_as('warehouse');
select results_eq($$ select s.success, s.variant_id, s.stock_slots, s.stock_quantity from pg_temp.spread(4, 'k') s $$,
  $$ select true, tests.get_variant_id('hot'), 4, 10::bigint $$, 'the warehouse spreads 10 units over 4 slots');
select is(pg_temp.slots(), '3 3 2 2', 'they lie there evenly');
select is((select v.stock_slots from public.variants v where v.sku = 'hot'), 4::smallint, 'the variant says in how many');
select is((pg_temp.spread(4, 'k')).stock_quantity, 10::bigint, 'the same key has the same answer');
select is((pg_temp.spread(3, 'k')).error_code, 'idempotency_conflict', 'and another number of slots under it is refused');
select tests.act_as_owner();
select bag_eq($$ select m.slot::int, m.quantity::int, m.on_hand_after::int from public.stock_movements m where m.reason = 'slots_spread' $$,
  $$ values (0, -7, 3), (1, 3, 3), (2, 2, 2), (3, 2, 2) $$, 'each slot has its movement, and they sum up to nothing');
select results_eq($$ select s.stock_quantity, s.available_quantity from public.variant_stock s where s.variant_id = tests.get_variant_id('hot') $$,
  $$ values (10::bigint, 10::bigint) $$, 'the stock of the variant is what it was');

-- orders
select tests.place_order('ann', 'hot', 2);
select results_eq($$ select count(*)::int, sum(m.quantity)::int from public.stock_movements m where m.reason = 'order_placed' $$,
  $$ values (1, -2) $$, 'an order takes from one slot when one has enough');
select tests.place_order('ann', 'hot', 7);
select is(tests.stock('hot'), 1::bigint, 'an order of 7 takes them from several, though none had 7');
select is(tests.outcome(null, $$ public.ledger_place_order(tests.items('hot', 2), p_user_id => tests.get_supabase_uid('ann')) $$), 'insufficient_stock',
  'more than all slots together is refused');
select results_eq($$ select o.error_details from public.ledger_place_order(tests.items('hot', 5), p_user_id => tests.get_supabase_uid('ann')) o $$,
  $$ select jsonb_build_object('name', 'Product hot, Variant hot', 'variant_id', tests.get_variant_id('hot'), 'available', 1, 'requested', 5,
       'shortages', jsonb_build_array(jsonb_build_object('variant_id', tests.get_variant_id('hot'), 'available', 1, 'requested', 5))) $$,
  'with what they have together');

-- what comes back comes to slot 0
select tests.move_order((select o.id from public.orders o order by o.id desc limit 1), 'cancelled');
select is(tests.stock('hot'), 8::bigint, 'a cancelled order brings its units back');
select is((select s.on_hand from public.stock_levels s where s.variant_id = tests.get_variant_id('hot') and s.slot = 0) >= 7, true, 'into slot 0');
select pg_temp.spread(4);
select is(pg_temp.slots(), '2 2 2 2', 'the same number of slots again evens them out');
select pg_temp.spread(4);
select is((select count(*)::int from public.stock_movements m where m.quantity = 0), 0, 'slots that need no change have no movement');

-- what is held stays where it is
select tests.expect_success(r) from public.order_reserve(tests.items('hot', 2), p_user_id => tests.get_supabase_uid('ann')) r;
select pg_temp.spread(1);
select is((select s.on_hand - s.held from public.stock_levels s where s.variant_id = tests.get_variant_id('hot') and s.slot = 0), 6::bigint,
  'one slot gathers what is available');
select tests.expect_success(r) from public.stock_reservations s, public.order_release_reservation(s.id, p_user_id => s.user_id) r;
select is(pg_temp.slots(), '8 0 0 0', 'and what was held elsewhere joins it when it is released');
select is(tests.place_order('ann', 'hot', 8) is not null, true, 'so that an order can have all of it');

select matches(tests.error_as('postgres', $$ update public.variants set stock_slots = 2 where sku = 'hot' $$), '^42501.*ledger_spread_stock',
  'the number of slots refuses hand edits');
select is_empty('select * from ledger.book_differences()', 'the books are in order');
select * from finish();
rollback;
