/*
 * Status changes of many orders at once, each with its own outcome. The rows stay for the setting
 * bulk_change_retention_days, so that whoever asked can follow the progress and read the answers again.
 */
create table public.bulk_changes (
  id uuid primary key default ledger.uuid_v7(),
  new_status text not null,
  metadata jsonb not null,
  actor_action text,
  asked_by uuid,
  asked_by_backend boolean not null,
  asked_orders integer not null,
  succeeded_orders integer not null default 0,
  failed_orders integer not null default 0,
  waiting_orders integer not null generated always as (asked_orders - succeeded_orders - failed_orders) stored,
  created_at timestamptz not null default clock_timestamp(),
  updated_at timestamptz not null default clock_timestamp(),
  constraint counts_are_not_negative check (least(succeeded_orders, failed_orders) >= 0),
  constraint no_more_is_done_than_was_asked check (succeeded_orders + failed_orders <= asked_orders)
);
alter table public.bulk_changes enable row level security;
revoke all on public.bulk_changes from anon, authenticated, service_role;
grant select on public.bulk_changes to authenticated, service_role;
create policy bulk_changes_are_seen_by_staff on public.bulk_changes for select to authenticated
  using ((select ledger.caller_may('orders.read')));
-- ledger.continue_bulk_changes: what is not finished, oldest first
create index bulk_changes_unfinished on public.bulk_changes (id) where waiting_orders > 0;
select ledger.protect_from_hands('public.bulk_changes', 'ledger_bulk_change_status or ledger_continue_bulk_change');
comment on table public.bulk_changes is
  'Status changes of many orders at once: how many were asked for, succeeded, failed and are still waiting.';
comment on column public.bulk_changes.asked_by is 'Who is recorded as acting, and whose permissions count unless a backend asked.';

-- a list goes with its orders: they are nothing without it
create table public.bulk_change_orders (
  bulk_change_id uuid not null references public.bulk_changes (id) on delete cascade,
  position integer not null,
  order_id uuid not null,
  success boolean,
  transaction_id uuid,
  error_code text,
  error_message text,
  error_details jsonb,
  order_number text,
  order_status text,
  payment_status text,
  primary key (bulk_change_id, position),
  constraint a_failure_has_a_code check (success is not false or error_code is not null)
) with (fillfactor = 60);
alter table public.bulk_change_orders enable row level security;
revoke all on public.bulk_change_orders from anon, authenticated, service_role;
grant select on public.bulk_change_orders to authenticated, service_role;
create policy bulk_change_orders_are_seen_by_staff on public.bulk_change_orders for select to authenticated
  using ((select ledger.caller_may('orders.read')));
select ledger.protect_from_hands('public.bulk_change_orders', 'ledger_bulk_change_status or ledger_continue_bulk_change');
comment on table public.bulk_change_orders is
  'The outcome for each order of a bulk change, in the order asked; success is null while the order waits. order_id is as it was asked, so it may name no order.';

/* What a bulk change has to say of its orders so far. */
create type public.ledger_bulk_change_status_result as (
  success boolean, transaction_id uuid, error_code text, error_message text, error_details jsonb,
  bulk_change_id uuid, order_id uuid, order_number text, order_status text, payment_status text
);

create function ledger.bulk_change_answers(p_bulk_change_id uuid)
returns setof public.ledger_bulk_change_status_result
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  return query
    select o.success, o.transaction_id, o.error_code, o.error_message, o.error_details,
           o.bulk_change_id, o.order_id, o.order_number, o.order_status, o.payment_status
    from public.bulk_change_orders o
    where o.bulk_change_id = p_bulk_change_id
    order by o.position;
end $$;
comment on function ledger.bulk_change_answers(uuid) is 'One answer for each order of a bulk change, in the order asked.';

-- the answer of a bulk change is in its rows: they stay as long as its key may be asked for again
create function ledger.purge_bulk_changes()
returns bigint
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_count bigint;
begin
  perform set_config('ledger.procedure', 'purge_bulk_changes', true);
  delete from public.bulk_changes b
  where b.waiting_orders = 0
    and b.updated_at < clock_timestamp() - make_interval(days => greatest(
      ledger.setting_text('bulk_change_retention_days')::integer, ledger.setting_text('idempotency_retention_days')::integer));
  get diagnostics v_count = row_count;
  perform set_config('ledger.procedure', '', true);
  return v_count;
end $$;
comment on function ledger.purge_bulk_changes() is 'Job: removes finished bulk changes older than the settings bulk_change_retention_days and idempotency_retention_days; answers how many.';
