/*
 * What an event says of an account: enough to replay every total from events alone. Not the balance:
 * order staff read the events of orders, and a customer's wealth is none of their business.
 */
create function ledger.balance_effect(
  p_transaction public.transactions,
  p_earned bigint default 0,
  p_withdrawn bigint default 0,
  p_pending_withdrawals bigint default 0,
  p_orders bigint default 0)
returns jsonb
language sql stable
return jsonb_build_object(
  'transaction_id', p_transaction.id,
  'transaction_type', p_transaction.type,
  'account_version', p_transaction.account_version,
  'amount', p_transaction.amount,
  'effect', jsonb_strip_nulls(jsonb_build_object(
    'total_earned', nullif(p_earned, 0),
    'total_withdrawn', nullif(p_withdrawn, 0),
    'total_pending_withdrawals', nullif(p_pending_withdrawals, 0),
    'total_orders', nullif(p_orders, 0))));
comment on function ledger.balance_effect(public.transactions, bigint, bigint, bigint, bigint) is
  'Payload part of an event: the transaction and its differences to the four totals.';
