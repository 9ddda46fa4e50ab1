/* Messages to the outside, written in the transaction of their cause; a worker delivers them after its commit. */
create table ledger.outbox (
  id uuid primary key default ledger.uuid_v7(),
  account_id uuid,
  type text not null,
  payload jsonb not null,
  status text not null default 'pending',
  retry_count integer not null default 0,
  next_retry_at timestamptz not null default clock_timestamp(),
  error_last text,
  created_at timestamptz not null default clock_timestamp(),
  constraint status_is_known check (status in ('pending', 'sending', 'sent', 'dead')),
  constraint retries_are_counted_up check (retry_count >= 0)
);
-- the worker's claim, and the oldest unsent message in functions/health
create index outbox_unsent on ledger.outbox (next_retry_at) where status in ('pending', 'sending');
comment on table ledger.outbox is 'Messages waiting for delivery. account_id is the customer concerned, null for the shop itself.';
