/*
 * A status change that moves neither money nor goods (to confirmed or processing): the order,
 * which the caller has locked and checked, gets its status, and the account a transaction of 0. It
 * takes what it needs of the order one by one: a row of orders as an argument costs more than this does.
 */
create function ledger.change_status_plainly(
  p_account_id uuid, p_order_id uuid, p_order_number text, p_user_id uuid, p_currency text, p_from text, p_to text,
  p_actor_id uuid, p_actor_action text, p_metadata jsonb)
returns ledger.order_change
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_payment_status text;
  v_outstanding bigint;
  v_account_version bigint;
  v_available bigint;
  v_transaction_id uuid;
begin
  update public.orders o set status = p_to, version = o.version + 1, updated_at = clock_timestamp()
  where o.account_id = p_account_id and o.id = p_order_id
  returning o.payment_status, o.outstanding_amount into v_payment_status, v_outstanding;

  update public.accounts a set version = a.version + 1, updated_at = clock_timestamp()
  where a.id = p_account_id
  returning a.version, a.available_balance into v_account_version, v_available;

  v_transaction_id := ledger.write_operation(
    p_account_id, v_account_version, v_available, 'order_status_changed', 0, '{}',
    p_actor_id, coalesce(p_actor_action, format('order %s to %s', p_from, p_to)), p_metadata, p_order_id, p_currency, null,
    'order.status_changed', jsonb_build_object(
      'order_number', p_order_number, 'user_id', p_user_id, 'currency', p_currency, 'from_status', p_from, 'to_status', p_to,
      'payment_status', v_payment_status),
    case when p_actor_action is not null or p_metadata <> '{}' then
      jsonb_build_object('notes', coalesce(p_metadata ->> 'notes', p_actor_action), 'metadata', p_metadata) end);

  return row(null, v_transaction_id, p_to, v_payment_status, 0, v_available, null, null, null, null, null, v_outstanding)::ledger.order_change;
end $$;
comment on function ledger.change_status_plainly(uuid, uuid, text, uuid, text, text, text, uuid, text, jsonb) is
  'Gives a locked and checked order a status that moves neither money nor goods, with its transaction, event, audit line and message.';
