/*
 * Which slots of a variant an order takes its units from. A choice that turns out wrong is given back
 * before anything is waited for: a block with an exception ends its locks with it.
 */

/* What a slot gives to an order: available counts what the order's own reservation holds there, which is freed. */
create type ledger.slot_share as (slot smallint, on_hand bigint, available bigint, taken bigint, freed bigint);

/*
 * One slot that has enough, locked; null when there seems to be none, and then nothing stays locked.
 * Sessions start from different slots, take any that is free, and only when all with enough are taken
 * wait for one. After the wait it may be short: then it is given back.
 */
create function ledger.lock_one_slot(p_variant_id uuid, p_slots smallint, p_units bigint)
returns ledger.slot_share
language plpgsql
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
as $$
declare
  v_first integer := pg_backend_pid() % p_slots;
  v_share ledger.slot_share;
begin
  -- a row that became short between being seen and being locked stays locked although it is not answered
  begin
    select l.slot, l.on_hand, l.on_hand - l.held, p_units, 0 into v_share
    from public.stock_levels l
    where l.variant_id = p_variant_id and l.slot = v_first and l.on_hand - l.held >= p_units
    for no key update skip locked;
    if not found then
      select l.slot, l.on_hand, l.on_hand - l.held, p_units, 0 into v_share
      from public.stock_levels l
      where l.variant_id = p_variant_id and l.on_hand - l.held >= p_units
      order by (l.slot + p_slots - v_first) % p_slots, l.slot
      limit 1
      for no key update skip locked;
    end if;
    if v_share.slot is null then
      raise exception using errcode = 'SLOT0', message = 'no slot with enough is free';
    end if;
    return v_share;
  exception when sqlstate 'SLOT0' then
    null;
  end;

  begin
    select l.slot, l.on_hand, l.on_hand - l.held, p_units, 0 into v_share
    from public.stock_levels l
    where l.variant_id = p_variant_id and l.on_hand - l.held >= p_units
      and l.slot = (select e.slot
                    from public.stock_levels e
                    where e.variant_id = p_variant_id and e.on_hand - e.held >= p_units
                    order by (e.slot + p_slots - v_first) % p_slots, e.slot
                    limit 1)
    for no key update;
    if v_share.slot is null then
      raise exception using errcode = 'SLOT0', message = 'the slot that was waited for is short';
    end if;
    return v_share;
  exception when sqlstate 'SLOT0' then
    return null;
  end;
end $$;
comment on function ledger.lock_one_slot(uuid, smallint, bigint) is
  'Locks one slot with at least these units available and answers it; null, and nothing locked, when none seems to have them.';

/* Slots of a variant, locked in order, and what each gives to make up these units: reserved ones first. */
create function ledger.lock_slots(p_variant_id uuid, p_slots smallint[], p_units bigint, p_reserved_slots smallint[], p_reserved bigint[])
returns ledger.slot_share[]
language plpgsql
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
as $$
begin
  return (
    select array_agg(row(s.slot, s.on_hand, s.available, greatest(0, least(s.available, p_units - (s.so_far - s.available))), s.freed)::ledger.slot_share
                     order by s.slot)
    from (
      select g.*, sum(g.available) over (order by g.freed = 0, g.slot) as so_far
      from (
        select l.slot, l.on_hand, coalesce(p_reserved[array_position(p_reserved_slots, l.slot)], 0) as freed,
               l.on_hand - l.held + coalesce(p_reserved[array_position(p_reserved_slots, l.slot)], 0) as available
        from public.stock_levels l
        where l.variant_id = p_variant_id and (p_slots is null or l.slot = any (p_slots))
        order by l.slot
        for no key update) g) s);
end $$;
comment on function ledger.lock_slots(uuid, smallint[], bigint, smallint[], bigint[]) is
  'Locks these slots of a variant, or all when null, and shares the units out over them; answers what each has and gives.';
