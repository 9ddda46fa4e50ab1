/* Each operation appends one event; every balance and every order's history can be replayed from them. */
create sequence ledger.event_id_seq as bigint;

create table public.immutable_events (
  id bigint not null default nextval('ledger.event_id_seq'),
  occurred_at timestamptz not null default clock_timestamp(),
  event_type text not null,
  stream_type text not null,
  stream_id uuid not null,
  account_id uuid,
  payload jsonb not null,
  actor_id uuid,
  correlation_id uuid not null,
  causation_id uuid,
  written_by_xid bigint not null default (pg_current_xact_id()::text)::bigint,
  primary key (id, occurred_at),
  constraint ids_count_up_from_one check (least(id, written_by_xid) > 0),
  constraint year_has_four_digits check (occurred_at >= '0001-01-01 00:00:00+00' and occurred_at < '10000-01-01 00:00:00+00')
) partition by range (occurred_at);
create table ledger.immutable_events_default partition of public.immutable_events default;
alter table public.immutable_events enable row level security;
alter table ledger.immutable_events_default enable row level security;
revoke all on public.immutable_events from anon, authenticated, service_role;
grant select on public.immutable_events to authenticated, service_role;
create policy events_are_seen_by_their_customer_and_staff on public.immutable_events for select to authenticated
  using (account_id in (select a.id from public.accounts a where a.user_id = (select auth.uid()))
         or (select ledger.caller_may('audit.read'))
         or (stream_type = 'order' and (select ledger.caller_may('orders.read'))));
-- the history of an order, the events of a stream
create index immutable_events_by_stream on public.immutable_events (stream_id, id);
-- the sealer's range; nearly free, because transaction ids rise with the table
create index immutable_events_by_xid on public.immutable_events using brin (written_by_xid);
select ledger.make_immutable('public.immutable_events', 'the ledger_* procedures');
select ledger.guard_partition('ledger.immutable_events_default', 'immutable_events', 'the ledger_* procedures');
comment on table public.immutable_events is 'Append-only, partitioned by month of occurred_at, sealed by event_seals.';
comment on column public.immutable_events.account_id is 'Whose books the event belongs to; null for the shop''s own (stock).';
comment on column public.immutable_events.written_by_xid is
  'Transaction that wrote the event: below the oldest running one nothing can still join.';
