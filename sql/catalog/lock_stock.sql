/* Locks of stock, by variant and then by slot, as everywhere. */

/* Slot 0 of variants whose units come back. */
create function ledger.lock_stock_to_return(p_variant_ids uuid[])
returns integer
language plpgsql
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
as $$
declare
  v_count integer;
begin
  perform from public.stock_levels s
  where s.variant_id = any (p_variant_ids) and s.slot = 0
  order by s.variant_id
  for no key update;
  get diagnostics v_count = row_count;
  return v_count;
end $$;
comment on function ledger.lock_stock_to_return(uuid[]) is 'Locks slot 0 of these variants by id: what comes in comes in there. Answers how many.';

/* Every slot of variants; twice, because slots that were opened while the first statement waited are unknown to it. */
create function ledger.lock_all_stock(p_variant_ids uuid[])
returns integer
language plpgsql
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
as $$
declare
  v_count integer;
begin
  for v_time in 1..2 loop
    perform from public.stock_levels s
    where s.variant_id = any (p_variant_ids)
    order by s.variant_id, s.slot
    for no key update;
    get diagnostics v_count = row_count;
  end loop;
  return v_count;
end $$;
comment on function ledger.lock_all_stock(uuid[]) is 'Locks all slots of these variants, by variant and slot. Answers how many.';

/* Every slot of variants, all at once or not at all, for who holds locks that come later in the order. */
create function ledger.lock_slots_without_waiting(p_variant_ids uuid[])
returns boolean
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  perform from public.stock_levels s
  where s.variant_id = any (p_variant_ids)
  order by s.variant_id, s.slot
  for no key update nowait;
  return true;
exception when lock_not_available then
  return false;
end $$;
comment on function ledger.lock_slots_without_waiting(uuid[]) is 'Locks all slots of these variants; false, and nothing more locked, when somebody else holds one.';

/*
 * For an order that read its variants as lying in slot 0 alone, locked that and found it short, while the
 * stock of one was being spread: the other slots too, without waiting, because it holds other variants.
 */
create function ledger.lock_slots_opened_since(p_variant_ids uuid[])
returns boolean
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  return exists (select from public.variants v where v.id = any (p_variant_ids) and v.stock_slots > 1)
         and ledger.lock_slots_without_waiting(p_variant_ids);
end $$;
comment on function ledger.lock_slots_opened_since(uuid[]) is
  'Locks all slots of variants of which some lie in several by now; false when none does or somebody else holds one.';
