/* What a status change or a refund did, or why it could not. Amounts in minor units. */
create type ledger.order_change as (
  refusal jsonb,
  transaction_id uuid,
  order_status text,
  payment_status text,
  returned_amount bigint,
  available_balance bigint,
  refund_id uuid,
  credited_amount bigint,
  wallet_amount bigint,
  credit_amount bigint,
  payout_amount bigint,
  outstanding_amount bigint
);
comment on type ledger.order_change is
  'returned_amount is all the money that goes back: wallet_amount into the wallet it came from, credit_amount as new wallet credit, payout_amount to be paid out.';

/*
 * Carries out a status change that the caller has locked the order for and checked. An ending is the
 * taking back of all that is left.
 */
create function ledger.apply_order_status(
  p_order public.orders, p_to text, p_actor ledger.actor, p_actor_action text, p_metadata jsonb)
returns ledger.order_change
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_change ledger.order_change;
begin
  if p_to in ('shipped', 'delivered') then
    return ledger.send_out(p_order.account_id, p_order.id, p_to, p_actor, p_actor_action, p_metadata);
  elsif p_to = 'rejected' then
    return ledger.reject_order(p_order, p_actor, p_actor_action, p_metadata);
  elsif p_to not in ('cancelled', 'refunded') then
    return ledger.change_status_plainly(p_order.account_id, p_order.id, p_order.order_number, p_order.user_id, p_order.currency,
                                        p_order.status, p_to, p_actor.user_id, p_actor_action, p_metadata);
  elsif coalesce(p_metadata ->> 'refund_to', 'wallet') not in ('wallet', 'original') then
    v_change.refusal := ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_metadata',
      'problem', '"refund_to" in it is wallet or original'));
    return v_change;
  end if;
  return ledger.take_back(p_order, null, 0, 0, coalesce(p_metadata ->> 'refund_to', 'wallet'), p_actor, p_actor_action,
                          ledger.correlation_id(), p_ends_as => p_to, p_metadata => p_metadata);
end $$;
comment on function ledger.apply_order_status(public.orders, text, ledger.actor, text, jsonb) is
  'Moves a locked and checked order to a status, with its money, goods and records. Of an order that ends, metadata.restock (boolean) says whether its goods come back, all that were not refunded or none; by default those that never left and those of shipments that have not arrived. metadata.refund_to (wallet, original) says where money from outside goes.';
