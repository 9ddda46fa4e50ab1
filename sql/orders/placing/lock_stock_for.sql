/*
 * Lock step "variants by id": locks the stock of a priced order and answers its first shortage as
 * a refusal. Lines of the same variant count together.
 */
create function ledger.lock_stock_for(p_pricing ledger.order_pricing)
returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
as $$
declare
  v_locked jsonb;
  v_enough boolean;
  v_short jsonb;
begin
  -- compared in the aggregate and not in a condition: that would be tried before the lock, which then
  -- took only rows that look short already
  select count(*) = cardinality(p_pricing.variant_ids)
         and bool_and(s.available + p_pricing.quantities[array_position(p_pricing.variant_ids, s.variant_id)] >= 0),
         jsonb_object_agg(s.variant_id, s.available)
  into v_enough, v_locked
  from (select l.variant_id, l.on_hand - l.held as available
        from public.stock_levels l
        where l.variant_id = any (p_pricing.variant_ids) and l.slot = 0
        order by l.variant_id
        for no key update) s;
  if v_enough then
    return null;
  end if;

  select jsonb_agg(jsonb_build_object('variant_id', w.variant_id, 'name', w.name, 'available', w.available, 'requested', w.quantity)
                   order by w.line_number)
  into v_short
  from (select l.variant_id, sum(l.quantity) as quantity, min(l.line_number) as line_number,
               min(ledger.item_name(l.product_name, l.variant_name)) as name,
               coalesce((v_locked ->> l.variant_id::text)::bigint, 0) as available
        from unnest(p_pricing.lines) l
        group by l.variant_id) w
  where w.available < w.quantity;
  return ledger.refuse('insufficient_stock', (v_short -> 0) || jsonb_build_object(
    'shortages', (select jsonb_agg(e.shortage - 'name' order by e.position)
                  from jsonb_array_elements(v_short) with ordinality e (shortage, position))));
end $$;
comment on function ledger.lock_stock_for(ledger.order_pricing) is
  'Locks the stock rows of a priced order by variant id; answers the refusal for the first variant that is short, or null.';
