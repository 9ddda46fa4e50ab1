-- DESIGN rule 7: auditors verify a long chain piece by piece, and learn which event does not fit.
begin;
select plan(34);
select tests.tamper('delete from public.event_seals'), tests.tamper('delete from public.event_fingerprints'), tests.tamper('delete from public.immutable_events');
select tests.create_customer('ann');
create function pg_temp.verify(p_from bigint, p_to bigint, p_limit int default null, p_number bigint default null, p_hash text default null) returns text language sql as $$
  select case when v.success then format('%s-%s of %s, %s, %s events: %s', v.verified_from, v.verified_to, v.newest_seal, case when v.is_complete then 'complete' else 'goes on' end, v.event_count, v.problems::text)
              else format('%s %s', v.error_code, v.error_details ->> 'argument') end
  from public.integrity_verify_seals(p_number, p_hash, p_from, p_to, p_limit) v;
$$;
select is((select format('%s %s %s %s %s', c.seal_number, c.hash, c.epoch, c.event_count, c.sealed_at) from public.integrity_checkpoint() c), '0 ' || encode(sha256(''), 'hex') || ' 1 0 ', 'before the first seal the checkpoint is the hash of nothing');
select is(pg_temp.verify(null, null), '1-0 of 0, complete, 0 events: []', 'and there is nothing to verify');

-- ten events of five transactions that are over, in four seals
select count(tests.expect_success(c)) from generate_series(1, 10) n, public.ledger_credit_account(tests.get_supabase_uid('ann'), n) c;
create temp table events as select id, row_number() over (order by id)::int as n from public.immutable_events;
select tests.tamper('update public.immutable_events e set written_by_xid = 10 + v.n / 2 from events v where v.id = e.id');
select is(ledger.seal_events(3), 10::bigint, 'ten events are sealed');

select is(pg_temp.verify(null, null), '1-4 of 4, complete, 10 events: []', 'everything at once');
select is(pg_temp.verify(f, t, l), w, format('from %s to %s, at most %s', f, t, l)) from (values
  (1, null, 2, '1-2 of 4, goes on, 6 events: []'), (3, null, 2, '3-4 of 4, complete, 4 events: []'), (3, null, 1, '3-3 of 4, goes on, 3 events: []'),
  (2, 3, null, '2-3 of 4, complete, 6 events: []'), (2, 3, 1, '2-2 of 4, goes on, 3 events: []'), (4, 9, null, '4-4 of 4, complete, 1 events: []'),
  (5, null, null, '5-4 of 4, complete, 0 events: []'), (99, null, null, '5-4 of 4, complete, 0 events: []'),
  (9223372036854775807, 9223372036854775807, 2147483647, '5-4 of 4, complete, 0 events: []')) v (f, t, l, w);
select is(pg_temp.verify(f, t, l, n, h), w, format('%s %s %s %s %s is refused', f, t, l, n, h)) from (values
  (0::bigint, null::bigint, null::int, null::bigint, null, 'invalid_argument p_from_seal'), (-9223372036854775808, null, null, null, null, 'invalid_argument p_from_seal'),
  (3, 2, null, null, null, 'invalid_argument p_to_seal'), (null, 0, null, null, null, 'invalid_argument p_to_seal'),
  (null, null, 0, null, null, 'invalid_argument p_limit'), (null, null, -2147483648, null, null, 'invalid_argument p_limit'),
  (null, null, null, 1, null, 'invalid_argument p_hash'), (null, null, null, null, 'ab', 'invalid_argument p_hash')) v (f, t, l, n, h, w);

-- a hash that was kept
select is(pg_temp.verify(null, null, null, s.seal_number, upper(encode(s.hash, 'hex'))), '1-4 of 4, complete, 10 events: []', 'the hash of a seal is known again') from public.event_seals s where s.seal_number = 2;
select is(pg_temp.verify(4, null, null, n, h), format('4-4 of 4, complete, 1 events: [{"problem": "is not the seal whose hash was kept", "event_id": null, "seal_number": %s}]', n), format('%s %s is not', n, h))
from (values (2, 'no hash'), (9, encode(sha256('x'), 'hex')), (0, encode(sha256(''), 'hex'))) v (n, h);
select is((select format('%s %s %s %s %s', c.seal_number, c.hash = encode(s.hash, 'hex'), c.epoch, c.last_event_id = (select id from events where n = 10), c.event_count) from public.integrity_checkpoint() c, public.event_seals s where s.seal_number = 4),
  '4 t 1 t 10', 'the checkpoint is the newest seal, with the events under all of them');
select matches((select c.database from public.integrity_checkpoint() c), '^\d+/' || current_database() || '$', 'and says of which database');

-- what does not fit
select tests.tamper(format('update public.immutable_events set payload = payload || ''{"amount": 7}'' where id = %s', id)) from events where n = 5;
select tests.tamper(format('delete from public.immutable_events where id = %s', id)) from events where n = 9;
select is((select v.problems from public.integrity_verify_seals() v),
  (select jsonb_build_array(jsonb_build_object('seal_number', 2, 'event_id', a.id, 'problem', format('event %s was changed', a.id)), jsonb_build_object('seal_number', 3, 'event_id', b.id, 'problem', format('event %s is missing', b.id)))
   from events a, events b where a.n = 5 and b.n = 9), 'the changed and the removed event are named');
select is(pg_temp.verify(3, null), (select format('3-4 of 4, complete, 4 events: [{"problem": "event %s is missing", "event_id": %s, "seal_number": 3}]', id, id) from events where n = 9), 'a part of the chain tells of its own events only');
select is(pg_temp.verify(1, 1), '1-1 of 4, complete, 3 events: []', 'and is right when they are');
select is((select problem_count from public.integrity_verify_seals()), 2::bigint, 'problems are counted');

-- more than can be named: every event of a seal
select tests.tamper('delete from public.event_seals'), tests.tamper('delete from public.immutable_events'), tests.tamper('delete from public.event_fingerprints'), tests.tamper('delete from ledger.outbox where type = ''events.sealed''');
select count(tests.expect_success(c)) from generate_series(1, 30) n, public.ledger_credit_account(tests.get_supabase_uid('ann'), n) c;
select tests.tamper('update public.immutable_events set written_by_xid = 10');
select is(ledger.seal_events(), 30::bigint, 'thirty events are sealed');
select tests.tamper('update public.immutable_events set event_type = ''x''');
select is((select array[v.problem_count, v.event_count] from public.integrity_verify_seals() v), '{21,30}', 'twenty of them are named');
select is((select v.problems -> 20 from public.integrity_verify_seals() v), '{"seal_number": 1, "event_id": null, "problem": "10 more events do not fit"}', 'and the rest is counted');
select * from finish();
rollback;
