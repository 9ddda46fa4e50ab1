/*
 * Takes back a part of an order that the caller has locked: a refund, a return, or the ending of the
 * order (p_ends_as), which is all that is left of it. What is credited lowers what the customer owes
 * first; only what they have paid beyond that is money back. Amounts in minor units.
 *
 * Before the delivery all money is in escrow, and only what goes back moves. After it the goods taken back
 * go from revenue, tax, shipping and vendors into escrow again, and from there to the customer or,
 * as far as it was never paid, against the receivable: a delivered order leaves nothing in escrow.
 */
create function ledger.take_back(
  p_order public.orders, p_lines jsonb, p_shipping_amount bigint, p_amount bigint, p_to text, p_actor ledger.actor,
  p_reason text, p_correlation_id uuid, p_return_id uuid default null, p_ends_as text default null, p_metadata jsonb default '{}')
returns ledger.order_change
language plpgsql
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
as $$
declare
  v_was_delivered boolean := p_order.status = 'delivered';
  v_restock boolean := case when p_ends_as is not null then (p_metadata ->> 'restock')::boolean end;
  v_paid bigint := p_order.paid_amount - p_order.refunded_amount;
  v_whole ledger.order_part;
  v_before ledger.order_part;
  v_after ledger.order_part;
  v_taken ledger.taken_line[];
  v_part ledger.order_part;
  v_credited bigint;
  v_money ledger.returned_money;
  v_refund_id uuid := ledger.uuid_v7();
  v_order public.orders;
  v_transaction public.transactions;
  v_change ledger.order_change;
begin
  -- lock: accounts (those that earned by the delivery too), stock
  perform ledger.lock_accounts(ledger.accounts_to_take_back_from(p_order), p_order.currency, p_open => false);
  perform ledger.lock_stock_to_return(ledger.variants_to_take_back(p_order, p_lines, p_ends_as is not null, v_restock));

  -- check: customer, lines
  v_change.refusal := coalesce(ledger.refuse_erased(p_order.user_id), ledger.refuse_refund_lines(p_order, p_lines));
  if v_change.refusal is not null then
    return v_change;
  end if;

  -- what was taken back before, what is by now, and the money that follows from the difference
  v_whole := ledger.whole_order(p_order);
  v_before := ledger.credited_part(p_order);
  v_taken := case when p_ends_as is null then ledger.lines_asked_back(p_order, p_lines) else ledger.lines_left(p_order, v_restock) end;
  v_after := ledger.credited_after(v_whole, v_before, v_taken,
    case when p_ends_as is null then p_shipping_amount else p_order.shipping_amount - v_before.shipping_amount end,
    case when p_ends_as is null then p_amount else 0 end);
  v_part := ledger.part_between(v_before, v_after);
  v_credited := ledger.cost_of(v_part);
  v_money := ledger.split_return(p_order, greatest(v_paid - (p_order.total_amount - p_order.credited_amount - v_credited), 0), p_to);

  -- check: amounts
  v_change.refusal := case
    when p_ends_as is null then ledger.refuse_refund_amounts(p_order, p_shipping_amount, p_amount, v_before, v_part) end;
  if v_change.refusal is null and v_money.credit_amount > 0 then
    v_change.refusal := (select ledger.refuse('amount_too_large', jsonb_build_object('maximum', 9007199254740991))
                         from public.accounts a
                         where a.id = p_order.account_id and a.total_earned + v_money.credit_amount > 9007199254740991);
  end if;
  if v_change.refusal is not null then
    return v_change;
  end if;

  -- write: order
  v_change.refund_id := v_refund_id;
  v_change.credited_amount := v_credited;
  v_change.wallet_amount := v_money.wallet_amount;
  v_change.credit_amount := v_money.credit_amount;
  v_change.payout_amount := v_money.payout_amount;
  v_change.returned_amount := v_money.wallet_amount + v_money.credit_amount + v_money.payout_amount;
  update public.orders o set
    status = coalesce(p_ends_as, ledger.status_after_refund(p_order, v_after, v_taken)),
    payment_status = ledger.payment_status_of(o.total_amount, o.credited_amount + v_credited, o.paid_amount,
                                              o.refunded_amount + v_change.returned_amount, ledger.payment_status_kept(o)),
    refunded_amount = o.refunded_amount + v_change.returned_amount,
    wallet_refunded_amount = o.wallet_refunded_amount + v_money.wallet_amount,
    credited_amount = o.credited_amount + v_credited,
    version = o.version + 1,
    updated_at = clock_timestamp()
  where o.account_id = p_order.account_id and o.id = p_order.id
  returning o.* into v_order;
  v_change.order_status := v_order.status;
  v_change.payment_status := v_order.payment_status;
  v_change.outstanding_amount := v_order.outstanding_amount;
  perform ledger.settle_payment_deadline(v_order);

  -- write: refund, goods, discount
  perform ledger.write_refund(v_refund_id, p_order, p_return_id, v_part, v_taken, v_money, p_to, p_reason, p_actor);
  perform ledger.write_goods_back(p_order, v_change.order_status, v_taken, v_restock, p_return_id, p_actor, p_correlation_id);

  -- write: transaction, postings
  v_transaction := ledger.write_transaction(
    p_order.account_id, case p_ends_as when 'cancelled' then 'order_cancelled' else 'order_refunded' end,
    p_actor, coalesce(p_reason, case when p_ends_as is null then 'order refunded' else format('order %s to %s', p_order.status, p_ends_as) end),
    p_correlation_id, p_earned => v_money.credit_amount, p_orders => -v_money.wallet_amount, p_order_id => p_order.id,
    p_reference_id => v_refund_id, p_metadata => p_metadata);
  perform ledger.write_postings(v_transaction, p_order.currency, ledger.forward(
    case when v_was_delivered then ledger.reversed(ledger.recognition_legs(v_part)) end
    || ledger.return_legs(v_money)
    || case when v_was_delivered then array[row('order_escrow', 'receivable', v_credited - v_change.returned_amount)]::ledger.posting_leg[] end));

  -- record
  perform ledger.record_operation(
    case when v_change.order_status = p_order.status then 'order.refunded' else 'order.status_changed' end,
    'order', p_order.id, p_order.account_id,
    ledger.balance_effect(v_transaction, p_earned => v_money.credit_amount, p_orders => -v_money.wallet_amount)
      || ledger.refund_facts(p_order, v_change, v_taken, p_return_id, p_to)
      || ledger.follow_order_invoice(v_order, v_transaction, v_refund_id, p_actor)
      || jsonb_build_object('notes', coalesce(p_metadata ->> 'notes', p_reason), 'metadata', p_metadata),
    p_actor, p_correlation_id);

  -- the sides of those who earned by the delivery
  if v_was_delivered then
    perform ledger.claw_back_commission(p_order.id, v_whole.base_amount - ledger.credited_base(v_whole, v_after), p_actor, p_correlation_id);
    perform ledger.claw_back_vendor_earnings(p_order, p_actor, p_correlation_id);
  end if;

  -- the customer may be one of them
  v_change.transaction_id := v_transaction.id;
  v_change.available_balance := case when v_was_delivered
    then (select a.available_balance from public.accounts a where a.id = p_order.account_id) else v_transaction.balance_after end;
  return v_change;
end $$;
comment on function ledger.take_back(public.orders, jsonb, bigint, bigint, text, ledger.actor, text, uuid, uuid, text, jsonb) is
  'Takes back lines [{"line_number", "quantity", "restock", "unshipped"}], shipping and a free amount of a locked order, or with p_ends_as all that is left. Refuses before its first write; the caller has set ledger.procedure. p_to: wallet or original, for what was paid from outside. A delivered order of which nothing is left becomes refunded.';
