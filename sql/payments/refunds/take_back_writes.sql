/* What ledger.take_back writes. */

/* The order waits no longer for units that are taken back: for none at all when it ends. */
create function ledger.give_up_waiting(p_order_id uuid, p_ends boolean, p_taken ledger.taken_line[])
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  if p_ends then
    perform ledger.drop_backorders(p_order_id);
  else
    perform ledger.drop_open_units(p_order_id, array_agg(t.variant_id), array_agg(t.quantity), false)
    from (select t.variant_id, sum(t.unshipped_quantity - t.restocked_quantity)::bigint as quantity
          from unnest(p_taken) t
          where t.unshipped_quantity > t.restocked_quantity
          group by t.variant_id) t
    having count(*) > 0;
  end if;
end $$;
comment on function ledger.give_up_waiting(uuid, boolean, ledger.taken_line[]) is
  'Gives up the open backorders of units that are taken back. Slot 0 of their variants is locked by the caller.';

/*
 * Returns that waited for the money of their units have it. An order that ends lets go of its open returns; goods of a
 * delivered order that were refunded ahead may still come back.
 */
create function ledger.settle_returns(
  p_order public.orders, p_status text, p_restock boolean, p_taken ledger.taken_line[], p_return_id uuid, p_actor ledger.actor,
  p_correlation_id uuid)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  if p_return_id is null then
    perform ledger.settle_received_units(p_order.id,
      array(select t.line_number from unnest(p_taken) t order by t.line_number),
      array(select t.quantity - t.unshipped_quantity from unnest(p_taken) t order by t.line_number));
  end if;
  if p_status <> p_order.status then
    perform ledger.end_returns(p_order, p_order.status = 'delivered' and p_status = 'refunded' and not coalesce(p_restock, false),
                               p_actor, p_correlation_id, p_return_id);
  end if;
end $$;
comment on function ledger.settle_returns(public.orders, text, boolean, ledger.taken_line[], uuid, ledger.actor, uuid) is
  'The returns of an order of which something was taken back; p_status is its status by then, p_restock what was said of the goods of its ending.';

/* The postings of what is taken back after the delivery: into escrow, from there what was paid to the customer, the rest against the receivable. */
create function ledger.legs_after_delivery(p_part ledger.order_part, p_money ledger.returned_money)
returns ledger.posting_leg[]
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  return ledger.forward(
    ledger.reversed(ledger.recognition_legs(p_part)) || ledger.return_legs(p_money)
    || row('order_escrow', 'receivable',
           ledger.cost_of(p_part) - p_money.wallet_amount - p_money.credit_amount - p_money.payout_amount)::ledger.posting_leg);
end $$;
comment on function ledger.legs_after_delivery(ledger.order_part, ledger.returned_money) is
  'Postings of a part of a delivered order that is taken back, with the money that goes back for it.';

/*
 * Writes what is taken back of a locked and checked order: order, refund, goods and discount, account, and the
 * records of it. p_status is the order's status by then; p_restock what was said of the goods of its ending. Flat,
 * and what few orders need behind a condition, because every cancellation walks through it.
 */
create function ledger.write_taken_back(
  p_order public.orders, p_past ledger.order_past, p_units ledger.taken_units, p_part ledger.order_part, p_money ledger.returned_money,
  p_status text, p_to text, p_restock boolean, p_return_id uuid, p_actor ledger.actor, p_reason text, p_actor_action text,
  p_correlation_id uuid, p_metadata jsonb)
returns ledger.order_change
language plpgsql
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
as $$
declare
  v_credited bigint := ledger.cost_of(p_part);
  v_returned bigint := p_money.wallet_amount + p_money.credit_amount + p_money.payout_amount;
  v_kept text := p_order.payment_status;
  v_payment_status text;
  v_outstanding bigint;
  v_order public.orders;
  v_refund_id uuid := ledger.uuid_v7();
  v_type text := case when p_status = 'cancelled' and p_order.status <> 'cancelled' then 'order_cancelled' else 'order_refunded' end;
  v_account_version bigint;
  v_available bigint;
  v_transaction public.transactions;
  v_invoiced jsonb := '{}'::jsonb;
begin
  -- order, and the time it has to be paid
  if v_kept = 'overpaid' then
    v_kept := ledger.payment_status_kept(p_order);
  end if;
  v_payment_status := ledger.payment_status_of(
    p_order.total_amount, p_order.credited_amount + v_credited, p_order.paid_amount, p_order.refunded_amount + v_returned, v_kept);
  update public.orders o set
    status = p_status,
    payment_status = v_payment_status,
    refunded_amount = o.refunded_amount + v_returned,
    wallet_refunded_amount = o.wallet_refunded_amount + p_money.wallet_amount,
    credited_amount = o.credited_amount + v_credited,
    version = o.version + 1,
    updated_at = clock_timestamp()
  where o.account_id = p_order.account_id and o.id = p_order.id
  returning o.outstanding_amount into v_outstanding;
  if p_past.has_deadline or p_past.is_invoiced then
    select o.* into v_order from public.orders o where o.account_id = p_order.account_id and o.id = p_order.id;
    perform ledger.settle_payment_deadline(v_order);
  end if;

  -- refund
  insert into public.refunds
    (id, account_id, order_id, return_id, currency, goods_amount, discount_amount, tax_amount, shipping_amount, allowance_amount,
     allowance_tax_amount, credited_amount, wallet_amount, credit_amount, payout_amount, payout_status, destination, reason, actor_id)
  values
    (v_refund_id, p_order.account_id, p_order.id, p_return_id, p_order.currency, p_part.goods_amount, p_part.discount_amount,
     p_part.tax_amount, p_part.shipping_amount, p_part.allowance_amount, p_part.allowance_tax_amount, v_credited, p_money.wallet_amount,
     p_money.credit_amount, p_money.payout_amount, case when p_money.payout_amount > 0 then 'pending' else 'none' end, p_to, p_reason,
     p_actor.user_id);
  insert into public.refund_lines
    (refund_id, line_number, account_id, order_id, quantity, unshipped_quantity, restocked_quantity, goods_amount, discount_amount,
     tax_amount, total_amount, base_amount, vendor_amount)
  select v_refund_id, t.line_number, p_order.account_id, p_order.id, t.quantity, t.unshipped_quantity, t.restocked_quantity,
         t.goods_amount, t.discount_amount, t.tax_amount, t.total_amount, t.base_amount, t.vendor_amount
  from unnest(p_units.lines) t;

  -- goods, discount code
  if p_past.awaits_stock then
    perform ledger.give_up_waiting(p_order.id, p_status <> p_order.status and p_order.status <> 'delivered', p_units.lines);
  end if;
  if p_units.restocked_ids is not null then
    perform ledger.restock(p_units.restocked_ids, p_units.restocked, v_type, p_actor, p_order.id, p_correlation_id);
  end if;
  if p_past.is_returned then
    perform ledger.settle_returns(p_order, p_status, p_restock, p_units.lines, p_return_id, p_actor, p_correlation_id);
  end if;
  if p_order.discount_code_id is not null and p_status <> p_order.status and p_order.status <> 'delivered' then
    update public.discount_usage u set redemptions = u.redemptions - 1 where u.discount_code_id = p_order.discount_code_id;
    update public.discount_redemptions r set released_at = clock_timestamp() where r.order_id = p_order.id;
  end if;

  -- account; the invoice of the order, whose records name the transaction
  update public.accounts a set
    total_earned = a.total_earned + p_money.credit_amount,
    total_orders = a.total_orders - p_money.wallet_amount,
    version = a.version + 1,
    updated_at = clock_timestamp()
  where a.id = p_order.account_id
  returning a.version, a.available_balance into v_account_version, v_available;
  if p_past.is_invoiced then
    v_transaction.id := ledger.uuid_v7();
    v_transaction.account_id := p_order.account_id;
    v_transaction.account_version := v_account_version;
    v_invoiced := ledger.follow_order_invoice(v_order, v_transaction, v_refund_id, p_actor);
  end if;

  -- transaction, postings, event
  return row(null, ledger.write_operation(
      p_order.account_id, v_account_version, v_available, v_type,
      p_money.wallet_amount + p_money.credit_amount,
      jsonb_strip_nulls(jsonb_build_object('total_earned', nullif(p_money.credit_amount, 0), 'total_orders', nullif(-p_money.wallet_amount, 0))),
      p_actor.user_id, p_actor_action, p_metadata, p_order.id, p_order.currency,
      case when p_order.status = 'delivered' then ledger.legs_after_delivery(p_part, p_money) else ledger.return_legs(p_money) end,
      case when p_status = p_order.status then 'order.refunded' else 'order.status_changed' end,
      jsonb_build_object(
        'order_number', p_order.order_number, 'user_id', p_order.user_id, 'currency', p_order.currency,
        'from_status', p_order.status, 'to_status', p_status, 'payment_status', v_payment_status,
        'refund_id', v_refund_id, 'return_id', p_return_id, 'credited_amount', v_credited, 'returned_amount', v_returned,
        'wallet_amount', p_money.wallet_amount, 'credit_amount', p_money.credit_amount, 'payout_amount', p_money.payout_amount,
        'destination', p_to, 'outstanding_amount', v_outstanding, 'restocked', p_units.restocked_ids is not null,
        'lines', p_units.facts) || v_invoiced,
      case when p_reason is not null or p_metadata <> '{}' then
        jsonb_build_object('notes', coalesce(p_metadata ->> 'notes', p_reason), 'metadata', p_metadata) end,
      v_refund_id, p_correlation_id, v_transaction.id),
    p_status, v_payment_status, v_returned, v_available, v_refund_id, v_credited, p_money.wallet_amount, p_money.credit_amount,
    p_money.payout_amount, v_outstanding)::ledger.order_change;
end $$;
comment on function ledger.write_taken_back(
  public.orders, ledger.order_past, ledger.taken_units, ledger.order_part, ledger.returned_money, text, text, boolean, uuid, ledger.actor,
  text, text, uuid, jsonb) is
  'Writes and records what is taken back of an order: p_units, of which p_part is the cost with shipping and allowance, and p_money, which goes back. Everything is locked and checked by the caller.';
