/*
 * The short way for an order of one variant with plenty in a slot: the session's own slot or another that
 * is free, without waiting, so that orders of a hot product do not meet. It gives nothing back: a block with
 * an exception, which could, made such orders a fifth dearer. So it locks only where twenty such orders more
 * would fit, as far as is seen; were that gone by the time it is locked, the order would hold a slot that is
 * short, and must not wait for those before it: then it has all of them at once or none.
 */
create function ledger.lock_own_slot(p_variant_id uuid, p_units bigint, p_threshold bigint)
returns smallint[]
language plpgsql
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
as $$
declare
  v_slot smallint;
  v_has_enough boolean;
begin
  -- seen without a lock in the inner query; what the lock finds is judged outside of the condition, so that a
  -- slot that was locked is always answered
  for v_try in 0..2 loop
    select l.slot, l.on_hand - l.held >= p_units and l.on_hand - p_units > p_threshold into v_slot, v_has_enough
    from public.stock_levels l
    where l.variant_id = p_variant_id
      and l.slot = (select s.slot
                    from public.variants v
                    join public.stock_levels s on s.variant_id = v.id and s.slot = (pg_backend_pid() + v_try * 23) % v.stock_slots
                    where v.id = p_variant_id and s.on_hand - s.held >= 21 * p_units and s.on_hand - 21 * p_units > p_threshold)
    for no key update skip locked;
    exit when found;
  end loop;
  if v_slot is null then
    select l.slot, l.on_hand - l.held >= p_units and l.on_hand - p_units > p_threshold into v_slot, v_has_enough
    from public.stock_levels l
    where l.variant_id = p_variant_id
      and l.slot = any (array(select s.slot
                              from public.stock_levels s
                              where s.variant_id = p_variant_id and s.on_hand - s.held >= 21 * p_units and s.on_hand - 21 * p_units > p_threshold))
    order by (l.slot - pg_backend_pid()) & 63, l.slot
    limit 1
    for no key update skip locked;
  end if;

  if v_has_enough then
    return array[v_slot];
  elsif v_slot is null or ledger.lock_slots_without_waiting(array[p_variant_id]) then
    return null;
  end if;
  return '{}'::smallint[];
end $$;
comment on function ledger.lock_own_slot(uuid, bigint, bigint) is
  'Locks one slot of a variant that has many times these units and stays above the threshold, and answers it; null when ledger.plan_stock has to look at all slots; none when somebody else has just taken what was there.';
