/*
 * What an order, an edit or a reservation does to the stock: reckoned under the locks by
 * ledger.plan_stock, carried out by ledger.apply_stock_plan or public.order_reserve. Orders of variants in one
 * slot, and of one variant with plenty in several, do not need one unless a reservation or a backorder is in
 * play: ledger.take_stock, or ledger.lock_own_slot and ledger.move_in_slots, are shorter.
 */
create type ledger.stock_plan as (
  refusal jsonb,
  variant_ids uuid[],
  slots smallint[],
  quantities bigint[],
  held bigint[],
  low_ids uuid[],
  low_quantities bigint[],
  backordered_ids uuid[],
  backordered bigint[],
  returned_ids uuid[],
  returned bigint[]
);
comment on type ledger.stock_plan is
  'refusal, or by slot the signed changes of on_hand (quantities) and held; low: variants that may run low and what leaves them; backordered: units that are not there; returned: units that come back.';

/* A shortage, or several, as a refusal: [{"variant_id", "available", "requested"}] in the order asked. */
create function ledger.refuse_shortages(p_shortages jsonb)
returns jsonb
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  return ledger.refuse('insufficient_stock', (p_shortages -> 0) || jsonb_build_object('shortages', p_shortages, 'name', (
    select ledger.item_name(p.name, v.name)
    from public.variants v
    join public.products p on p.id = v.product_id
    where v.id = (p_shortages -> 0 ->> 'variant_id')::uuid)));
end $$;
comment on function ledger.refuse_shortages(jsonb) is 'insufficient_stock for the first of these shortages, with all of them in its details.';

/* The last locks of a plan: the marks of variants that may run low, or rise, or pass freed units on. */
create function ledger.lock_marks_of_plan(p_plan ledger.stock_plan)
returns ledger.stock_plan
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_freed_ids uuid[];
begin
  if p_plan.low_ids is not null then
    select array_agg(l.variant_id), array_agg(l.quantity) into p_plan.low_ids, p_plan.low_quantities
    from ledger.may_run_low(p_plan.low_ids, p_plan.low_quantities) l;
  end if;
  v_freed_ids := array(select w.variant_id
                       from unnest(p_plan.variant_ids, p_plan.quantities, p_plan.held) w (variant_id, quantity, held)
                       where w.held < w.quantity);
  if p_plan.low_ids is not null or p_plan.returned_ids is not null or v_freed_ids <> '{}' then
    perform ledger.lock_low_stock_marks(p_plan.low_ids || p_plan.returned_ids || v_freed_ids);
  end if;
  return p_plan;
end $$;
comment on function ledger.lock_marks_of_plan(ledger.stock_plan) is
  'Keeps of the plan''s low variants those that may cross their threshold, and locks the marks that it may change.';
