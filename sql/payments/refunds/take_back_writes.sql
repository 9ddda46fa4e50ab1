/* What ledger.take_back writes beside the order and its transaction. */

create function ledger.write_refund(
  p_refund_id uuid, p_order public.orders, p_return_id uuid, p_part ledger.order_part, p_taken ledger.taken_line[],
  p_money ledger.returned_money, p_to text, p_reason text, p_actor ledger.actor)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  insert into public.refunds
    (id, account_id, order_id, return_id, currency, goods_amount, discount_amount, tax_amount, shipping_amount, allowance_amount,
     allowance_tax_amount, credited_amount, wallet_amount, credit_amount, payout_amount, payout_status, destination, reason, actor_id)
  values
    (p_refund_id, p_order.account_id, p_order.id, p_return_id, p_order.currency, p_part.goods_amount, p_part.discount_amount, p_part.tax_amount,
     p_part.shipping_amount, p_part.allowance_amount, p_part.allowance_tax_amount, ledger.cost_of(p_part), p_money.wallet_amount,
     p_money.credit_amount, p_money.payout_amount, case when p_money.payout_amount > 0 then 'pending' else 'none' end, p_to, p_reason,
     p_actor.user_id);
  insert into public.refund_lines
    (refund_id, line_number, account_id, order_id, quantity, unshipped_quantity, restocked_quantity, goods_amount, discount_amount,
     tax_amount, total_amount, base_amount, vendor_amount)
  select p_refund_id, t.line_number, p_order.account_id, p_order.id, t.quantity, t.unshipped_quantity, t.restocked_quantity,
         t.goods_amount, t.discount_amount, t.tax_amount, t.total_amount, t.base_amount, t.vendor_amount
  from unnest(p_taken) t;
end $$;
comment on function ledger.write_refund(uuid, public.orders, uuid, ledger.order_part, ledger.taken_line[], ledger.returned_money, text, text, ledger.actor) is
  'Writes a refund and its lines.';

/*
 * The goods' side: what is restocked, backorders of what will not be sent, and returns that waited for their
 * money. An order that ends lets go of all its backorders, of its open returns and, unless it had been
 * delivered, of its discount code. Goods of a delivered order that were refunded ahead may still come back.
 */
create function ledger.write_goods_back(
  p_order public.orders, p_status text, p_taken ledger.taken_line[], p_restock boolean, p_return_id uuid, p_actor ledger.actor,
  p_correlation_id uuid)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_ends boolean := p_status <> p_order.status;
  v_may_still_come boolean := p_order.status = 'delivered' and p_status = 'refunded' and not coalesce(p_restock, false);
  v_variant_ids uuid[];
  v_quantities bigint[];
begin
  if v_ends and p_order.status <> 'delivered' then
    perform ledger.drop_backorders(p_order.id);
  else
    perform ledger.drop_open_units(p_order.id, array_agg(t.variant_id), array_agg(t.quantity), false)
    from (select t.variant_id, sum(t.unshipped_quantity - t.restocked_quantity)::bigint as quantity
          from unnest(p_taken) t
          where t.unshipped_quantity > t.restocked_quantity
          group by t.variant_id) t
    having count(*) > 0;
  end if;
  select array_agg(g.variant_id), array_agg(g.quantity) into v_variant_ids, v_quantities
  from (select t.variant_id, sum(t.restocked_quantity)::bigint as quantity
        from unnest(p_taken) t
        where t.restocked_quantity > 0
        group by t.variant_id) g;
  if v_variant_ids is not null then
    perform ledger.restock(v_variant_ids, v_quantities, case p_status when 'cancelled' then 'order_cancelled' else 'order_refunded' end,
                           p_actor, p_order.id, p_correlation_id);
  end if;

  if p_return_id is null then
    perform ledger.settle_received_units(p_order.id,
      array(select t.line_number from unnest(p_taken) t order by t.line_number),
      array(select t.quantity - t.unshipped_quantity from unnest(p_taken) t order by t.line_number));
  end if;
  if v_ends then
    perform ledger.end_returns(p_order, v_may_still_come, p_actor, p_correlation_id, p_return_id);
    if p_order.status <> 'delivered' and p_order.discount_code_id is not null then
      update public.discount_usage u set redemptions = u.redemptions - 1 where u.discount_code_id = p_order.discount_code_id;
      update public.discount_redemptions r set released_at = clock_timestamp() where r.order_id = p_order.id;
    end if;
  end if;
end $$;
comment on function ledger.write_goods_back(public.orders, text, ledger.taken_line[], boolean, uuid, ledger.actor, uuid) is
  'Stock, returns, backorders and discount code of an order of which something was taken back; p_status is its status by now, p_restock what was said of the goods of its ending.';

create function ledger.refund_facts(
  p_order public.orders, p_change ledger.order_change, p_taken ledger.taken_line[], p_return_id uuid, p_to text)
returns jsonb
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  return jsonb_build_object(
    'order_number', p_order.order_number, 'user_id', p_order.user_id, 'currency', p_order.currency,
    'from_status', p_order.status, 'to_status', p_change.order_status, 'payment_status', p_change.payment_status,
    'refund_id', p_change.refund_id, 'return_id', p_return_id, 'credited_amount', p_change.credited_amount,
    'returned_amount', p_change.returned_amount, 'wallet_amount', p_change.wallet_amount, 'credit_amount', p_change.credit_amount,
    'payout_amount', p_change.payout_amount, 'destination', p_to, 'outstanding_amount', p_change.outstanding_amount,
    'restocked', exists (select from unnest(p_taken) t where t.restocked_quantity > 0),
    'lines', (select coalesce(jsonb_agg(jsonb_build_object('line_number', t.line_number, 'variant_id', t.variant_id, 'quantity', t.quantity,
                               'unshipped_quantity', t.unshipped_quantity, 'restocked_quantity', t.restocked_quantity, 'total_amount', t.total_amount) order by t.line_number), '[]')
              from unnest(p_taken) t));
end $$;
comment on function ledger.refund_facts(public.orders, ledger.order_change, ledger.taken_line[], uuid, text) is
  'What the event of a refund or an ending says of it; amounts in minor units.';
