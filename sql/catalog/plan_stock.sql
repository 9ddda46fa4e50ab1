/*
 * Locks the stock of these variants, each named once, by variant and slot, and chooses the slots that
 * units are taken from (quantity below zero); what comes back (above zero) comes in at slot 0. An active
 * reservation, which the caller holds, is available to this plan alone, and used up or freed by it.
 */
create function ledger.plan_stock(p_variant_ids uuid[], p_quantities bigint[], p_reservation_id uuid default null)
returns ledger.stock_plan
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_plan ledger.stock_plan;
  v_want record;
  v_shares ledger.slot_share[];
  v_share ledger.slot_share;
  v_taken bigint;
  v_shortages jsonb := '[]'::jsonb;
begin
  for v_want in
    select v.id, -coalesce(w.quantity, 0) as units, v.stock_slots, v.backorder_allowed, ledger.low_stock_threshold(v) as threshold,
           r.slots as reserved_slots, r.quantities as reserved, coalesce(r.total, 0) as reserved_total
    from unnest(p_variant_ids, p_quantities) w (variant_id, quantity)
    full join (select l.variant_id, array_agg(l.slot) as slots, array_agg(l.quantity) as quantities, sum(l.quantity) as total
               from public.stock_reservation_lines l
               where l.reservation_id = p_reservation_id
               group by l.variant_id) r on r.variant_id = w.variant_id
    join public.variants v on v.id = coalesce(w.variant_id, r.variant_id)
    order by v.id
  loop
    if v_want.units < 0 then
      perform ledger.lock_stock_to_return(array[v_want.id]);
      v_plan.returned_ids := v_plan.returned_ids || v_want.id;
      v_plan.returned := v_plan.returned || -v_want.units;
      continue;
    end if;

    -- one slot that has all of it; else all of them, unless even together they had too little when it was asked.
    -- What a reservation does not use is freed, for which slot 0 is locked too
    v_shares := null;
    if v_want.stock_slots > 1 and v_want.reserved_slots is null then
      v_share := ledger.lock_one_slot(v_want.id, v_want.stock_slots, v_want.units);
      if v_share.slot is not null then
        v_shares := array[v_share];
      elsif not v_want.backorder_allowed then
        v_taken := (select sum(l.on_hand - l.held) from public.stock_levels l where l.variant_id = v_want.id);
        if v_taken < v_want.units then
          v_shortages := v_shortages || jsonb_build_object('variant_id', v_want.id, 'available', v_taken, 'requested', v_want.units);
          continue;
        end if;
      end if;
    end if;
    v_shares := coalesce(v_shares, ledger.lock_slots(v_want.id,
      case when v_want.units <= v_want.reserved_total then v_want.reserved_slots || 0::smallint end,
      v_want.units, v_want.reserved_slots, v_want.reserved));
    -- short: once more, for slots that were opened while the first statement waited
    if (select sum(s.taken) from unnest(v_shares) s) < v_want.units then
      v_shares := ledger.lock_slots(v_want.id, null, v_want.units, v_want.reserved_slots, v_want.reserved);
    end if;

    v_taken := 0;
    foreach v_share in array v_shares loop
      v_taken := v_taken + v_share.taken;
      if v_share.taken > 0 or v_share.freed > 0 then
        v_plan.variant_ids := v_plan.variant_ids || v_want.id;
        v_plan.slots := v_plan.slots || v_share.slot;
        v_plan.quantities := v_plan.quantities || -v_share.taken;
        v_plan.held := v_plan.held || -v_share.freed;
      end if;
    end loop;
    -- the sum is low only where each slot is: the last one tells when there is no need to ask
    if v_taken > 0 and v_share.on_hand - v_share.taken <= v_want.threshold then
      v_plan.low_ids := v_plan.low_ids || v_want.id;
      v_plan.low_quantities := v_plan.low_quantities || -v_taken;
    end if;
    if v_taken < v_want.units and v_want.backorder_allowed then
      v_plan.backordered_ids := v_plan.backordered_ids || v_want.id;
      v_plan.backordered := v_plan.backordered || v_want.units - v_taken;
    elsif v_taken < v_want.units then
      v_shortages := v_shortages || jsonb_build_object('variant_id', v_want.id, 'available', v_taken, 'requested', v_want.units);
    end if;
  end loop;

  if v_shortages <> '[]' then
    v_plan.refusal := ledger.refuse_shortages((
      select jsonb_agg(s.shortage order by array_position(p_variant_ids, (s.shortage ->> 'variant_id')::uuid))
      from jsonb_array_elements(v_shortages) s (shortage)));
  else
    v_plan := ledger.lock_marks_of_plan(v_plan);
  end if;
  return v_plan;
end $$;
comment on function ledger.plan_stock(uuid[], bigint[], uuid) is
  'Locks the stock of these variants and says from which slots these signed quantities come, what is backordered and what comes back; its refusal is insufficient_stock or null. Writes nothing.';
