-- Transaction ids start anew when a dump is restored into another cluster: an epoch marks that break.
begin;
select plan(19);
select tests.tamper('delete from public.event_seals'), tests.tamper('delete from public.immutable_events');
select tests.create_customer('ann');
create function pg_temp.credit(p_times int) returns bigint language sql as $$
  select count(tests.expect_success(c)) from generate_series(1, p_times) n, public.ledger_credit_account(tests.get_supabase_uid('ann'), n) c;
$$;
create function pg_temp.problems() returns text language sql as $$
  select string_agg(coalesce(v.seal_number::text, '-') || ': ' || v.problem, ', ' order by v.seal_number, v.event_id) from ledger.verify_seals() v where v.problem is not null;
$$;
-- what a dump brings: six events of a cluster that had come to transaction 8000000000005, two of them not sealed there
select pg_temp.credit(6);
create temp table old_events as select id, row_number() over (order by id)::int as n from public.immutable_events;
select tests.tamper('update public.immutable_events e set written_by_xid = 3 + n from old_events v where v.id = e.id and n <= 4');
select ledger.seal_events(2);
select tests.tamper('update public.immutable_events set written_by_xid = 8000000000000 + (select n from old_events v where v.id = immutable_events.id)');
-- the seals as that cluster made them
select tests.tamper($$ update public.event_seals s set last_xid = 8000000000000 + 2 * seal_number $$);
select tests.tamper($$ update public.event_seals s set hash = ledger.seal_hash(sha256(''), (select string_agg(ledger.event_canonical(e), e'\n' order by e.written_by_xid, e.id)
                       from public.immutable_events e join old_events v using (id) where v.n <= 2)) where seal_number = 1 $$);
select tests.tamper($$ update public.event_seals s set previous_hash = f.hash, hash = ledger.seal_hash(f.hash, (select string_agg(ledger.event_canonical(e), e'\n' order by e.written_by_xid, e.id)
                       from public.immutable_events e join old_events v using (id) where v.n between 3 and 4)) from public.event_seals f where s.seal_number = 2 and f.seal_number = 1 $$);
-- lists and messages were not there then
select tests.tamper('delete from public.event_fingerprints'), tests.tamper('delete from ledger.outbox where type = ''events.sealed''');
select is(pg_temp.problems(), '1: holds, but the list of its events is gone, 2: holds, but the list of its events is gone, -: the database was restored into another cluster: call ledger.start_seal_epoch()', 'seals from before the lists have none');
select is(ledger.list_sealed_events(), 2, 'which are made afterwards');
select is(ledger.list_sealed_events(), 0, 'once');
select is(pg_temp.problems(), '-: the database was restored into another cluster: call ledger.start_seal_epoch()', 'the restored seals hold, and verify_seals says what is to be done');

select throws_like('select ledger.seal_events()', 'the last seal was made in another cluster (transaction 8000000000004, here %)', 'the sealer notices and seals nothing');
select is((select count(*)::int from public.event_seals), 2, 'no seal was added');
select lives_ok('select ledger.start_seal_epoch()', 'a new epoch is started');
select results_eq('select seal_number, epoch, event_count, last_xid, last_event_id, epoch_after_event_id from public.event_seals order by seal_number offset 2',
  $$ select 3::bigint, 1, 2, 8000000000006, (select id from old_events where n = 6), 0::bigint union all select 4, 2, 0, 0, 0, (select id from old_events where n = 6) $$,
  'the rest of the dump is sealed in the old epoch, and the new one begins behind it');
select is(pg_temp.problems(), null, 'all seals hold');

-- new orders, with the ids of the new cluster
select pg_temp.credit(5);
select is(pg_temp.problems(), null, 'new events wait for their seal');
select tests.tamper('update public.immutable_events set written_by_xid = 7 where written_by_xid < 8000000000000');
select is(ledger.seal_events(2), 5::bigint, 'and are sealed in the new epoch');
select results_eq('select seal_number, epoch, event_count from public.event_seals order by seal_number offset 4', $$ values (5::bigint, 2, 2), (6, 2, 2), (7, 2, 1) $$, 'in seals of their own');
select is(pg_temp.problems(), null, 'the seals of both epochs hold');

-- in either epoch nothing can be slipped in
create function pg_temp.found_after(p_statement text) returns text language plpgsql as $$
begin
  perform tests.tamper(p_statement);
  raise exception using errcode = 'TRIED', message = coalesce(pg_temp.problems(), 'nothing');
exception when sqlstate 'TRIED' then
  return sqlerrm;
end $$;
create function pg_temp.insertion(p_id bigint, p_xid bigint) returns text language sql as $$
  select format('insert into public.immutable_events select %s, e.occurred_at + interval ''1 s'', e.event_type, e.stream_type, e.stream_id, e.account_id, e.payload, e.actor_id,
                   e.correlation_id, e.causation_id, %s from public.immutable_events e order by e.id limit 1', p_id, p_xid);
$$;
select is(pg_temp.found_after(format('update public.immutable_events set payload = ''{}'' where id = %s', (select id from old_events where n = 5))), (select format('3: event %s was changed', id) from old_events where n = 5), 'a changed event of the old epoch is found');
create temp table newest as select max(id) as id from public.immutable_events;
select is(pg_temp.found_after('update public.immutable_events set payload = ''{}'' where id = (select n.id from newest n)'), (select format('7: event %s was changed', n.id) from newest n), 'a changed event of the new epoch is found');
select is(pg_temp.found_after(pg_temp.insertion((select id from old_events where n = 6), 9000000000000)), '-: 1 events were inserted where no seal reaches', 'an old id behind the old epoch''s last seal is found');
select matches(pg_temp.found_after(pg_temp.insertion((select id from old_events where n = 3), 8000000000001)), '^1: ', 'an event inserted into the old epoch is found');
select matches(pg_temp.found_after(pg_temp.insertion((select id from old_events where n = 6), 5)), '^1: ', 'an old id with a transaction of the new cluster is found, in the old epoch');
select matches(pg_temp.found_after(pg_temp.insertion(9000000, 6)), '^5: ', 'an event inserted into the new epoch is found');
select * from finish();
rollback;
