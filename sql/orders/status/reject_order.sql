/*
 * An order is rejected: its goods and its money wait for what is done about them, and it claims nothing any more. Its
 * time to be paid is over, and its invoice void; one that was paid or credited is a person's to undo, or is cancelled.
 */
create function ledger.reject_order(p_order public.orders, p_actor ledger.actor, p_actor_action text, p_metadata jsonb)
returns ledger.order_change
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_change ledger.order_change;
begin
  -- lock: account, invoice; then check and write
  perform from public.accounts a where a.id = p_order.account_id for no key update;
  v_change.refusal := ledger.void_invoice_of_order(p_order, 'order rejected', p_actor, ledger.correlation_id());
  if v_change.refusal is not null then
    return v_change;
  end if;
  perform ledger.end_grace(p_order.account_id, p_order.id);
  return ledger.change_status_plainly(p_order.account_id, p_order.id, p_order.order_number, p_order.user_id, p_order.currency,
                                      p_order.status, 'rejected', p_actor.user_id, p_actor_action, p_metadata);
end $$;
comment on function ledger.reject_order(public.orders, ledger.actor, text, jsonb) is
  'Rejects a locked and checked order; its live invoice becomes void in a transaction of its own. Refuses before its first write: order_invoiced.';
