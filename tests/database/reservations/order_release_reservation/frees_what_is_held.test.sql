begin;
select plan(13);
select tests.create_customer('ann', 1000), tests.create_customer('bob', 1000), tests.create_staff('admin', 'admin'), tests.create_staff('finance', 'finance');
select tests.create_variant('mug', 5, 100);
create temp table held as
  select r.reservation_id as id, tests.get_supabase_uid('ann') as ann
  from public.order_reserve(tests.items('mug', 5), p_user_id => tests.get_supabase_uid('ann')) r;
grant select on held to authenticated;

select is(tests.outcome('bob', format('public.order_release_reservation(%L)', id)), 'reservation_not_found', 'another customer cannot release it') from held;
select is(tests.outcome('bob', format('public.order_release_reservation(%L, p_user_id => %L)', id, ann)), '42501', 'nor in her name') from held;
select is(tests.outcome('finance', format('public.order_release_reservation(%L, p_user_id => %L)', id, ann)), '42501', 'nor staff without orders.place') from held;
select is(tests.outcome('admin', format('public.order_release_reservation(%L, p_user_id => %L)', id, ann)), 'success', 'staff with it may') from held;
select is(tests.outcome('ann', 'public.order_release_reservation(null)'), 'reservation_not_found', 'none is not found');

select tests.authenticate_as('ann');
select results_eq(format($$ select r.success, r.reservation_id, r.status from public.order_release_reservation(%L, 'k') r $$, id),
  $$ select true, id, 'released' from held $$, 'the customer releases it') from held;
select is((select r.status from public.order_release_reservation(id, 'k') r), 'released', 'the same key has the same answer') from held;
select is((select r.error_code from public.order_release_reservation(id) r), 'reservation_conflict', 'a second release is told that it is over') from held;
select tests.act_as_owner();
select results_eq($$ select s.held_quantity, s.available_quantity from public.variant_stock s where s.variant_id = tests.get_variant_id('mug') $$,
  $$ values (0::bigint, 5::bigint) $$, 'its units are available again');
select results_eq($$ select r.status, r.order_id, r.ended_at is not null from public.stock_reservations r $$, $$ values ('released', null::uuid, true) $$, 'it says so');
select is((select count(*)::int from public.immutable_events e join held h on h.id = e.stream_id where e.event_type = 'stock.reservation_released'), 1, 'with an event');
select matches(tests.error_as('postgres', 'update public.stock_reservations set status = ''active'', ended_at = null'), '^42501.*order_reserve', 'hands cannot bring it back');
select is_empty('select * from ledger.book_differences()', 'the books are in order');
select * from finish();
rollback;
