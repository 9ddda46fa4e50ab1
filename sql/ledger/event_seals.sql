/*
 * Seals make tampering visible. A seal closes a run of events in the order of (written_by_xid, id)
 * with the SHA-256 of their canonical form and of the seal before it. Only events below the oldest
 * running transaction are sealed: no older one can still join them. A changed, removed or inserted
 * event changes the hash of its run, wherever it is.
 *
 * Transaction ids start anew when a logical dump is restored into another cluster; an epoch marks
 * that break, and within an epoch ids are comparable.
 */
create table public.event_seals (
  seal_number bigint primary key,
  epoch integer not null,
  epoch_after_event_id bigint not null,
  last_xid bigint not null,
  last_event_id bigint not null,
  first_event_id bigint,
  highest_event_id bigint not null,
  event_count integer not null,
  previous_hash bytea not null,
  hash bytea not null,
  sealed_at timestamptz not null default clock_timestamp(),
  constraint count_is_not_negative check (event_count >= 0),
  constraint hashes_are_sha256 check (length(previous_hash) = 32 and length(hash) = 32)
);
alter table public.event_seals enable row level security;
revoke all on public.event_seals from anon, authenticated, service_role;
grant select on public.event_seals to authenticated, service_role;
create policy seals_are_seen_by_auditors on public.event_seals for select to authenticated
  using ((select ledger.caller_may('audit.read')));
select ledger.make_immutable('public.event_seals', 'ledger.seal_events');
comment on table public.event_seals is
  'Hash chain over immutable_events. A seal covers the events of its epoch after the previous seal''s (last_xid, last_event_id) up to its own.';
comment on column public.event_seals.highest_event_id is 'Greatest id among the events of this seal; ids are not in the order of transactions.';
comment on column public.event_seals.epoch_after_event_id is 'Events up to this id belong to earlier epochs.';

/* The canonical form of one event: independent of time zone, key order and client. */
create function ledger.event_canonical(p_event public.immutable_events)
returns text
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_build_array(
    p_event.id, (extract(epoch from p_event.occurred_at) * 1000000)::bigint, p_event.event_type, p_event.stream_type,
    p_event.stream_id, p_event.account_id, p_event.payload, p_event.actor_id, p_event.correlation_id,
    p_event.causation_id, p_event.written_by_xid)::text;
$$;
comment on function ledger.event_canonical(public.immutable_events) is 'What of an event goes into its seal.';

create function ledger.seal_hash(p_previous bytea, p_events text)
returns bytea
language sql immutable
set search_path = pg_catalog, pg_temp
as $$
  select sha256(p_previous || convert_to(coalesce(p_events, ''), 'UTF8'));
$$;
comment on function ledger.seal_hash(bytea, text) is 'Hash of a seal: SHA-256 of the previous hash and the canonical events.';

/* Closes what can be closed into the next seals; answers how many events were sealed. */
create function ledger.seal_events(p_seal_size integer default 10000)
returns bigint
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_last public.event_seals;
  v_horizon bigint;
  v_run record;
  v_sealed bigint := 0;
begin
  -- one sealer at a time; a second one has nothing to add
  if not pg_try_advisory_xact_lock(hashtextextended('ledger.seal_events', 0)) then
    return 0;
  end if;
  v_horizon := (pg_snapshot_xmin(pg_current_snapshot())::text)::bigint;
  select s.* into v_last from public.event_seals s order by s.seal_number desc limit 1;
  if not found then
    v_last := row(0, 1, 0, 0, 0, null, 0, 0, sha256(''), sha256(''), null)::public.event_seals;
  elsif v_horizon < v_last.last_xid then
    raise exception 'the last seal was made in another cluster (transaction %, here %)', v_last.last_xid, v_horizon
      using hint = 'After restoring a logical dump call ledger.start_seal_epoch() once.';
  end if;

  loop
    select max(e.written_by_xid) as last_xid, (array_agg(e.id order by e.written_by_xid desc, e.id desc))[1] as last_id,
           (array_agg(e.id order by e.written_by_xid, e.id))[1] as first_id, max(e.id) as highest_id, count(*)::int as events,
           ledger.seal_hash(v_last.hash, string_agg(e.canonical, e'\n' order by e.written_by_xid, e.id)) as hash
    into v_run
    from (select i.written_by_xid, i.id, ledger.event_canonical(i) as canonical
          from public.immutable_events i
          where i.written_by_xid >= v_last.last_xid and i.written_by_xid < v_horizon
            and (i.written_by_xid, i.id) > (v_last.last_xid, v_last.last_event_id)
            and i.id > v_last.epoch_after_event_id
          order by i.written_by_xid, i.id
          limit p_seal_size) e;
    exit when v_run.events = 0;

    perform set_config('ledger.procedure', 'seal_events', true);
    insert into public.event_seals as s
      (seal_number, epoch, epoch_after_event_id, last_xid, last_event_id, first_event_id, highest_event_id, event_count, previous_hash, hash)
    values (v_last.seal_number + 1, v_last.epoch, v_last.epoch_after_event_id, v_run.last_xid, v_run.last_id,
            v_run.first_id, v_run.highest_id, v_run.events, v_last.hash, v_run.hash)
    returning s.* into v_last;
    -- the newest seals could be remade by who can remake events: their hashes go where nobody here can
    insert into ledger.outbox (type, payload) values ('events.sealed', jsonb_build_object(
      'seal_number', v_last.seal_number, 'event_count', v_last.event_count, 'hash', encode(v_last.hash, 'hex')));
    perform set_config('ledger.procedure', '', true);
    v_sealed := v_sealed + v_run.events;
    exit when v_run.events < p_seal_size;
  end loop;
  return v_sealed;
end $$;
comment on function ledger.seal_events(integer) is 'Job: seals all events that no running transaction can still join; answers how many.';

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
  select s.* into v_last from public.event_seals s order by s.seal_number desc limit 1;
  if not found then
    raise exception 'there are no seals yet, so there is no epoch to end';
  end if;
  perform set_config('ledger.procedure', 'start_seal_epoch', true);
  insert into public.event_seals as s
    (seal_number, epoch, epoch_after_event_id, last_xid, last_event_id, first_event_id, highest_event_id, event_count, previous_hash, hash)
  select v_last.seal_number + 1, v_last.epoch, v_last.epoch_after_event_id,
         coalesce(max(e.written_by_xid), v_last.last_xid),
         coalesce((array_agg(e.id order by e.written_by_xid desc, e.id desc))[1], v_last.last_event_id),
         (array_agg(e.id order by e.written_by_xid, e.id))[1], coalesce(max(e.id), v_last.highest_event_id), count(e.id)::int, v_last.hash,
         ledger.seal_hash(v_last.hash, string_agg(ledger.event_canonical(e), e'\n' order by e.written_by_xid, e.id))
  from public.immutable_events e
  where (e.written_by_xid, e.id) > (v_last.last_xid, v_last.last_event_id) and e.id > v_last.epoch_after_event_id
  returning s.* into v_last;

  -- the old epoch ends at the highest id that came with the dump; what this cluster has written
  -- since has higher ids, whatever its transaction ids are
  insert into public.event_seals
    (seal_number, epoch, epoch_after_event_id, last_xid, last_event_id, first_event_id, highest_event_id, event_count, previous_hash, hash)
  select v_last.seal_number + 1, v_last.epoch + 1, max(s.highest_event_id), 0, 0, null, max(s.highest_event_id), 0, v_last.hash,
         ledger.seal_hash(v_last.hash, null)
  from public.event_seals s;
  perform set_config('ledger.procedure', '', true);
end $$;
comment on function ledger.start_seal_epoch() is 'Seals what a restored dump brought and starts a new epoch of transaction ids.';

/* Recomputes every seal; one row for each, problem is null where it holds. */
create function ledger.verify_seals()
returns table (seal_number bigint, event_count integer, problem text)
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  with epochs as (
    select s.epoch, min(s.epoch_after_event_id) as after_id,
           lead(min(s.epoch_after_event_id)) over (order by s.epoch) as until_id,
           max(s.last_xid) as last_xid, (array_agg(s.last_event_id order by s.seal_number desc))[1] as last_event_id
    from public.event_seals s
    group by s.epoch),
  chained as (
    select s.*,
           lag(s.hash, 1, sha256('')) over chain as hash_before,
           lag(s.seal_number, 1, 0::bigint) over chain as number_before,
           lag(s.last_xid, 1, 0::bigint) over within_epoch as xid_before,
           lag(s.last_event_id, 1, 0::bigint) over within_epoch as id_before
    from public.event_seals s
    window chain as (order by s.seal_number), within_epoch as (partition by s.epoch order by s.seal_number)),
  -- what no seal covers and none ever would: an id of a closed epoch behind its last seal, an id
  -- before the first epoch, or a transaction that has not been
  strays as (
    select count(*)::int as events
    from public.immutable_events e
    left join epochs o on e.id > o.after_id and (o.until_id is null or e.id <= o.until_id)
    where (o.until_id is not null and (e.written_by_xid, e.id) > (o.last_xid, o.last_event_id))
       or (o.epoch is null and exists (select from epochs))
       or e.written_by_xid <= 0
       or (o.until_id is null and e.written_by_xid >= greatest((pg_snapshot_xmax(pg_current_snapshot())::text)::bigint,
                                       (pg_current_xact_id_if_assigned()::text)::bigint + 1)))
  select c.seal_number, c.event_count,
         case
           when c.seal_number <> c.number_before + 1 then 'a seal before this one is missing'
           when c.previous_hash <> c.hash_before then 'does not continue the seal before it'
           when r.events <> c.event_count then format('covers %s events, %s are there', c.event_count, r.events)
           when ledger.seal_hash(c.hash_before, r.canonical) <> c.hash then 'an event was changed'
         end
  from chained c
  join epochs o on o.epoch = c.epoch
  cross join lateral (
    select count(*)::int as events,
           string_agg(ledger.event_canonical(e), e'\n' order by e.written_by_xid, e.id) as canonical
    from public.immutable_events e
    where e.written_by_xid between c.xid_before and c.last_xid
      and (e.written_by_xid, e.id) > (c.xid_before, c.id_before)
      and (e.written_by_xid, e.id) <= (c.last_xid, c.last_event_id)
      and e.id > o.after_id and (o.until_id is null or e.id <= o.until_id)) r
  union all
  select null, s.events, case
           when (pg_snapshot_xmin(pg_current_snapshot())::text)::bigint < (
             select max(o.last_xid) from epochs o where o.until_id is null) then
             'the database was restored into another cluster: call ledger.start_seal_epoch()'
           else format('%s events were inserted where no seal reaches', s.events) end
  from strays s
  where s.events > 0
  order by 1;
$$;
comment on function ledger.verify_seals() is
  'Recomputes all seals; problem says what does not hold. A row without a number counts events that no seal covers or ever would.';
