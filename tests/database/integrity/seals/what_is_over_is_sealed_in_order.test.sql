-- DESIGN rule 7: the sealer takes the events that no running transaction can still join, in order.
begin;
select plan(24);
select tests.tamper('delete from public.event_seals'), tests.tamper('delete from public.immutable_events');
select is(ledger.seal_events(), 0::bigint, 'without events there is nothing to seal');
select is_empty('select * from ledger.verify_seals()', 'and nothing to verify');
select throws_ok('select ledger.start_seal_epoch()', 'P0001', 'there are no seals yet, so there is no epoch to end', 'no epoch can end before there is a seal');
select tests.create_customer('ann');
create function pg_temp.credit(p_times int) returns bigint language sql as $$
  select count(tests.expect_success(c)) from generate_series(1, p_times) n, public.ledger_credit_account(tests.get_supabase_uid('ann'), n) c;
$$;
select pg_temp.credit(7);

-- everything so far is of this transaction, which still runs
select is(ledger.seal_events(), 0::bigint, 'nothing of a running transaction is sealed');
select is_empty('select * from public.event_seals', 'there is no empty seal');
select is_empty($$ select id from public.immutable_events where written_by_xid <> (pg_current_xact_id()::text)::bigint $$, 'each event says which transaction wrote it');

-- as if they had been written by transactions that are over; of 30 and 20 the later one has the lower ids
create temp table events as select id, row_number() over (order by id)::int as n from public.immutable_events;
select tests.tamper($$ update public.immutable_events e set written_by_xid = case when v.n <= 2 then 10 when v.n <= 4 then 30 when v.n <= 6 then 20 else e.written_by_xid end
                       from events v where v.id = e.id $$);
select is(ledger.seal_events(4), 6::bigint, 'the events of transactions that are over are sealed, the last one is not');
select results_eq('select seal_number, epoch, event_count, first_event_id, last_event_id, last_xid from public.event_seals order by seal_number',
  $$ select 1::bigint, 1, 4, (select id from events where n = 1), (select id from events where n = 6), 20::bigint
     union all select 2, 1, 2, (select id from events where n = 3), (select id from events where n = 4), 30 $$,
  'in the order of their transactions, at most so many a seal');
select is((select previous_hash from public.event_seals where seal_number = 2), (select hash from public.event_seals where seal_number = 1), 'each seal continues the one before it');
select is((select hash from public.event_seals where seal_number = 1),
  sha256(sha256('') || convert_to((select string_agg(ledger.event_canonical(e), e'\n' order by e.written_by_xid, e.id)
                                   from public.immutable_events e where e.id in (select id from events where n in (1, 2, 5, 6))), 'UTF8')),
  'its hash is SHA-256 over the previous hash and the events in canonical form');
select results_eq($$ select f.event_ids, f.fingerprints from public.event_fingerprints f join public.event_seals s on s.hash = f.seal_hash where s.seal_number = 1 $$,
  $$ select array_agg(e.id order by e.written_by_xid, e.id), string_agg(substr(sha256(convert_to(ledger.event_canonical(e), 'UTF8')), 1, 8), ''::bytea order by e.written_by_xid, e.id)
     from public.immutable_events e where e.id in (select id from events where n in (1, 2, 5, 6)) $$,
  'beside it are its events with eight bytes of the SHA-256 of each');
select is((select count(*)::int from ledger.verify_seals() where problem is null), 2, 'both hold');

-- the canonical form does not depend on the session
create temp table canonical as select e.id, ledger.event_canonical(e) as form from public.immutable_events e;
set local timezone = 'Asia/Baghdad';
set local datestyle = 'German';
set local extra_float_digits = 0;
set local bytea_output = 'escape';
select is_empty($$ select e.id from public.immutable_events e join canonical c using (id) where ledger.event_canonical(e) <> c.form $$, 'an event''s canonical form is the same in every session');
select is((select count(*)::int from ledger.verify_seals() where problem is null), 2, 'and the seals hold in every session');
reset timezone; reset datestyle; reset extra_float_digits; reset bytea_output;

-- the tail: what is not sealed yet is no problem, and gets sealed once its transaction is over
select is((select count(*)::int from ledger.verify_seals() where problem is not null), 0, 'events that wait for their seal are no problem');
select tests.tamper('update public.immutable_events set written_by_xid = 40 where written_by_xid > 30');
select is(ledger.seal_events(4), 1::bigint, 'the tail is sealed later');
select is((select count(*)::int from ledger.verify_seals() where problem is null), 3, 'all three seals hold');

-- the same events and seals give the same hashes
create temp table hashes as select seal_number, hash from public.event_seals;
select tests.tamper('delete from public.event_seals'), tests.tamper('delete from public.event_fingerprints'), tests.tamper('delete from ledger.outbox where type = ''events.sealed''');
select is(ledger.seal_events(4), 7::bigint, 'seals that were removed are made again');
select results_eq('select hash from public.event_seals where seal_number = 1', 'select hash from hashes where seal_number = 1', 'with the hash that a keeper of hashes remembers');
select is((select count(*)::int from ledger.verify_seals() where problem is not null), 0, 'and hold');
-- a long backlog is taken a part at a time
select tests.tamper('delete from public.event_seals'), tests.tamper('delete from public.event_fingerprints'), tests.tamper('delete from ledger.outbox where type = ''events.sealed''');
select is((ledger.seal_below(ledger.seal_before(null), 1000, 2, 3)).seal_number, 2::bigint, 'of a backlog at most so many events are sealed');
select is((select array_agg(event_count order by seal_number) from public.event_seals), '{2,1}', 'in seals of their size, the last one shorter');
select is((ledger.seal_below(ledger.seal_before(null), 1000, 2, 3)).seal_number, 4::bigint, 'and the next run goes on behind them');
select is((select count(*)::int from ledger.verify_seals() where problem is not null), 0, 'all of these hold');
select * from finish();
rollback;
