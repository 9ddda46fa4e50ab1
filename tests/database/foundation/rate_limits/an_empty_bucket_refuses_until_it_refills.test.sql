-- A token bucket per user and procedure; replays are free, staff and backends are not limited.
begin;
select plan(26);
select tests.open_shop();
update public.rate_limits set capacity = 3, refill_per_second = 0.001;

create function pg_temp.order_as(p_who text, p_key text default null) returns text language sql as $$
  select tests.outcome_as(p_who, format('select * from public.ledger_place_order(%L, p_idempotency_key => %L)', tests.items('TEA'), p_key));
$$;
create function pg_temp.as_if_waited(p_who text, p_seconds numeric) returns void language sql as $$
  update ledger.rate_limit_buckets set refilled_at = refilled_at - make_interval(secs => p_seconds) where user_id = tests.get_supabase_uid(p_who);
$$;

select is(pg_temp.order_as('ann', 'k' || n), 'success', format('call %s of 3 is answered', n)) from generate_series(1, 3) n;
select is(pg_temp.order_as('ann', 'k4'), 'rate_limited', 'the fourth is refused');
select is((select count(*)::int from public.orders where user_id = tests.get_supabase_uid('ann')), 6, 'and places no order');
select is(pg_temp.order_as('ann', 'k2'), 'success', 'a replay is free, also of an empty bucket');
select is((select count(*)::int from public.orders where user_id = tests.get_supabase_uid('ann')), 6, 'and places no order either');
select is(pg_temp.order_as('bob'), 'success', 'another customer has a bucket of their own');
select is(tests.outcome_as('ann', $$ select * from public.ledger_request_withdrawal(1, '{"iban": "A"}') $$), 'success', 'another procedure has another bucket');
select is(tests.outcome_as('ann', $$ select * from public.ledger_save_address('A', '1', 'B', 'IQ') $$), 'success', 'a procedure without a row is not limited');

select tests.authenticate_as('ann');
select results_eq(format('select o.error_message, o.error_details from public.ledger_place_order(%L) o', tests.items('TEA')),
  $$ values ('Too many calls of ledger_place_order; try again in 1000 s.', '{"procedure": "ledger_place_order", "retry_after_seconds": 1000}'::jsonb) $$, 'the refusal says when to try again');
reset role;

-- refill: 0.001 a second is a token in 1000 s
select pg_temp.as_if_waited('ann', 990);
select is(pg_temp.order_as('ann', 'k4'), 'rate_limited', 'too early there is no token');
select pg_temp.as_if_waited('ann', 20);
select is(pg_temp.order_as('ann', 'k4'), 'success', 'after its time there is one');
select is(pg_temp.order_as('ann', 'k5'), 'rate_limited', 'and no second one');
select pg_temp.as_if_waited('ann', 1000000);
select is(pg_temp.order_as('ann'), 'success', format('after a long time the bucket is full again: %s of 3', n)) from generate_series(1, 3) n;
select is(pg_temp.order_as('ann'), 'rate_limited', 'and no fuller than full');

-- whoever works for the shop
select is((select string_agg(distinct tests.outcome_as('admin', format('select * from public.ledger_place_order(%L, p_user_id => %L)', tests.items('TEA'), tests.get_supabase_uid('bob'))), ',')
           from generate_series(1, 8)), 'success', 'staff are not limited');
select is((select string_agg(distinct tests.outcome_as('service_role', format('select * from public.ledger_place_order(%L, p_user_id => %L)', tests.items('TEA'), tests.get_supabase_uid('bob'))), ',')
           from generate_series(1, 8)), 'success', 'backends are not limited');
select is(pg_temp.order_as('bob'), 'success', 'and none of that took the customer''s tokens');
insert into public.user_roles (user_id, role) values (tests.get_supabase_uid('ann'), 'vendor');
select is(pg_temp.order_as('ann'), 'rate_limited', 'a vendor is limited like everybody from outside');

-- the table
select throws_ok($$ update public.rate_limits set capacity = 0 $$, '23514', null, 'a capacity of 0 is refused');
select throws_ok($$ update public.rate_limits set refill_per_second = 0 $$, '23514', null, 'a refill of 0 is refused');
select is_empty($$ select l.procedure from public.rate_limits l
                   where not exists (select from pg_proc p where p.pronamespace = 'public'::regnamespace and p.proname = l.procedure
                                     and p.prosrc like '%rate_limit_take(v_actor.user_id, ''' || l.procedure || ''')%') $$, 'every limit is one that its procedure asks for');
select is((select count(*)::int from ledger.book_differences()), 0, 'the books are in order');
select * from finish();
rollback;
