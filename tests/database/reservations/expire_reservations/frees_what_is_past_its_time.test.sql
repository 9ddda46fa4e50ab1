begin;
select plan(10);
select tests.create_customer('ann', 1000), tests.create_customer('bob', 1000);
select tests.create_variant('mug', 10, 100), tests.create_variant('hot', 8, 100);
select tests.expect_success(s) from public.ledger_spread_stock(tests.get_variant_id('hot'), 2) s;
create temp table held as
  select w.who, r.reservation_id as id
  from (values ('ann', 5), ('bob', 60), ('ann', 7)) w (who, minutes),
    public.order_reserve(tests.lines('mug x 1', 'hot x 2'), w.minutes, p_user_id => tests.get_supabase_uid(w.who)) r;

select is(ledger.expire_reservations(), 0, 'before its time none is freed');
select tests.tamper($$ update public.stock_reservations set expires_at = expires_at - interval '30 minutes' $$);
select is(ledger.expire_reservations(1), 1, 'no more are freed at once than the job says');
select is((select r.expires_at from public.stock_reservations r where r.status = 'expired'), (select min(r.expires_at) from public.stock_reservations r), 'the longest past is first');
select is(ledger.expire_reservations(), 1, 'the other one that is past follows');
select is(ledger.expire_reservations(), 0, 'and then there is none');
select bag_eq($$ select h.who, r.status from public.stock_reservations r join held h using (id) $$,
  $$ values ('ann', 'expired'), ('ann', 'expired'), ('bob', 'active') $$, 'the one with time left is active');
select bag_eq($$ select v.sku, s.held_quantity::int, s.stock_quantity::int from public.variant_stock s join public.variants v on v.id = s.variant_id $$,
  $$ values ('mug', 1, 10), ('hot', 2, 8) $$, 'only its units are still held');
select is((select count(*)::int from public.immutable_events e where e.event_type = 'stock.reservation_expired'), 2, 'each has an event');
select ok((select j.enabled from ledger.scheduled_jobs j where j.command = 'select ledger.expire_reservations()'), 'a job does this');
select is_empty('select * from ledger.book_differences()', 'the books are in order');
select * from finish();
rollback;
