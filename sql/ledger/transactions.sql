/* Every change of an account, and every status change of its orders even when no money moves. */
create table public.transactions (
  id uuid primary key default ledger.uuid_v7(),
  account_id uuid not null references public.accounts (id) on delete restrict,
  account_version bigint not null,
  type text not null,
  amount bigint not null,
  balance_after bigint not null,
  order_id uuid,
  reference_id uuid,
  actor_id uuid,
  actor_action text not null,
  metadata jsonb not null default '{}',
  correlation_id uuid not null,
  created_at timestamptz not null default clock_timestamp(),
  unique (account_id, account_version),
  constraint type_is_known check (type in (
    'deposit', 'earning', 'bonus', 'adjustment', 'account_frozen', 'account_released',
    'order_created', 'order_status_changed', 'order_cancelled', 'order_refunded',
    'withdrawal_requested', 'withdrawal_approved', 'withdrawal_paid', 'withdrawal_rejected', 'withdrawal_cancelled',
    'commission_earned', 'commission_clawed_back')),
  constraint amount_is_exact check (amount between -9007199254740991 and 9007199254740991)
);
alter table public.transactions enable row level security;
revoke all on public.transactions from anon, authenticated, service_role;
grant select on public.transactions to authenticated, service_role;
create policy transactions_are_seen_by_their_owner_and_staff on public.transactions for select to authenticated
  using (account_id in (select a.id from public.accounts a where a.user_id = (select auth.uid()))
         or (select ledger.caller_may('accounts.read')));
-- the transactions of an order
create index transactions_by_order on public.transactions (order_id) where order_id is not null;
select ledger.make_immutable('public.transactions', 'the ledger_* procedures');
comment on table public.transactions is 'Immutable. One row per operation on an account, in the order of account_version.';
comment on column public.transactions.amount is 'Signed effect on available_balance, minor units; 0 for a mere status change.';
comment on column public.transactions.account_version is 'Order within the account; created_at is only when.';
comment on column public.transactions.reference_id is 'What the operation was about when it was no order: a withdrawal, a commission.';

/*
 * Moves the four totals of an account by the given differences, counts its version, and writes the
 * transaction. The account is locked by the caller.
 */
create function ledger.write_transaction(
  p_account_id uuid,
  p_type text,
  p_actor ledger.actor,
  p_actor_action text,
  p_correlation_id uuid,
  p_earned bigint default 0,
  p_withdrawn bigint default 0,
  p_pending_withdrawals bigint default 0,
  p_orders bigint default 0,
  p_order_id uuid default null,
  p_reference_id uuid default null,
  p_metadata jsonb default '{}')
returns public.transactions
language sql
set search_path = pg_catalog, pg_temp
as $$
  with moved as (
    update public.accounts a set
      total_earned = a.total_earned + p_earned,
      total_withdrawn = a.total_withdrawn + p_withdrawn,
      total_pending_withdrawals = a.total_pending_withdrawals + p_pending_withdrawals,
      total_orders = a.total_orders + p_orders,
      version = a.version + 1,
      updated_at = clock_timestamp()
    where a.id = p_account_id
    returning a.version, a.available_balance)
  insert into public.transactions as t
    (account_id, account_version, type, amount, balance_after, order_id, reference_id, actor_id, actor_action, metadata, correlation_id)
  select p_account_id, m.version, p_type, p_earned - p_withdrawn - p_pending_withdrawals - p_orders, m.available_balance,
         p_order_id, p_reference_id, p_actor.user_id, p_actor_action, coalesce(p_metadata, '{}'), p_correlation_id
  from moved m
  returning t.*;
$$;
comment on function ledger.write_transaction(uuid, text, ledger.actor, text, uuid, bigint, bigint, bigint, bigint, uuid, uuid, jsonb) is
  'Applies differences to an account''s totals and records the transaction; answers the new row.';
