/* No seal is larger, so that who verifies one knows what it may read. */
create function ledger.largest_seal()
returns integer
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  return 100000;
end $$;
comment on function ledger.largest_seal() is 'How many events a seal covers at most.';

/* Closes events, in their order, into the seal after p_last; answers the new seal. */
create function ledger.close_seal(p_last public.event_seals, p_xids bigint[], p_event_ids bigint[], p_lines text[])
returns public.event_seals
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_phase text := current_setting('ledger.procedure', true);
  v_seal public.event_seals;
begin
  perform set_config('ledger.procedure', 'seal_events', true);
  insert into public.event_seals as s
    (seal_number, epoch, epoch_after_event_id, last_xid, last_event_id, first_event_id, highest_event_id, event_count, previous_hash, hash)
  values (p_last.seal_number + 1, p_last.epoch, p_last.epoch_after_event_id,
          p_xids[cardinality(p_xids)], p_event_ids[cardinality(p_event_ids)], p_event_ids[1],
          (select max(i.id) from unnest(p_event_ids) i (id)), cardinality(p_event_ids), p_last.hash,
          ledger.seal_hash(p_last.hash, array_to_string(p_lines, e'\n')))
  returning s.* into v_seal;
  insert into public.event_fingerprints (seal_hash, event_ids, fingerprints)
  select v_seal.hash, p_event_ids, string_agg(ledger.event_fingerprint(l.line), ''::bytea order by l.n)
  from unnest(p_lines) with ordinality l (line, n)
  on conflict (seal_hash) do nothing;
  -- the newest seals could be remade by who can remake events: their hashes go where nobody here can
  insert into ledger.outbox (type, payload) values ('events.sealed', jsonb_build_object(
    'seal_number', v_seal.seal_number, 'event_count', v_seal.event_count, 'hash', encode(v_seal.hash, 'hex')));
  perform set_config('ledger.procedure', coalesce(v_phase, ''), true);
  return v_seal;
end $$;
comment on function ledger.close_seal(public.event_seals, bigint[], bigint[], text[]) is
  'Writes the next seal over these events (transaction, id and canonical form of each, in order).';

/*
 * Seals what comes after p_last and below a transaction id, p_at_most events of it. One pass in the order of the
 * chain: the sort goes to disk, and in memory is one seal, which ends after p_seal_size events or 16 MB of them.
 */
create function ledger.seal_below(p_last public.event_seals, p_horizon bigint, p_seal_size integer, p_at_most bigint)
returns public.event_seals
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_last public.event_seals := p_last;
  v_event record;
  v_xids bigint[] := array[]::bigint[];
  v_event_ids bigint[] := array[]::bigint[];
  v_lines text[] := array[]::text[];
  v_bytes bigint := 0;
begin
  for v_event in
    select e.written_by_xid, e.id, ledger.event_canonical(e) as line
    from public.immutable_events e
    where e.written_by_xid >= p_last.last_xid and e.written_by_xid < p_horizon
      and (e.written_by_xid, e.id) > (p_last.last_xid, p_last.last_event_id)
      and e.id > p_last.epoch_after_event_id
    order by e.written_by_xid, e.id
    limit p_at_most
  loop
    v_xids := v_xids || v_event.written_by_xid;
    v_event_ids := v_event_ids || v_event.id;
    v_lines := v_lines || v_event.line;
    v_bytes := v_bytes + octet_length(v_event.line);
    if cardinality(v_lines) >= p_seal_size or v_bytes >= 16777216 then
      v_last := ledger.close_seal(v_last, v_xids, v_event_ids, v_lines);
      v_xids := array[]::bigint[];
      v_event_ids := array[]::bigint[];
      v_lines := array[]::text[];
      v_bytes := 0;
    end if;
  end loop;
  if cardinality(v_lines) > 0 then
    v_last := ledger.close_seal(v_last, v_xids, v_event_ids, v_lines);
  end if;
  return v_last;
end $$;
comment on function ledger.seal_below(public.event_seals, bigint, integer, bigint) is
  'Seals the events after a seal whose transaction is below p_horizon, at most so many (null: all); answers the last seal there is then.';

/*
 * Closes what can be closed into the next seals; answers how many events were sealed. Of a long backlog
 * a run takes a million events, so that it comes to its end and the next one goes on.
 */
create function ledger.seal_events(p_seal_size integer default 10000)
returns bigint
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_before public.event_seals;
  v_horizon bigint;
begin
  -- one sealer at a time; a second one has nothing to add
  if not pg_try_advisory_xact_lock(hashtextextended('ledger.seal_events', 0)) then
    return 0;
  end if;
  v_horizon := (pg_snapshot_xmin(pg_current_snapshot())::text)::bigint;
  v_before := ledger.seal_before(null);
  if v_horizon < v_before.last_xid then
    raise exception 'the last seal was made in another cluster (transaction %, here %)', v_before.last_xid, v_horizon
      using hint = 'After restoring a logical dump call ledger.start_seal_epoch() once.';
  end if;
  perform ledger.seal_below(v_before, v_horizon, least(p_seal_size, ledger.largest_seal()), 1000000);
  return (select coalesce(sum(s.event_count), 0) from public.event_seals s where s.seal_number > v_before.seal_number);
end $$;
comment on function ledger.seal_events(integer) is 'Job: seals the events that no running transaction can still join, a million at most; answers how many.';

/*
 * After a restore into another cluster: everything that came with the dump and was not sealed yet
 * is sealed, and a new epoch begins behind it. Call it once, soon after the restore.
 */
create function ledger.start_seal_epoch()
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_last public.event_seals;
begin
  lock table public.immutable_events, public.event_seals in share row exclusive mode;
  v_last := ledger.seal_before(null);
  if v_last.seal_number = 0 then
    raise exception 'there are no seals yet, so there is no epoch to end';
  end if;
  v_last := ledger.seal_below(v_last, 9223372036854775807, 10000, null);

  -- the old epoch ends at the highest id that came with the dump; what this cluster has written
  -- since has higher ids, whatever its transaction ids are
  perform set_config('ledger.procedure', 'start_seal_epoch', true);
  insert into public.event_seals
    (seal_number, epoch, epoch_after_event_id, last_xid, last_event_id, first_event_id, highest_event_id, event_count, previous_hash, hash)
  select v_last.seal_number + 1, v_last.epoch + 1, max(s.highest_event_id), 0, 0, null, max(s.highest_event_id), 0, v_last.hash,
         ledger.seal_hash(v_last.hash, null)
  from public.event_seals s;
  perform set_config('ledger.procedure', '', true);
end $$;
comment on function ledger.start_seal_epoch() is 'Seals what a restored dump brought and starts a new epoch of transaction ids.';

/* For a database whose seals are older than event_fingerprints. Lists what is there now: verify the seals as well. */
create function ledger.list_sealed_events()
returns integer
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_seals integer;
begin
  perform set_config('ledger.procedure', 'list_sealed_events', true);
  insert into public.event_fingerprints (seal_hash, event_ids, fingerprints)
  select s.hash, l.event_ids, l.fingerprints
  from public.event_seals s
  cross join lateral (
    select array_agg(e.id) as event_ids, string_agg(ledger.event_fingerprint(ledger.event_canonical(e)), '') as fingerprints
    from ledger.events_under_seal(ledger.seal_before(s.seal_number), s) e) l
  where l.event_ids is not null and not exists (select from public.event_fingerprints f where f.seal_hash = s.hash);
  get diagnostics v_seals = row_count;
  perform set_config('ledger.procedure', '', true);
  return v_seals;
end $$;
comment on function ledger.list_sealed_events() is 'Makes the lists of events of seals that have none; answers of how many.';
