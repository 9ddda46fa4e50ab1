-- DESIGN rule 7: a job verifies the seals, round after round, and tells of what does not hold.
begin;
select plan(13);
select tests.tamper('delete from public.event_seals'), tests.tamper('delete from public.immutable_events');
select tests.create_customer('ann');
select count(tests.expect_success(c)) from generate_series(1, 12) n, public.ledger_credit_account(tests.get_supabase_uid('ann'), n) c;
create temp table events as select id, row_number() over (order by id)::int as n from public.immutable_events;
select tests.tamper('update public.immutable_events e set written_by_xid = 10 + v.n from events v where v.id = e.id');
select ledger.seal_events(3);
create function pg_temp.alerts() returns text[] language sql as $$
  select array_agg(format('%s: %s', a.subject, a.value) order by a.subject) from public.alerts a where a.rule_code = 'seals_do_not_hold' and a.status <> 'resolved';
$$;

select is(ledger.verify_next_seals(), 0::bigint, 'four seals of three events hold');
select is((select last_value from ledger.verified_seal_seq), 4::bigint, 'and were looked at');
select is(pg_temp.alerts(), null, 'there is no alert');
select tests.tamper(format('update public.immutable_events set payload = payload || ''{"x": 1}'' where id in (select id from events where n in (4, 5, 10))'));
select is(ledger.verify_next_seals(), 3::bigint, 'the next round finds three events that were changed');
select is(pg_temp.alerts(), '{"seal 2: 2","seal 4: 1"}', 'an alert for each seal');
select is((select a.severity from public.alerts a where a.subject = 'seal 2'), 'critical', 'which is critical');
select is((select a.details -> 'problems' ->> 0 from public.alerts a where a.subject = 'seal 4'), (select format('event %s was changed', id) from events where n = 10), 'that names the event');

-- a run without time looks at one seal, and the next one goes on behind it
select is(ledger.verify_next_seals('-1 second'), 0::bigint, 'the first seal holds');
select is(pg_temp.alerts(), '{"seal 2: 2","seal 4: 1"}', 'what was not looked at stays');
select tests.tamper('update public.immutable_events set payload = payload - ''x'' where id in (select id from events where n in (4, 5))');
select is(ledger.verify_next_seals('-1 second'), 0::bigint, 'the second one holds again');
select is(pg_temp.alerts(), '{"seal 4: 1"}', 'its alert is resolved');

-- seals that are gone
select tests.tamper('delete from public.event_seals');
select is(ledger.verify_next_seals(), 4::bigint, 'all seals gone are four that messages tell of');
select is((pg_temp.alerts())[1], 'events without a seal: 4', 'they are an alert');
select * from finish();
rollback;
