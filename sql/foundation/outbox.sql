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
  constraint status_is_known check (status in ('pending', 'sending', 'sent', 'dead')),
  constraint message_says_something check (payload is not null or event_id is not null)
);
-- the worker's claim, and the oldest unsent message in functions/health
create index outbox_unsent on ledger.outbox (next_retry_at) where status in ('pending', 'sending');
comment on table ledger.outbox is 'Messages waiting for delivery. account_id is the customer concerned, null for the shop itself. Read them through ledger.outbox_messages.';
comment on column ledger.outbox.event_id is 'The event that the message is about, which says everything there is to say; payload is null then.';
