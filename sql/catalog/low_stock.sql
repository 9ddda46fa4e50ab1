/*
 * Whether a variant in several slots has run low. The row of one slot says by itself that an order
 * made it cross the threshold; of several slots each order sees the others' as they were committed, and
 * two at once could both miss the crossing. So it is remembered here, and who runs low locks the row,
 * after all stock and before the counter of a discount code.
 */
create table ledger.low_stock_marks (
  variant_id uuid primary key references public.variants (id) on delete restrict,
  is_low boolean not null
);
select ledger.protect_from_hands('ledger.low_stock_marks', 'ledger_spread_stock');
comment on table ledger.low_stock_marks is 'One row per variant whose stock is spread over slots: whether its sum is at or below the threshold.';

/* What low_stock_threshold says for a variant, the setting where it says nothing. */
create function ledger.low_stock_threshold(p_variant public.variants)
returns bigint
language sql stable
return coalesce(p_variant.low_stock_threshold,
                (select (s.value #>> '{}')::bigint from public.settings s where s.key = 'low_stock_threshold'));
comment on function ledger.low_stock_threshold(public.variants) is 'Units at or below which a variant runs low (source 004).';

create function ledger.lock_low_stock_marks(p_variant_ids uuid[])
returns integer
language plpgsql
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
as $$
declare
  v_count integer;
begin
  perform from ledger.low_stock_marks m
  where m.variant_id = any (p_variant_ids)
  order by m.variant_id
  for no key update;
  get diagnostics v_count = row_count;
  return v_count;
end $$;
comment on function ledger.lock_low_stock_marks(uuid[]) is
  'Locks the marks of those of these variants that lie in several slots, by id; after all stock, before the counter of a discount code. Answers how many.';

/*
 * Which of these variants the removal of these quantities may bring to their threshold. A variant in several
 * slots that is low already has nothing more to say until it has risen.
 */
create function ledger.may_run_low(p_variant_ids uuid[], p_quantities bigint[])
returns table (variant_id uuid, quantity bigint)
language plpgsql stable
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
as $$
begin
  return query
    select w.variant_id, w.quantity
    from unnest(p_variant_ids, p_quantities) w (variant_id, quantity)
    join public.variants v on v.id = w.variant_id
    left join ledger.low_stock_marks m on m.variant_id = w.variant_id
    cross join lateral (select sum(s.on_hand) as on_hand, ledger.low_stock_threshold(v) as threshold
                        from public.stock_levels s where s.variant_id = w.variant_id) s
    where m.variant_id is null
       or (s.on_hand + w.quantity <= s.threshold and not (m.is_low and s.on_hand <= s.threshold));
end $$;
comment on function ledger.may_run_low(uuid[], bigint[]) is
  'Those of these variants, with their signed quantities, that may cross their threshold; of several slots by the sum as far as it is committed.';

/*
 * Queues stock.low for those of these variants whose stock, changed by these quantities, has just
 * crossed the threshold. Of variants in several slots the mark decides: once low, quiet until the sum has
 * been above again, or the threshold below it. The sum may be late by orders that are under way; the next order sees them.
 */
create function ledger.alert_low_stock(p_variant_ids uuid[], p_quantities bigint[])
returns integer
language plpgsql
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
as $$
declare
  v_count integer;
begin
  perform ledger.lock_low_stock_marks(p_variant_ids);

  with sums as (
    select v.id, v.sku, v.name, ledger.low_stock_threshold(v) as threshold, m.is_low as was_low,
           (select sum(s.on_hand) from public.stock_levels s where s.variant_id = v.id)::bigint as on_hand,
           p_quantities[array_position(p_variant_ids, v.id)] as change
    from public.variants v
    left join ledger.low_stock_marks m on m.variant_id = v.id
    where v.id = any (p_variant_ids)),
  marked as (
    update ledger.low_stock_marks m set is_low = not m.is_low
    from sums s
    where m.variant_id = s.id and m.is_low <> (s.on_hand <= s.threshold))
  insert into ledger.outbox (type, payload)
  select 'stock.low', jsonb_build_object('variant_id', s.id, 'sku', s.sku, 'name', s.name, 'on_hand', s.on_hand, 'threshold', s.threshold)
  from sums s
  where s.on_hand <= s.threshold and not (coalesce(s.was_low, true) and s.on_hand - s.change <= s.threshold);
  get diagnostics v_count = row_count;
  return v_count;
end $$;
comment on function ledger.alert_low_stock(uuid[], bigint[]) is
  'Queues stock.low for variants whose stock, after these changes, has crossed their threshold; answers how many (source 004).';
