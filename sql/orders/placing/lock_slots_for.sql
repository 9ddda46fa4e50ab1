create type ledger.slots_to_place as (
  refusal jsonb,
  slots smallint[],
  plan ledger.stock_plan
);
comment on type ledger.slots_to_place is 'Where the units of an order come from: slots of one variant, or a plan; or why there are too few.';

/*
 * Lock step "variants by id" for stock that does not all lie in slot 0 (ledger.lock_stock_for has the rest):
 * one variant comes out of the caller's own slot where that has enough (thresholds are given), several, a
 * reservation or backorders by a plan.
 */
create function ledger.lock_slots_for(p_variant_ids uuid[], p_quantities bigint[], p_thresholds bigint[], p_reservation_id uuid)
returns ledger.slots_to_place
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_stock ledger.slots_to_place;
begin
  if p_reservation_id is null and p_thresholds is not null and cardinality(p_variant_ids) = 1 then
    v_stock.slots := ledger.lock_own_slot(p_variant_ids[1], -p_quantities[1], p_thresholds[1]);
  end if;
  if v_stock.slots is null then
    v_stock.plan := ledger.plan_stock(p_variant_ids, p_quantities, p_reservation_id);
    v_stock.refusal := (v_stock.plan).refusal;
  elsif v_stock.slots = '{}' then
    v_stock.refusal := ledger.refuse_shortages(jsonb_build_array(jsonb_build_object(
      'variant_id', p_variant_ids[1], 'available', 0, 'requested', -p_quantities[1])));
  end if;
  return v_stock;
end $$;
comment on function ledger.lock_slots_for(uuid[], bigint[], bigint[], uuid) is
  'Locks the stock of an order that is not plain, and says where its units come from; quantities below zero, p_thresholds null: by a plan in any case.';
