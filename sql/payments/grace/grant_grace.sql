/* A deadline for a locked order, or a later one; the event says so to the customer. */
create function ledger.grant_grace(
  p_order public.orders, p_until timestamptz, p_actor ledger.actor, p_correlation_id uuid, p_facts jsonb)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  insert into public.payment_deadlines as d (order_id, account_id, due_at, granted_by)
  values (p_order.id, p_order.account_id, p_until, p_actor.user_id)
  on conflict (order_id) do update set
    status = 'open',
    due_at = excluded.due_at,
    granted_by = excluded.granted_by,
    extensions = d.extensions + 1,
    reminded_at = null,
    settled_at = null,
    updated_at = clock_timestamp();
  perform ledger.record_operation('order.grace_granted', 'order', p_order.id, p_order.account_id,
    p_facts || jsonb_build_object(
      'order_number', p_order.order_number, 'user_id', p_order.user_id, 'currency', p_order.currency, 'due_at', p_until,
      'payment_status', p_order.payment_status, 'outstanding_amount', p_order.outstanding_amount),
    p_actor, p_correlation_id);
end $$;
comment on function ledger.grant_grace(public.orders, timestamptz, ledger.actor, uuid, jsonb) is
  'Opens the deadline of a locked order, or puts it off, with its event; p_facts is what else the event says.';
