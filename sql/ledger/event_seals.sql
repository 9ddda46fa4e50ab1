/*
 * Seals make tampering visible. A seal closes a run of events in the order of (written_by_xid, id)
 * with the SHA-256 of their canonical form and of the seal before it. Only events below the oldest
 * running transaction are sealed: no older one can still join them. A changed, removed or inserted
 * event changes the hash of its run, wherever it is.
 *
 * Transaction ids start anew when a logical dump is restored into another cluster; an epoch marks
 * that break, and within an epoch ids are comparable.
 *
 * Beside each seal stands a list of fingerprints, eight bytes an event, so that a seal that does not hold
 * says which event it is about. The seal's hash is the proof; the list only names.
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
-- where the next epoch begins
create index event_seals_by_epoch on public.event_seals (epoch, seal_number);
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

comment on column public.event_seals.sealed_at is 'When this server made the seal; no part of its hash.';

/* Which events a seal was made of. Belongs to the seal's hash: a seal that is removed leaves it as a witness. */
create table public.event_fingerprints (
  seal_hash bytea primary key,
  event_ids bigint[] not null,
  fingerprints bytea not null,
  constraint every_event_has_eight_bytes check (length(fingerprints) = 8 * cardinality(event_ids))
);
alter table public.event_fingerprints enable row level security;
revoke all on public.event_fingerprints from anon, authenticated, service_role;
grant select on public.event_fingerprints to authenticated, service_role;
create policy fingerprints_are_seen_by_auditors on public.event_fingerprints for select to authenticated
  using ((select ledger.caller_may('audit.read')));
select ledger.make_immutable('public.event_fingerprints', 'ledger.seal_events');
comment on table public.event_fingerprints is
  'Immutable. The events of the seal with this hash, in its order, with the first eight bytes of the SHA-256 of each one''s canonical form.';

/*
 * The canonical form of one event: independent of time zone, key order and client. One expression, so
 * that it becomes part of the query that reads the events.
 */
create function ledger.event_canonical(p_event public.immutable_events)
returns text
language sql stable
return jsonb_build_array(
    p_event.id, case when isfinite(p_event.occurred_at) then (extract(epoch from p_event.occurred_at) * 1000000)::bigint end, p_event.event_type, p_event.stream_type,
    p_event.stream_id, p_event.account_id, p_event.payload, p_event.actor_id, p_event.correlation_id,
    p_event.causation_id, p_event.written_by_xid)::text;
comment on function ledger.event_canonical(public.immutable_events) is 'What of an event goes into its seal.';

create function ledger.event_fingerprint(p_canonical text)
returns bytea
language sql immutable
return substr(sha256(convert_to(p_canonical, 'UTF8')), 1, 8);
comment on function ledger.event_fingerprint(text) is 'First eight bytes of the SHA-256 of an event''s canonical form.';

create function ledger.seal_hash(p_previous bytea, p_events text)
returns bytea
language sql immutable
return sha256(p_previous || convert_to(coalesce(p_events, ''), 'UTF8'));
comment on function ledger.seal_hash(bytea, text) is 'Hash of a seal: SHA-256 of the previous hash and the canonical events.';

/* Before the first seal stands number 0: no events, and the hash of nothing. */
create function ledger.seal_before(p_seal_number bigint)
returns public.event_seals
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  (select s.* from public.event_seals s where p_seal_number is null or s.seal_number < p_seal_number order by s.seal_number desc limit 1)
  union all
  select 0, 1, 0, 0, 0, null, 0, 0, sha256(''), sha256(''), null
  limit 1;
$$;
comment on function ledger.seal_before(bigint) is 'The seal before a number (null: the newest); number 0, the hash of nothing, when there is none.';

/* The events whose place in the chain is after p_before and up to p_seal, within the seal's epoch. */
create function ledger.events_under_seal(p_before public.event_seals, p_seal public.event_seals)
returns setof public.immutable_events
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select e.*
  from public.immutable_events e
  where e.written_by_xid between case when p_before.epoch = p_seal.epoch then p_before.last_xid else 0 end and p_seal.last_xid
    and (p_before.epoch <> p_seal.epoch or (e.written_by_xid, e.id) > (p_before.last_xid, p_before.last_event_id))
    and (e.written_by_xid, e.id) <= (p_seal.last_xid, p_seal.last_event_id)
    and e.id > p_seal.epoch_after_event_id
    and e.id <= (select coalesce(min(n.epoch_after_event_id), 9223372036854775807)
                 from (select s.epoch_after_event_id from public.event_seals s where s.epoch > p_seal.epoch and s.event_count = 0 order by s.epoch, s.seal_number limit 1) n)
  order by e.written_by_xid, e.id;
$$;
comment on function ledger.events_under_seal(public.event_seals, public.event_seals) is
  'Events that a seal covers, given the seal before it, in the order of the chain.';
