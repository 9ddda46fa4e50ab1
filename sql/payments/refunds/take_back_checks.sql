/* What ledger.take_back locks, reckons and refuses. */

/* Whose accounts it touches: the customer's and, after the delivery, those that earned by it. */
create function ledger.accounts_to_take_back_from(p_order public.orders)
returns uuid[]
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  if p_order.status <> 'delivered' then
    return array[p_order.user_id];
  end if;
  return p_order.user_id || ledger.vendor_earners(p_order.id)
         || array(select r.referrer_user_id from public.referrals r where r.referee_user_id = p_order.user_id);
end $$;
comment on function ledger.accounts_to_take_back_from(public.orders) is 'The users whose accounts are locked when something of an order is taken back.';

/* Whose stock a refund touches: what is restocked, and whatever may still be on backorder of what is given up. */
create function ledger.variants_to_take_back(p_account_id uuid, p_order_id uuid, p_lines jsonb)
returns uuid[]
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  return (
    select coalesce(array_agg(distinct i.variant_id), '{}')
    from public.order_items i
    where i.account_id = p_account_id and i.order_id = p_order_id
      and (p_lines @> jsonb_build_array(jsonb_build_object('line_number', i.line_number, 'restock', true))
           or p_lines @> jsonb_build_array(jsonb_build_object('line_number', i.line_number, 'unshipped', true))));
end $$;
comment on function ledger.variants_to_take_back(uuid, uuid, jsonb) is 'The variants whose stock is locked when these lines are refunded.';

/*
 * What is taken back of an order after these units with this much shipping, and this free amount, are as well. Units
 * that would bring it above the whole take the place of what was allowed before.
 */
create function ledger.credited_after(p_whole ledger.order_part, p_before ledger.order_part, p_units ledger.order_part, p_amount bigint)
returns ledger.order_part
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_after ledger.order_part;
begin
  v_after.goods_amount := p_before.goods_amount + p_units.goods_amount;
  v_after.discount_amount := p_before.discount_amount + p_units.discount_amount;
  v_after.tax_amount := p_before.tax_amount + p_units.tax_amount;
  v_after.lines_amount := p_before.lines_amount + p_units.lines_amount;
  v_after.base_amount := p_before.base_amount + p_units.base_amount;
  v_after.vendor_amount := p_before.vendor_amount + p_units.vendor_amount;
  v_after.shipping_amount := p_before.shipping_amount + p_units.shipping_amount;
  v_after.allowance_amount := least(p_before.allowance_amount + p_amount,
    p_whole.lines_amount - v_after.lines_amount + p_whole.shipping_amount - v_after.shipping_amount);
  v_after.allowance_tax_amount := ledger.share_of_allowance(p_whole.tax_amount - v_after.tax_amount, p_whole, v_after);
  return v_after;
end $$;
comment on function ledger.credited_after(ledger.order_part, ledger.order_part, ledger.order_part, bigint) is
  'The part of an order that is taken back by now, with the allowance that is left and the tax in it.';

/* Shipping and free amounts: no more than is left of the order, nor than was paid and did not go back. */
create function ledger.refuse_refund_amounts(
  p_order public.orders, p_shipping_amount bigint, p_amount bigint, p_before ledger.order_part, p_part ledger.order_part)
returns jsonb
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_paid bigint := p_order.paid_amount - p_order.refunded_amount;
  v_shipping_left bigint := p_order.shipping_amount - p_before.shipping_amount;
  v_left bigint := greatest(p_order.total_amount - p_order.credited_amount - p_part.lines_amount - p_shipping_amount, 0);
begin
  return case
    when p_shipping_amount > v_shipping_left then ledger.refuse('refund_exceeds_paid', jsonb_build_object(
      'order_number', p_order.order_number, 'currency', p_order.currency, 'what', 'shipping', 'requested', p_shipping_amount, 'refundable', v_shipping_left))
    when p_amount > v_left then ledger.refuse('refund_exceeds_paid', jsonb_build_object(
      'order_number', p_order.order_number, 'currency', p_order.currency, 'what', 'the order', 'requested', p_amount, 'refundable', v_left))
    when p_shipping_amount + p_amount > greatest(v_paid, 0) then ledger.refuse('refund_exceeds_paid', jsonb_build_object(
      'order_number', p_order.order_number, 'currency', p_order.currency, 'what', 'what was paid',
      'requested', p_shipping_amount + p_amount, 'refundable', greatest(v_paid, 0)))
  end;
end $$;
comment on function ledger.refuse_refund_amounts(public.orders, bigint, bigint, ledger.order_part, ledger.order_part) is
  'The refusal for shipping or a free amount that is more than can be refunded, or null. Minor units.';

/* A delivered order is refunded when nothing of its total and none of its units is left, or an allowance stands for them. */
create function ledger.status_after_refund(p_order public.orders, p_credited bigint, p_allowance bigint, p_taken ledger.taken_line[])
returns text
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  if p_order.status = 'delivered' and p_credited = p_order.total_amount
     and (p_allowance > 0 or not exists (
       select from public.order_items i
       left join ledger.refunded_units(p_order.id) r on r.line_number = i.line_number
       left join unnest(p_taken) t on t.line_number = i.line_number
       where i.account_id = p_order.account_id and i.order_id = p_order.id
         and i.quantity > coalesce(r.quantity, 0) + coalesce(t.quantity, 0))) then
    return 'refunded';
  end if;
  return p_order.status;
end $$;
comment on function ledger.status_after_refund(public.orders, bigint, bigint, ledger.taken_line[]) is
  'The status of an order of which these lines are taken back and p_credited in all, p_allowance of it as an allowance.';
