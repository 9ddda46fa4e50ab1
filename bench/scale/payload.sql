/*
 * What an operation says of itself, as the procedures write it. Stable, as jsonb_build_object is:
 * only then is the body put into the statement that calls it.
 */
create function scale.event_type_of(p_what text)
returns text
language sql immutable parallel safe
as $$
  select case p_what when 'deposit' then 'account.credited' when 'placed' then 'order.placed' else 'order.status_changed' end;
$$;

create function scale.payload_of(p_operation scale.operations, p_order scale.orders, p_currency text)
returns jsonb
language sql stable parallel safe
as $$
  select jsonb_build_object(
      'transaction_id', scale.id_at(p_operation.at, p_operation.number, 2),
      'transaction_type', case p_operation.what when 'deposit' then 'deposit' when 'placed' then 'order_created'
                                when 'cancelled' then 'order_cancelled' else 'order_status_changed' end,
      'account_version', p_operation.account_version, 'amount', p_operation.amount,
      'effect', case p_operation.what when 'deposit' then jsonb_build_object('total_earned', p_operation.amount)
                     when 'placed' then jsonb_build_object('total_orders', p_order.total)
                     when 'cancelled' then jsonb_build_object('total_orders', -p_order.total) else '{}' end,
      'currency', p_currency)
    || case p_operation.what
         when 'deposit' then jsonb_build_object('type', 'deposit', 'notes', null, 'metadata', '{}'::jsonb)
         when 'placed' then jsonb_build_object(
           'order_number', p_order.order_number, 'user_id', p_order.user_id, 'from_status', null, 'to_status', 'pending',
           'payment_status', 'paid', 'payment_method', 'wallet', 'total_amount', p_order.total, 'wallet_amount', p_order.total,
           'notes', null, 'items', p_order.items)
         when 'cancelled' then jsonb_build_object(
           'order_number', p_order.order_number, 'user_id', p_order.user_id, 'from_status', 'pending', 'to_status', 'cancelled',
           'payment_status', 'refunded', 'refund_id', scale.id_at(p_order.cancelled_at, p_order.n, 7), 'return_id', null,
           'credited_amount', p_order.total, 'returned_amount', p_order.total, 'wallet_amount', p_order.total, 'credit_amount', 0,
           'payout_amount', 0, 'destination', 'wallet', 'outstanding_amount', 0, 'restocked', true,
           'lines', (select jsonb_agg(jsonb_build_object('line_number', i.place, 'variant_id', i.item -> 'variant_id', 'quantity', i.item -> 'quantity',
                                                         'unshipped_quantity', i.item -> 'quantity', 'restocked_quantity', i.item -> 'quantity') order by i.place)
                     from jsonb_array_elements(p_order.items) with ordinality i (item, place)))
         else jsonb_build_object(
           'order_number', p_order.order_number, 'user_id', p_order.user_id,
           'from_status', case p_operation.what when 'delivered' then 'processing' else 'pending' end,
           'to_status', p_operation.what, 'payment_status', 'paid') end;
$$;
