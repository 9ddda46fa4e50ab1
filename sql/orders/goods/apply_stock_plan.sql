/*
 * Carries out what ledger.plan_stock has locked and reckoned, for an order that exists. Accounts and
 * stock are locked by the caller; other orders' backorders are written under slot 0.
 */
create function ledger.apply_stock_plan(
  p_plan ledger.stock_plan, p_reason text, p_actor ledger.actor, p_order_id uuid, p_account_id uuid, p_correlation_id uuid)
returns integer
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_count integer := 0;
  v_dropped bigint[];
  v_freed_ids uuid[];
  v_freed_slots smallint[];
begin
  -- what leaves, and what was reserved for it
  if p_plan.variant_ids is not null then
    v_count := ledger.move_in_slots(p_plan.variant_ids, p_plan.slots, p_plan.quantities, p_plan.held, p_reason, p_actor, p_order_id);
  end if;

  -- what is not there
  if p_plan.backordered_ids is not null then
    insert into public.backorders as b (order_id, variant_id, account_id, quantity)
    select p_order_id, w.variant_id, p_account_id, w.quantity
    from unnest(p_plan.backordered_ids, p_plan.backordered) w (variant_id, quantity)
    -- an order has one place in the queue: with more units it queues anew
    on conflict (order_id, variant_id) do update set quantity = b.quantity + excluded.quantity, created_at = excluded.created_at;
  end if;

  -- what comes back: units that were still waited for never left
  if p_plan.returned_ids is not null then
    v_dropped := ledger.drop_open_units(p_order_id, p_plan.returned_ids, p_plan.returned, true);
    v_count := v_count + ledger.restock(p_plan.returned_ids,
      array(select w.quantity - w.dropped from unnest(p_plan.returned, v_dropped) with ordinality w (quantity, dropped, place) order by w.place),
      p_reason, p_actor, p_order_id, p_correlation_id);
  end if;

  -- what was reserved and is not used
  if p_plan.held is not null then
    select array_agg(w.variant_id), array_agg(w.slot) into v_freed_ids, v_freed_slots
    from unnest(p_plan.variant_ids, p_plan.slots, p_plan.quantities, p_plan.held) w (variant_id, slot, quantity, held)
    where w.held < w.quantity;
    if v_freed_ids is not null then
      perform ledger.pass_on_freed_units(v_freed_ids, v_freed_slots, p_actor, p_correlation_id);
    end if;
  end if;

  if p_plan.low_ids is not null then
    perform ledger.alert_low_stock(p_plan.low_ids, p_plan.low_quantities);
  end if;
  return v_count;
end $$;
comment on function ledger.apply_stock_plan(ledger.stock_plan, text, ledger.actor, uuid, uuid, uuid) is
  'Moves the stock of a plan with the reason order_placed or order_edited, keeps its backorders, puts back what comes back, and queues stock.low; answers how many slots and variants moved.';
