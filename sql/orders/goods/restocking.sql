/* Units that come in: backorders first, oldest first. The caller holds the slots, and slot 0 of each variant. */

/*
 * Fills waiting backorders from what is available in these slots, with a movement and an event for each. A
 * rejected order can only be cancelled, so it is passed over.
 */
create function ledger.fill_backorders(p_variant_ids uuid[], p_slots smallint[], p_actor ledger.actor, p_correlation_id uuid)
returns bigint
language plpgsql
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
as $$
declare
  v_fill record;
  v_units bigint := 0;
begin
  for v_fill in
    with waiting as (
      select b.order_id, b.variant_id, b.account_id, b.created_at, b.open_quantity,
             sum(b.open_quantity) over (partition by b.variant_id order by b.created_at, b.order_id) as up_to
      from public.backorders b
      join public.orders o on o.id = b.order_id and o.status <> 'rejected'
      where b.variant_id = any (p_variant_ids) and b.open_quantity > 0),
    there as (
      select s.variant_id, s.slot, s.on_hand - s.held as available,
             sum(s.on_hand - s.held) over (partition by s.variant_id order by s.slot) as up_to
      from public.stock_levels s
      join (select distinct u.variant_id, u.slot from unnest(p_variant_ids, p_slots) u (variant_id, slot)) u
        on u.variant_id = s.variant_id and u.slot = s.slot
      where s.variant_id = any (p_variant_ids) and s.on_hand > s.held)
    select w.order_id, w.variant_id, w.account_id, t.slot, w.open_quantity,
           (least(w.up_to, t.up_to) - greatest(w.up_to - w.open_quantity, t.up_to - t.available))::bigint as quantity
    from waiting w
    join there t on t.variant_id = w.variant_id and t.up_to > w.up_to - w.open_quantity and w.up_to > t.up_to - t.available
    order by w.variant_id, w.created_at, w.order_id, t.slot
  loop
    perform ledger.move_in_slots(array[v_fill.variant_id], array[v_fill.slot], array[-v_fill.quantity], null,
                                 'backorder_filled', p_actor, v_fill.order_id);
    update public.backorders b set filled_quantity = b.filled_quantity + v_fill.quantity
    where b.order_id = v_fill.order_id and b.variant_id = v_fill.variant_id;
    perform ledger.record_operation('backorder.filled', 'order', v_fill.order_id, v_fill.account_id,
      jsonb_build_object('variant_id', v_fill.variant_id, 'quantity', v_fill.quantity,
                         'open_quantity', ledger.open_backorder(v_fill.order_id, v_fill.variant_id)),
      p_actor, p_correlation_id);
    v_units := v_units + v_fill.quantity;
  end loop;
  return v_units;
end $$;
comment on function ledger.fill_backorders(uuid[], smallint[], ledger.actor, uuid) is
  'Gives what is available in these slots to the variants'' waiting backorders, oldest first; answers how many units.';

/* Units that had left come back, one quantity per variant. */
create function ledger.restock(
  p_variant_ids uuid[], p_quantities bigint[], p_reason text, p_actor ledger.actor, p_order_id uuid, p_correlation_id uuid)
returns integer
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_variant_ids uuid[] := p_variant_ids;
  v_quantities bigint[] := p_quantities;
begin
  if 0 >= any (p_quantities) then
    select array_agg(w.variant_id), array_agg(w.quantity) into v_variant_ids, v_quantities
    from unnest(p_variant_ids, p_quantities) w (variant_id, quantity)
    where w.quantity > 0;
  end if;
  if v_variant_ids is null then
    return 0;
  end if;
  perform ledger.move_stock(v_variant_ids, v_quantities, p_reason, p_actor, p_order_id);
  -- few variants are waited for or lie in several slots
  if exists (select from public.backorders b where b.variant_id = any (v_variant_ids) and b.open_quantity > 0)
     or exists (select from ledger.low_stock_marks m where m.variant_id = any (v_variant_ids)) then
    perform ledger.fill_backorders(v_variant_ids, array_fill(0::smallint, array[cardinality(v_variant_ids)]), p_actor, p_correlation_id);
    perform ledger.alert_low_stock(v_variant_ids, v_quantities);
  end if;
  return cardinality(v_variant_ids);
end $$;
comment on function ledger.restock(uuid[], bigint[], text, ledger.actor, uuid, uuid) is
  'Puts units of an order back into the stock of these variants (quantities above zero; others are passed over) and fills waiting backorders; answers how many variants.';

/* What a reservation held and no order used: out of slots that are no longer in use, and on to who waits for it. */
create function ledger.pass_on_freed_units(p_variant_ids uuid[], p_slots smallint[], p_actor ledger.actor, p_correlation_id uuid)
returns bigint
language plpgsql
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
as $$
declare
  v_stray record;
  v_before jsonb;
  v_units bigint;
  v_filled_ids uuid[];
  v_filled bigint[];
begin
  for v_stray in
    select s.variant_id, array_agg(s.slot) as slots, array_agg(s.on_hand - s.held) as quantities, sum(s.on_hand - s.held)::bigint as total
    from public.stock_levels s
    join unnest(p_variant_ids, p_slots) u (variant_id, slot) on u.variant_id = s.variant_id and u.slot = s.slot
    join public.variants v on v.id = s.variant_id
    where s.variant_id = any (p_variant_ids) and s.slot >= v.stock_slots and s.on_hand > s.held
    group by s.variant_id
  loop
    perform ledger.move_in_slots(
      array_fill(v_stray.variant_id, array[cardinality(v_stray.slots) + 1]), v_stray.slots || 0::smallint,
      array(select -q.quantity from unnest(v_stray.quantities) with ordinality q (quantity, place) order by q.place) || v_stray.total,
      null, 'slots_spread', p_actor);
  end loop;

  select jsonb_object_agg(s.variant_id, s.stock_quantity) into v_before from public.variant_stock s where s.variant_id = any (p_variant_ids);
  v_units := ledger.fill_backorders(p_variant_ids || p_variant_ids, p_slots || array_fill(0::smallint, array[cardinality(p_variant_ids)]),
                                    p_actor, p_correlation_id);
  if v_units > 0 then
    select array_agg(s.variant_id), array_agg(s.stock_quantity - (v_before ->> s.variant_id::text)::bigint) into v_filled_ids, v_filled
    from public.variant_stock s
    where s.variant_id = any (p_variant_ids) and s.stock_quantity <> (v_before ->> s.variant_id::text)::bigint;
    perform ledger.alert_low_stock(v_filled_ids, v_filled);
  end if;
  return v_units;
end $$;
comment on function ledger.pass_on_freed_units(uuid[], smallint[], ledger.actor, uuid) is
  'After reservations freed units in these slots: moves those of slots beyond variants.stock_slots to slot 0 and fills waiting backorders; answers how many units those got.';
