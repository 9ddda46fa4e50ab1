/*
 * Moves the stock of slots, each named once, and what reservations hold there, which is no movement. Says
 * nothing of low stock: ledger.alert_low_stock does. For slot 0 alone ledger.move_stock is shorter.
 */
create function ledger.move_in_slots(
  p_variant_ids uuid[], p_slots smallint[], p_quantities bigint[], p_held bigint[], p_reason text, p_actor ledger.actor,
  p_order_id uuid default null, p_notes text default null)
returns integer
language plpgsql
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
as $$
declare
  v_count integer;
begin
  with moved as (
    update public.stock_levels s set
      on_hand = s.on_hand + w.quantity,
      held = s.held + coalesce(w.held, 0),
      version = s.version + case when w.quantity <> 0 then 1 else 0 end
    from unnest(p_variant_ids, p_slots, p_quantities, p_held) w (variant_id, slot, quantity, held)
    where s.variant_id = any (p_variant_ids) and s.variant_id = w.variant_id and s.slot = w.slot
    returning s.variant_id, s.slot, s.version, s.on_hand, w.quantity),
  recorded as (
    insert into public.stock_movements
      (variant_id, slot, slot_version, quantity, on_hand_after, reason, order_id, actor_id, notes)
    select m.variant_id, m.slot, m.version, m.quantity, m.on_hand, p_reason, p_order_id, p_actor.user_id, p_notes
    from moved m
    where m.quantity <> 0)
  select count(*) into v_count from moved;

  if v_count <> coalesce(cardinality(p_variant_ids), 0) then
    raise exception 'of % slots % could be moved: each is named once and has a row in stock_levels', cardinality(p_variant_ids), v_count;
  end if;
  return v_count;
end $$;
comment on function ledger.move_in_slots(uuid[], smallint[], bigint[], bigint[], text, ledger.actor, uuid, text) is
  'Applies signed quantities to these slots'' stock and to what is held there (p_held null: nothing), and records the movements; answers how many slots.';
