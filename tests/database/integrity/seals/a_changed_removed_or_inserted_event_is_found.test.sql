-- DESIGN rule 7: a changed, removed or inserted event shows, wherever it is.
begin;
select tests.tamper('delete from public.event_seals'), tests.tamper('delete from public.immutable_events');
select tests.create_customer('ann');
select count(tests.expect_success(c)) from generate_series(1, 12) n, public.ledger_credit_account(tests.get_supabase_uid('ann'), n) c;
-- as twelve events of six transactions that are over: 10, 10, 20, 20, ... 60, 60, with four seals of three events
create temp table events as select id, row_number() over (order by id)::int as n from public.immutable_events;
select tests.tamper('update public.immutable_events e set written_by_xid = 10 * ((v.n + 1) / 2) from events v where v.id = e.id');
select ledger.seal_events(3);

/* What verify_seals says after a statement, "number: problem"; the statement is undone. */
create function pg_temp.found_after(p_statement text) returns text language plpgsql as $$
declare
  v_found text;
begin
  perform tests.tamper(p_statement);
  select string_agg(coalesce(v.seal_number::text, '-') || ': ' || v.problem, ', ' order by v.seal_number, v.event_id) into v_found
  from ledger.verify_seals() v where v.problem is not null;
  raise exception using errcode = 'TRIED', message = coalesce(v_found, 'nothing');
exception when sqlstate 'TRIED' then
  return sqlerrm;
end $$;
create function pg_temp.event(p_n int) returns bigint language sql as $$ select id from events where n = p_n $$;
create function pg_temp.insertion(p_xid bigint, p_id bigint, p_like int) returns text language sql as $$
  select format('insert into public.immutable_events
                 select %s, e.occurred_at, e.event_type, e.stream_type, e.stream_id, e.account_id, e.payload, e.actor_id, e.correlation_id, e.causation_id, %s
                 from public.immutable_events e where e.id = %s', p_id, p_xid, pg_temp.event(p_like));
$$;

select plan(95);
select results_eq('select seal_number, event_count, problem from ledger.verify_seals()', $$ values (1::bigint, 3, null), (2, 3, null), (3, 3, null), (4, 3, null) $$, 'four seals of three events hold');
select results_eq('select first_event_id, last_event_id, last_xid from public.event_seals order by seal_number',
  $$ values (pg_temp.event(1), pg_temp.event(3), 20::bigint), (pg_temp.event(4), pg_temp.event(6), 30), (pg_temp.event(7), pg_temp.event(9), 50), (pg_temp.event(10), pg_temp.event(12), 60) $$,
  'a seal may end within a transaction');
select is(ledger.seal_events(3), 0::bigint, 'sealing again adds nothing');
select is(pg_temp.found_after('update public.immutable_events set payload = payload'), 'nothing', 'writing what is there already is no change');

-- changed, removed
select is(pg_temp.found_after(format('update public.immutable_events set payload = payload || ''{"amount": 1000000}'' where id = %s', id)),
  format('%s: event %s was changed', (n + 2) / 3, id), format('event %s of 12 with another payload is found, in seal %s', n, (n + 2) / 3)) from events order by n;
select is(pg_temp.found_after(format('delete from public.immutable_events where id = %s', id)),
  format('%s: event %s is missing', (n + 2) / 3, id), format('event %s of 12 removed is found, in seal %s', n, (n + 2) / 3)) from events order by n;
select is(pg_temp.found_after(format('update public.immutable_events set %s where id = %s', c, pg_temp.event(5))), format('2: event %s was changed', pg_temp.event(5)), format('an event with another %s is found', split_part(c, ' ', 1)))
from unnest(array['occurred_at = occurred_at + interval ''1 microsecond''', 'event_type = ''x''', 'stream_type = ''x''', 'stream_id = gen_random_uuid()', 'account_id = null',
  'actor_id = gen_random_uuid()', 'correlation_id = gen_random_uuid()', 'causation_id = gen_random_uuid()', 'written_by_xid = 29']) c;
select set_eq($$ select attname::text from pg_attribute where attrelid = 'public.immutable_events'::regclass and attnum > 0 and not attisdropped $$,
  $$ values ('id'), ('payload'), ('occurred_at'), ('event_type'), ('stream_type'), ('stream_id'), ('account_id'), ('actor_id'), ('correlation_id'), ('causation_id'), ('written_by_xid') $$,
  'every column of an event was tried, the id below');
select is(pg_temp.found_after(format('update public.immutable_events set id = 900000 where id = %s', pg_temp.event(4))), format('2: event %s is missing, 2: event 900000 was inserted', pg_temp.event(4)), 'an event with another id is found');
select is(pg_temp.found_after(format('update public.immutable_events e set payload = o.payload from public.immutable_events o where e.id in (%1$s, %2$s) and o.id in (%1$s, %2$s) and o.id <> e.id', pg_temp.event(2), pg_temp.event(11))),
  format('1: event %s was changed, 4: event %s was changed', pg_temp.event(2), pg_temp.event(11)), 'two events that changed places are found');
select is(pg_temp.found_after('update public.immutable_events set payload = jsonb_set(payload, ''{amount}'', ''1.0'') where payload ->> ''amount'' = ''1'''), format('1: event %s was changed', pg_temp.event(1)), 'a number written otherwise is found');
select is(pg_temp.found_after('delete from public.immutable_events'), (select string_agg(format('%s: event %s is missing', (n + 2) / 3, id), ', ' order by n) from events), 'all events removed is found');
select is(pg_temp.found_after(format('update public.immutable_events set written_by_xid = 45 where id = %s', pg_temp.event(2))), format('1: event %1$s is missing, 3: event %1$s was inserted', pg_temp.event(2)), 'an event moved to another seal is found in both');

-- inserted: before, within and between the transactions and the seals
select is(pg_temp.found_after(pg_temp.insertion(xid, 1000000 + xid, 4)), format('%s: event %s was inserted', seal, 1000000 + xid), format('an event inserted into transaction %s is found, in seal %s', xid, seal))
from (values (1, 1), (5, 1), (10, 1), (15, 1), (20, 2), (25, 2), (29, 2), (30, 3), (31, 3), (45, 3), (50, 4), (55, 4)) v (xid, seal);
select is(pg_temp.found_after(replace(pg_temp.insertion(20, pg_temp.event(3), 3), 'e.occurred_at', 'e.occurred_at + interval ''1 s''')), format('1: event %s was inserted', pg_temp.event(3)), 'an event inserted with the id of another is found');
select is(pg_temp.found_after(format('with gone as (delete from public.immutable_events where id = %s) %s', pg_temp.event(5), pg_temp.insertion(30, 1000000, 6))), format('2: event %s is missing, 3: event 1000000 was inserted', pg_temp.event(5)),
  'an event exchanged for one behind the seal is found in both');
select is(pg_temp.found_after(format('with gone as (delete from public.immutable_events where id = %s) %s', pg_temp.event(5), pg_temp.insertion(25, 1000000, 6))), format('2: event %s is missing, 2: event 1000000 was inserted', pg_temp.event(5)), 'an event exchanged for another within its seal is found');
select is(pg_temp.found_after(pg_temp.insertion(9000000000000, 1000000, 4)), '-: 1 events were inserted where no seal reaches', 'an event of a transaction that has not been is found');
select throws_ok(format('select tests.tamper(%L)', pg_temp.insertion(20, 0, 4)), '23514', null, 'an event with the id 0, which no seal reaches, cannot be');
select throws_ok(format('select tests.tamper(%L)', pg_temp.insertion(20, -7, 4)), '23514', null, 'nor one with a negative id');
select throws_ok(format('select tests.tamper(%L)', pg_temp.insertion(0, 1000000, 4)), '23514', null, 'nor one of transaction 0');

-- the seals themselves
select is(pg_temp.found_after(format('delete from public.event_seals where seal_number = %s', n)), format('%s: a seal before this one is missing, -: seal %s was told of and is gone', n + 1, n), format('seal %s removed is found', n)) from generate_series(1, 3) n;
select is(pg_temp.found_after('delete from public.event_seals where seal_number in (2, 3)'), '4: a seal before this one is missing, -: seal 2 was told of and is gone, -: seal 3 was told of and is gone', 'two seals removed are found');
select matches(pg_temp.found_after('delete from public.event_seals where seal_number = 3; update public.event_seals set seal_number = 3 where seal_number = 4'), '3: does not continue the seal before it',
  'a seal removed and the next renumbered is found');
select matches(pg_temp.found_after(format('update public.event_seals set %s where seal_number = 2', c)), e, format('a seal with another %s is found', split_part(c, ' ', 1))) from (values
  ('hash = sha256(''x'')', '^2: has another hash than its events: they or the seal were remade, 3: does not continue the seal before it, -: seal 2 is another than was told$'), ('previous_hash = sha256(''x'')', '2: does not continue the seal before it'),
  ('event_count = 2', '^2: covers 2 events, more are there$'), ('last_event_id = first_event_id', '^2: event \d+ is missing, 2: event \d+ is missing, 3: event'), ('last_xid = 20', '^2: event \d+ is missing'), ('epoch = 2', '^2: is of another epoch'), ('first_event_id = 1000', '^2: names another first'), ('highest_event_id = 1000', '^2: names another first'), ('epoch_after_event_id = 1', '^2: is of another epoch')) v (c, e);

-- the list of what it was made of names the events; the hash alone proves
select is(pg_temp.found_after('delete from public.event_fingerprints where seal_hash = (select hash from public.event_seals where seal_number = 3)'),
  '3: holds, but the list of its events is gone', 'a removed list is found');
select is(pg_temp.found_after('update public.event_fingerprints set event_ids[1] = 7000 where seal_hash = (select hash from public.event_seals where seal_number = 3)'),
  '3: holds, but the list of its events was changed', 'a changed list is found');
select is(pg_temp.found_after(format('delete from public.event_fingerprints where seal_hash = (select hash from public.event_seals where seal_number = 2); %s', c)), w, format('without its list: %s', split_part(c, ' ', 1))) from (values
  (format('delete from public.immutable_events where id = %s', pg_temp.event(4)), '2: covers 3 events, 2 are there'),
  (format('update public.immutable_events set payload = ''{}'' where id = %s', pg_temp.event(4)), '2: has another hash than its events: they or the seal were remade'),
  (pg_temp.insertion(25, 1000000, 4), '2: covers 3 events, more are there')) v (c, w);
select is(pg_temp.found_after(format('update public.immutable_events set payload = ''{}'' where id = %s; update public.event_fingerprints f set fingerprints =
    (select string_agg(ledger.event_fingerprint(ledger.event_canonical(e)), ''''::bytea order by i.n) from unnest(f.event_ids) with ordinality i (id, n) join public.immutable_events e using (id)) where seal_hash = (select hash from public.event_seals where seal_number = 2)', pg_temp.event(4))),
  '2: has another hash than its events: they or the seal were remade', 'remade fingerprints hide which event it is, not that one was changed');
select is((select string_agg(v.seal_number || ':' || v.problem, ', ') from ledger.verify_seals(2, 3) v where v.problem is not null), null, 'a part of the chain is looked at by itself');
select is((select array_agg(v.seal_number order by v.seal_number) from ledger.verify_seals(2, 3) v), '{2,3}', 'the seals asked for, and no others');
select is((select array_agg(v.seal_number order by v.seal_number) from ledger.verify_seals(2, null, 2) v), '{2,3}', 'or so many of them');
select is(pg_temp.found_after('delete from public.event_seals where seal_number = 4'), '-: seal 4 was told of and is gone', 'the newest seal removed is found by its message');
select is(pg_temp.found_after('delete from public.event_seals where seal_number = 4; delete from ledger.outbox where type = ''events.sealed'''),
  format('-: the seal over events %s to %s was told of and is gone', pg_temp.event(10), pg_temp.event(12)), 'and without the message by the list of its events');
select is(pg_temp.found_after('delete from public.event_seals where seal_number = 4; update public.immutable_events set payload = ''{}'' where id = (select max(id) from events); select ledger.seal_events(3)'),
  '-: seal 4 is another than was told', 'so is one that was made anew over other events');
select matches(pg_temp.found_after('delete from public.event_seals'), '^(-: seal \d was told of and is gone(, )?){4}$', 'all seals removed are found by their messages');
select matches(pg_temp.found_after('delete from public.event_seals; delete from public.event_fingerprints; delete from ledger.outbox where type = ''events.sealed'''), '^nothing$',
  'with all that tells of them gone nothing is sealed: the last hash is worth keeping elsewhere');

-- a row that makes the computation fail, or without an end, is named as any other
select matches(pg_temp.found_after('update public.event_seals set event_count = 2147483647 where seal_number = 2'), '^2: says that it covers 2147483647 events, more than any seal', 'a seal with more events than any is found, and none of them is read');
select throws_ok('select tests.tamper(''update public.immutable_events set occurred_at = ''''infinity'''' where id = (select max(id) from events)'')', '23514', null, 'an event at no time cannot be');
select is(pg_temp.found_after('alter table public.immutable_events drop constraint year_has_four_digits; update public.immutable_events set occurred_at = ''infinity'' where id = (select max(id) from events)'),
  format('4: event %s was changed', pg_temp.event(12)), 'and where it is, it is found');
select matches(pg_temp.found_after('create or replace function ledger.seal_misfits(p_before public.event_seals, p_seal public.event_seals) returns table (event_id bigint, problem text) language sql stable as ''select 1 / 0, null'';
  delete from public.immutable_events where id = (select min(id) from events)'), '^1: cannot be recomputed \(22012\)$', 'a seal that cannot be recomputed is found, and the others are verified');
select is((select count(*)::int from ledger.verify_seals() where problem is not null), 0, 'and all of it was undone: the seals hold');
select * from finish();
rollback;
