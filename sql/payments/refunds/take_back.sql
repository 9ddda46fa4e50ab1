/*
 * Takes back a part of an order that the caller has locked: a refund, a return, or the ending of the
 * order (p_ends_as), which is all that is left of it. What is credited lowers what the customer owes
 * first; only what they have paid beyond that is money back. Amounts in minor units.
 *
 * Before the delivery all money is in escrow, and only what goes back moves. After it the goods taken back
 * go from revenue, tax, shipping and vendors into escrow again, and from there to the customer or,
 * as far as it was never paid, against the receivable: a delivered order leaves nothing in escrow.
 *
 * One look says what has happened to the order before, and steps that have nothing to do then are left out.
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
  v_user_ids uuid[] := case when v_was_delivered then ledger.accounts_to_take_back_from(p_order) else array[p_order.user_id] end;
  v_past ledger.order_past;
  v_units ledger.taken_units;
  v_whole ledger.order_part;
  v_before ledger.order_part := row(0, 0, 0, 0, 0, 0, 0, 0, 0);
  v_after ledger.order_part;
  v_part ledger.order_part;
  v_credited bigint;
  v_money ledger.returned_money;
  v_change ledger.order_change;
begin
  -- lock: accounts (those that earned by the delivery too), stock
  if cardinality(v_user_ids) > 1 then
    perform ledger.lock_accounts(v_user_ids, p_order.currency, p_open => false);
  else
    perform from public.accounts a where a.id = p_order.account_id for no key update;
  end if;
  if p_ends_as is not null and (v_restock or not v_was_delivered) then
    perform from public.stock_levels s
    where s.variant_id = any (array(select i.variant_id from public.order_items i
                                    where i.account_id = p_order.account_id and i.order_id = p_order.id)) and s.slot = 0
    order by s.variant_id
    for no key update;
  elsif p_lines @> '[{"restock": true}]' or p_lines @> '[{"unshipped": true}]' then
    perform ledger.lock_stock_to_return(ledger.variants_to_take_back(p_order.account_id, p_order.id, p_lines));
  end if;
  v_past := ledger.past_of_order(p_order.id, p_order.user_id, v_was_delivered);

  -- check: customer, lines
  if v_past.customer_is_erased then
    v_change.refusal := ledger.refuse_erased(p_order.user_id);
  elsif p_lines is not null then
    v_change.refusal := ledger.refuse_refund_lines(p_order, p_lines, v_past);
  end if;
  if v_change.refusal is not null then
    return v_change;
  end if;

  -- the units that are taken back, with the shipping
  if p_ends_as is null then
    v_units := ledger.units_together(ledger.lines_asked_back(p_order, p_lines, v_past));
  elsif v_past.is_refunded or v_past.is_shipped or v_past.is_returned or v_past.awaits_stock then
    v_units := ledger.units_together(ledger.lines_left(p_order, v_restock));
  else
    v_units := ledger.units_together(ledger.untouched_lines(p_order.account_id, p_order.id, p_order.prices_include_tax, v_restock));
  end if;
  v_part := v_units.part;
  if v_past.is_refunded then
    v_before := ledger.credited_part(p_order);
  end if;
  v_part.shipping_amount := case when p_ends_as is null then p_shipping_amount else p_order.shipping_amount - v_before.shipping_amount end;

  -- an allowance, which changes with what is left beside it
  if p_amount > 0 or v_before.allowance_amount > 0 or v_past.gave_commission then
    v_whole := ledger.whole_order(p_order);
    v_after := ledger.credited_after(v_whole, v_before, v_part, p_amount);
    v_part := ledger.part_between(v_before, v_after);
  end if;

  -- the money that follows
  v_credited := ledger.cost_of(v_part);
  v_money := ledger.split_return(p_order, greatest(
    p_order.paid_amount - p_order.refunded_amount - (p_order.total_amount - p_order.credited_amount - v_credited), 0), p_to);

  -- check: amounts
  if p_ends_as is null then
    v_change.refusal := ledger.refuse_refund_amounts(p_order, p_shipping_amount, p_amount, v_before, v_part);
  end if;
  if v_change.refusal is null and v_money.credit_amount > 0 then
    v_change.refusal := (select ledger.refuse('amount_too_large', jsonb_build_object('maximum', 9007199254740991))
                         from public.accounts a
                         where a.id = p_order.account_id and a.total_earned + v_money.credit_amount > 9007199254740991);
  end if;
  if v_change.refusal is not null then
    return v_change;
  end if;

  -- write and record
  v_change := ledger.write_taken_back(
    p_order, v_past, v_units, v_part, v_money,
    case when p_ends_as is not null then p_ends_as
         when v_was_delivered then ledger.status_after_refund(p_order, ledger.cost_of(v_before) + v_credited,
                                                              v_before.allowance_amount + v_part.allowance_amount, v_units.lines)
         else p_order.status end,
    p_to, v_restock, p_return_id, p_actor, p_reason,
    coalesce(p_reason, case when p_ends_as is null then 'order refunded' else format('order %s to %s', p_order.status, p_ends_as) end),
    p_correlation_id, p_metadata);

  -- the sides of those who earned by the delivery; the customer may be one of them
  if v_past.gave_commission then
    perform ledger.claw_back_commission(p_order.id, v_whole.base_amount - ledger.credited_base(v_whole, v_after), p_actor, p_correlation_id);
  end if;
  if v_past.gave_vendors then
    perform ledger.claw_back_vendor_earnings(p_order, p_actor, p_correlation_id);
  end if;
  if cardinality(v_user_ids) > 1 then
    v_change.available_balance := (select a.available_balance from public.accounts a where a.id = p_order.account_id);
  end if;
  return v_change;
end $$;
comment on function ledger.take_back(public.orders, jsonb, bigint, bigint, text, ledger.actor, text, uuid, uuid, text, jsonb) is
  'Takes back lines [{"line_number", "quantity", "restock", "unshipped"}], shipping and a free amount of a locked order, or with p_ends_as all that is left. Refuses before its first write; the caller has set ledger.procedure. p_to: wallet or original, for what was paid from outside. A delivered order of which nothing is left becomes refunded.';
