/* A list in a function, because a CHECK is parsed anew by every statement, and a long list in it costs more than the call. */
create function ledger.transaction_types()
returns text[]
language plpgsql immutable parallel safe
set search_path = pg_catalog, pg_temp
as $$
begin
  return array[
    'deposit', 'earning', 'bonus', 'adjustment', 'account_frozen', 'account_released',
    'order_created', 'order_edited', 'order_paid_from_wallet', 'order_status_changed', 'order_shipped', 'order_cancelled', 'order_refunded',
    'payment_recorded', 'payment_voided', 'refund_paid_out', 'refund_failed', 'refund_withdrawn', 'vendor_earned', 'vendor_clawed_back',
    'withdrawal_requested', 'withdrawal_approved', 'withdrawal_paid', 'withdrawal_rejected', 'withdrawal_cancelled',
    'commission_earned', 'commission_clawed_back',
    'invoice_issued', 'invoice_credited', 'invoice_voided', 'invoice_changed', 'payment_allocated', 'allocation_reversed', 'payment_released',
    'payment_charged_back', 'payment_imported', 'grace_granted', 'grace_ended', 'credit_terms_set'];
end $$;
comment on function ledger.transaction_types() is 'What transactions.type can be.';

/* Every change of an account, and every status change of its orders even when no money moves. */
create table public.transactions (
  id uuid primary key default ledger.uuid_v7(),
  account_id uuid not null,
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
  constraint type_is_known check (type = any (ledger.transaction_types())),
  constraint amount_is_exact check (abs(amount) <= 9007199254740991)
);
alter table public.transactions enable row level security;
revoke all on public.transactions from anon, authenticated, service_role;
grant select on public.transactions to authenticated, service_role;
create policy transactions_are_seen_by_their_owner_and_staff on public.transactions for select to authenticated
  using (account_id >= (select ledger.first_account_seen('accounts.read'))
         and account_id <= (select ledger.last_account_seen('accounts.read'))
         and (account_id in (select a.id from public.accounts a where a.user_id = (select auth.uid()))
              or (select ledger.caller_may('accounts.read'))));
-- the transactions of an order
create index transactions_by_order on public.transactions (order_id) where order_id is not null;
select ledger.make_immutable('public.transactions', 'the ledger_* procedures');
comment on table public.transactions is 'Immutable. One row per operation on an account, in the order of account_version.';
comment on column public.transactions.amount is 'Signed effect on available_balance, minor units; 0 for a mere status change.';
comment on column public.transactions.account_version is 'Order within the account; created_at is only when.';
comment on column public.transactions.reference_id is 'What the operation was about when it was no order: a withdrawal, a commission, a vendor''s earning.';

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
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_transaction public.transactions;
begin
  update public.accounts a set
    total_earned = a.total_earned + p_earned,
    total_withdrawn = a.total_withdrawn + p_withdrawn,
    total_pending_withdrawals = a.total_pending_withdrawals + p_pending_withdrawals,
    total_orders = a.total_orders + p_orders,
    version = a.version + 1,
    updated_at = clock_timestamp()
  where a.id = p_account_id
  returning a.version, a.available_balance into v_transaction.account_version, v_transaction.balance_after;

  insert into public.transactions as t
    (account_id, account_version, type, amount, balance_after, order_id, reference_id, actor_id, actor_action, metadata, correlation_id)
  values
    (p_account_id, v_transaction.account_version, p_type, p_earned - p_withdrawn - p_pending_withdrawals - p_orders,
     v_transaction.balance_after, p_order_id, p_reference_id, p_actor.user_id, p_actor_action, coalesce(p_metadata, '{}'),
     p_correlation_id)
  returning t.* into v_transaction;
  return v_transaction;
end $$;
comment on function ledger.write_transaction(uuid, text, ledger.actor, text, uuid, bigint, bigint, bigint, bigint, uuid, uuid, jsonb) is
  'Applies differences to an account''s totals and records the transaction; answers the new row.';
