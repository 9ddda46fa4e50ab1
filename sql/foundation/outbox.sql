/* Messages to the outside, written in the transaction of their cause; a worker delivers them after its commit. */
create table ledger.outbox (
  id uuid primary key default ledger.uuid_v7(),
  account_id uuid,
  type text not null,
  payload jsonb,
  status text not null default 'pending',
  retry_count integer not null default 0,
  next_retry_at timestamptz not null default clock_timestamp(),
  error_last text,
  created_at timestamptz not null default clock_timestamp(),
  event_id bigint,
  settled_at timestamptz,
  constraint status_is_known check (status in ('pending', 'sending', 'sent', 'dead')),
  constraint message_says_something check (payload is not null or event_id is not null)
);
-- the worker's claim, and the oldest unsent message in functions/health
create index outbox_unsent on ledger.outbox (next_retry_at) where status in ('pending', 'sending');
-- success and latency of the last hour (ledger.kpi_metrics)
create index outbox_settled on ledger.outbox (settled_at) where settled_at is not null;
comment on table ledger.outbox is 'Messages waiting for delivery. account_id is the customer concerned, null for the shop itself. Read them through ledger.outbox_messages.';
comment on column ledger.outbox.event_id is 'The event that the message is about, which says everything there is to say; payload is null then.';
comment on column ledger.outbox.settled_at is 'When it was delivered (sent) or given up (dead); null while it waits.';

/* Whoever delivers sets the status; when that was is noted here. */
create function ledger.note_settled_message()
returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  new.settled_at := case when new.status in ('sent', 'dead') then clock_timestamp() end;
  return new;
end $$;
comment on function ledger.note_settled_message() is 'Trigger: notes when a message was delivered or given up; one that is tried again waits again.';

create trigger settled_says_when before update of status on ledger.outbox
  for each row when (new.status is distinct from old.status)
  execute function ledger.note_settled_message();
