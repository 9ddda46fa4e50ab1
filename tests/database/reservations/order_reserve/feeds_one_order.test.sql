-- ledger_place_order with p_reservation_id: what is held counts as available, what is not used is freed.
begin;
select plan(25);
select tests.create_customer('ann', 100000), tests.create_customer('bob', 100000);
select tests.create_variant('mug', 5, 100), tests.create_variant('cup', 5, 100), tests.create_variant('hot', 12, 100);
select tests.expect_success(s) from public.ledger_spread_stock(tests.get_variant_id('hot'), 4) s;

create function pg_temp.reserve(who text, variadic lines text[]) returns uuid language sql as $$
  select (tests.expect_success(r)).reservation_id
  from public.order_reserve(tests.lines(variadic lines), p_user_id => tests.get_supabase_uid(who)) r;
$$;
create function pg_temp.place(who text, reservation_id uuid, variadic lines text[]) returns text language sql as $$
  select coalesce(o.error_code, o.status)
  from public.ledger_place_order(tests.lines(variadic lines), p_user_id => tests.get_supabase_uid(who), p_reservation_id => reservation_id) o;
$$;
create function pg_temp.stock(sku text) returns text language sql as $$
  select format('%s/%s', s.stock_quantity, s.held_quantity) from public.variant_stock s where s.variant_id = tests.get_variant_id(sku);
$$;
create function pg_temp.status(reservation_id uuid) returns text language sql as $$
  select r.status from public.stock_reservations r where r.id = status.reservation_id;
$$;

create temp table r1 as select pg_temp.reserve('ann', 'mug x 5', 'cup x 2') as id;
select is(pg_temp.place('ann', null, 'mug x 1'), 'insufficient_stock', 'without the reservation nothing of it can be ordered');
select is(pg_temp.place('bob', id, 'mug x 1'), 'reservation_not_found', 'another customer has no such reservation') from r1;
select is(pg_temp.place('ann', id, 'mug x 6'), 'insufficient_stock', 'more than held and available is refused') from r1;
select is(pg_temp.status(id), 'active', 'and leaves the reservation as it was') from r1;
select is(pg_temp.place('ann', id, 'mug x 5', 'cup x 2'), 'pending', 'an order of what is held is placed') from r1;
select is(pg_temp.stock('mug') || ' ' || pg_temp.stock('cup'), '0/0 3/0', 'its units have left and nothing is held');
select results_eq($$ select r.status, r.order_id, r.ended_at is not null from public.stock_reservations r join r1 using (id) $$,
  $$ select 'consumed', (select o.id from public.orders o order by o.id desc limit 1), true $$, 'the reservation is consumed by the order');
select is(pg_temp.place('ann', id, 'cup x 1'), 'reservation_conflict', 'a second order cannot use it') from r1;
select is((select count(*)::int from public.immutable_events e where e.event_type = 'stock.reservation_consumed'), 1, 'there is an event of it');

-- less, more, and something else than was held
create temp table r2 as select pg_temp.reserve('ann', 'cup x 2', 'hot x 3') as id;
select is(pg_temp.place('ann', id, 'cup x 1'), 'pending', 'an order may take less than was held') from r2;
select is(pg_temp.stock('cup') || ' ' || pg_temp.stock('hot'), '2/0 12/0', 'the rest is free again');
create temp table r3 as select pg_temp.reserve('ann', 'hot x 3') as id;
select is(pg_temp.place('ann', id, 'hot x 11', 'cup x 1'), 'pending', 'an order may take more, and others, while they are available') from r3;
select is(pg_temp.stock('cup') || ' ' || pg_temp.stock('hot'), '1/0 1/0', 'from all slots');
select tests.expect_success(s) from public.ledger_adjust_stock(tests.get_variant_id('hot'), 11) s;
select tests.expect_success(s) from public.ledger_spread_stock(tests.get_variant_id('hot'), 4) s;
create temp table r4 as select pg_temp.reserve('ann', 'hot x 7') as id;
select is((select count(*)::int from public.stock_reservation_lines l join r4 on r4.id = l.reservation_id), 3, 'a reservation may hold units in several slots');
select is(pg_temp.place('bob', null, 'hot x 6'), 'insufficient_stock', 'of which others see nothing');
select is(pg_temp.place('ann', id, 'hot x 4'), 'pending', 'and the order takes them from there') from r4;
select is(pg_temp.stock('hot'), '8/0', 'freeing the rest');

-- an order that cannot be paid leaves it; so does the same key
create temp table r5 as select pg_temp.reserve('bob', 'hot x 2') as id;
select is((select o.error_code from public.ledger_place_order(tests.items('hot', 2), p_expected_total => 1, p_user_id => tests.get_supabase_uid('bob'), p_reservation_id => (select id from r5)) o),
  'price_changed', 'an order is refused for another reason');
select is(pg_temp.status(id), 'active', 'and the reservation waits') from r5;
create temp table answers as
  select n, o.* from generate_series(1, 2) n,
    public.ledger_place_order(tests.items('hot', 2), p_idempotency_key => 'k', p_user_id => tests.get_supabase_uid('bob'), p_reservation_id => (select id from r5)) o;
select is((select count(distinct order_id)::int from answers where success), 1, 'the same key twice is one order, though the reservation is consumed by then');
select is((select o.error_code from public.ledger_place_order(tests.items('hot', 2), p_idempotency_key => 'k', p_user_id => tests.get_supabase_uid('bob')) o),
  'idempotency_conflict', 'without the reservation it is another request');

-- past its time
create temp table r6 as select pg_temp.reserve('bob', 'hot x 2') as id;
select tests.tamper('update public.stock_reservations set expires_at = now() - interval ''1 second'' where status = ''active''');
select is(pg_temp.place('bob', id, 'hot x 2'), 'reservation_expired', 'past its time it cannot be used, though nobody has freed it yet') from r6;
select is(pg_temp.stock('hot'), '6/2', 'its units are still held');
select ledger.expire_reservations();
select is(pg_temp.place('bob', id, 'hot x 2'), 'reservation_expired', 'nor when it has been freed') from r6;
select is_empty('select * from ledger.book_differences()', 'the books are in order');
select * from finish();
rollback;
