-- A checkout holds its units: available = on hand - held, for everybody else.
begin;
select plan(30);
select tests.create_customer('ann', 100000), tests.create_customer('bob', 100000), tests.create_staff('admin', 'admin'), tests.create_staff('warehouse', 'warehouse');
select tests.create_variant('mug', 10, 100), tests.create_variant('cup', 5, 100);
create temp table ids as select tests.get_supabase_uid('ann') as ann, tests.get_supabase_uid('bob') as bob;
create function pg_temp.stock(sku text) returns text language sql security definer as $$
  select format('%s on hand, %s held, %s available', s.stock_quantity, s.held_quantity, s.available_quantity)
  from public.variant_stock s where s.variant_id = tests.get_variant_id(sku);
$$;

select tests.authenticate_as('ann');
create temp table reserved as
  select * from public.order_reserve(tests.lines('mug x 4', 'cup x 2', 'mug x 2'), 10, 'r1');
select results_eq($$ select r.success, r.lines, r.expires_at between now() + interval '9 minutes' and now() + interval '11 minutes' from reserved r $$,
  $$ select true, (select jsonb_agg(jsonb_build_object('variant_id', v.id, 'quantity', v.q) order by v.id)
                   from (values (tests.get_variant_id('mug'), 6), (tests.get_variant_id('cup'), 2)) v (id, q)), true $$,
  'a customer holds 6 mugs and 2 cups for 10 minutes');
select is(pg_temp.stock('mug'), '10 on hand, 6 held, 4 available', 'the mugs stay on hand and 4 are available');
select is(pg_temp.stock('cup'), '5 on hand, 2 held, 3 available', 'as with the cups');
select is((select r.reservation_id from public.order_reserve(tests.lines('mug x 4', 'cup x 2', 'mug x 2'), 10, 'r1') r), (select r.reservation_id from reserved r),
  'the same key answers the same reservation');
select is((select r.error_code from public.order_reserve(tests.lines('mug x 1'), 10, 'r1') r), 'idempotency_conflict', 'and other items under it are refused');
select is(pg_temp.stock('mug'), '10 on hand, 6 held, 4 available', 'nothing is held twice');
select is((select count(*)::int from public.stock_reservations), 1, 'the customer sees the reservation');
select is((select sum(l.quantity)::int from public.stock_reservation_lines l), 8, 'and what it holds');
select tests.act_as_owner();
select is(tests.count_as('bob', 'public.stock_reservations'), '0', 'somebody else does not');
select is(tests.count_as('bob', 'public.stock_reservation_lines'), '0', 'nor the lines');
select is(tests.count_as('admin', 'public.stock_reservations'), '1', 'staff who read orders do');
select results_eq($$ select e.payload -> 'lines', e.stream_id from public.immutable_events e where e.event_type = 'stock.reserved' $$,
  $$ select r.lines, r.reservation_id from reserved r $$, 'there is an event');
select is_empty($$ select from public.stock_movements m where m.reason <> 'received' $$, 'and no movement: nothing has left');

-- to others they are not there
select is(tests.outcome('bob', $$ public.ledger_place_order(tests.items('mug', 5)) $$), 'insufficient_stock', 'an order for more than is available is refused');
select is(tests.outcome('bob', $$ public.order_reserve(tests.items('mug', 5)) $$), 'insufficient_stock', 'and a reservation');
select is(tests.outcome('ann', $$ public.ledger_place_order(tests.items('mug', 5)) $$), 'insufficient_stock', 'also for the customer, without the reservation');
select is(tests.outcome('bob', $$ public.ledger_place_order(tests.items('mug', 4)) $$), 'success', 'what is available can be ordered');
select is(tests.outcome('warehouse', $$ public.ledger_adjust_stock(tests.get_variant_id('mug'), -5, 'damaged') $$), 'stock_below_zero', 'what is held cannot be written off');

-- how long, and how many
select is((select round(extract(epoch from r.expires_at - clock_timestamp()) / 60) from public.order_reserve(tests.items('mug'), p_user_id => (select bob from ids)) r),
  15::numeric, 'left out, it is the setting''s 15 minutes');
select tests.set_setting('max_active_reservations', '2');
select is(tests.outcome('ann', $$ public.order_reserve(tests.items('cup')) $$), 'success', 'a customer may have as many as the setting says');
select tests.expect_success(r) from public.order_reserve(tests.items('cup'), p_user_id => (select ann from ids)) r;
select is(tests.outcome('ann', $$ public.order_reserve(tests.items('cup')) $$), 'too_many_reservations', 'and no more');
select tests.expect_success(r) from public.order_release_reservation((select r.reservation_id from reserved r), p_user_id => (select ann from ids)) r;
select is(tests.outcome('ann', $$ public.order_reserve(tests.items('cup')) $$), 'success', 'until one is given back');
select is(tests.outcome('admin', format($$ public.order_reserve(tests.items('cup'), p_user_id => %L) $$, bob)), 'success', 'staff with orders.place reserve for a customer') from ids;

-- how long and how much is not the customer's choice: a shop could be emptied without a cent
select is(tests.outcome('ann', $$ public.order_reserve(tests.items('cup'), 15) $$), 'success', 'a customer may have the setting''s 15 minutes');
select is(tests.outcome('ann', $$ public.order_reserve(tests.items('cup'), 16) $$), 'invalid_argument', 'and no longer');
select is(tests.outcome('admin', format($$ public.order_reserve(tests.items('cup'), 1440, p_user_id => %L) $$, bob)), 'success', 'staff with orders.place may hold for a day') from ids;
select tests.set_setting('max_reserved_units', '3');
select is(tests.outcome('ann', $$ public.order_reserve(tests.lines('cup x 1', 'mug x 1')) $$), 'success', 'with one unit held and at most three allowed two more can be held');
select is(tests.outcome('ann', $$ public.order_reserve(tests.lines('cup x 1', 'mug x 2')) $$), 'reservation_too_large', 'and not three');
select tests.tamper('update public.stock_reservations set expires_at = now() - interval ''1 second'' where status = ''active''');
select is(tests.outcome('ann', $$ public.order_reserve(tests.lines('cup x 1', 'mug x 2')) $$), 'reservation_too_large', 'what is past its time counts until it is freed');
select is_empty('select * from ledger.book_differences()', 'the books are in order');
select * from finish();
rollback;
