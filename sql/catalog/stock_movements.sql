/* A list in a function, because a CHECK is parsed anew by every statement, and a long list in it costs more than the call. */
create function ledger.stock_movement_reasons()
returns text[]
language plpgsql immutable parallel safe
set search_path = pg_catalog, pg_temp
as $$
begin
  return array['received', 'counted', 'damaged', 'slots_spread', 'order_placed', 'order_edited', 'backorder_filled',
               'order_cancelled', 'order_refunded', 'return_restocked'];
end $$;
comment on function ledger.stock_movement_reasons() is 'What stock_movements.reason can be.';

/* Every change of stock with its reason; stock on hand is their sum. */
create table public.stock_movements (
  variant_id uuid not null,
  slot smallint not null default 0,
  slot_version bigint not null,
  quantity bigint not null,
  on_hand_after bigint not null,
  reason text not null,
  order_id uuid,
  actor_id uuid,
  notes text,
  created_at timestamptz not null default clock_timestamp(),
  primary key (variant_id, slot, slot_version),
  constraint reason_is_known check (reason = any (ledger.stock_movement_reasons())),
  constraint movement_moves check (quantity <> 0),
  constraint notes_are_short check (length(notes) <= 2000)
);
alter table public.stock_movements enable row level security;
revoke all on public.stock_movements from anon, authenticated, service_role;
grant select on public.stock_movements to authenticated, service_role;
create policy stock_movements_are_seen_by_staff on public.stock_movements for select to authenticated
  using ((select ledger.caller_may('stock.read')));
-- the movements of an order: ids of orders rise with time, as the table does, so block ranges find them
create index stock_movements_by_order on public.stock_movements using brin (order_id uuid_minmax_multi_ops);
select ledger.make_immutable('public.stock_movements', 'ledger_adjust_stock and the order procedures');
comment on table public.stock_movements is 'Immutable. Signed quantity of each change of stock; slot_version counts them per slot.';

/*
 * Moves the stock of slot 0 by signed quantities, one per variant, with its movements. The stock rows are
 * locked by the caller.
 *
 * Rows are found by an array of ids: from a join the planner may make a scan of all stock, and for an
 * array of known length it would plan anew each time.
 */
create function ledger.move_stock(
  p_variant_ids uuid[], p_quantities bigint[], p_reason text, p_actor ledger.actor, p_order_id uuid default null)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
as $$
declare
  v_count integer;
begin
  with moved as (
    update public.stock_levels s set
      on_hand = s.on_hand + p_quantities[array_position(p_variant_ids, s.variant_id)],
      version = s.version + 1
    where s.variant_id = any (p_variant_ids) and s.slot = 0
    returning s.variant_id, s.slot, s.version, s.on_hand),
  recorded as (
    insert into public.stock_movements (variant_id, slot, slot_version, quantity, on_hand_after, reason, order_id, actor_id)
    select m.variant_id, m.slot, m.version, p_quantities[array_position(p_variant_ids, m.variant_id)], m.on_hand, p_reason, p_order_id,
           p_actor.user_id
    from moved m)
  select count(*) into v_count from moved m;

  if v_count < cardinality(p_variant_ids) then
    raise exception 'of % variants only % have stock: every variant has a row in stock_levels', cardinality(p_variant_ids), v_count;
  end if;
end $$;
comment on function ledger.move_stock(uuid[], bigint[], text, ledger.actor, uuid) is
  'Applies signed quantities to slot 0 of these variants and records the movements.';

/*
 * Takes what an order asks for out of slot 0 of its variants, where all of it is there: locks the rows in the
 * order of their ids, moves them with their movements, and queues one low-stock message per crossing of a
 * variant's threshold. False where something is short; then nothing has moved, but all of it is locked.
 *
 * One statement, for the most frequent write there is. Whether all is there is asked of the locked rows, so that
 * all of them are locked before the first one moves. All that they become is taken from the locked rows too, held
 * as well: the row to be updated is first seen as it was when the statement began, and is held against the CHECKs
 * like that before the update finds that it has changed.
 */
create function ledger.take_stock(
  p_variant_ids uuid[], p_quantities bigint[], p_thresholds bigint[], p_order_id uuid, p_actor_id uuid)
returns boolean
language plpgsql
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
as $$
declare
  v_count integer;
  v_low uuid[];
begin
  with locked as materialized (
    select l.variant_id, l.on_hand, l.held, l.version, array_position(p_variant_ids, l.variant_id) as place
    from public.stock_levels l
    where l.variant_id = any (p_variant_ids) and l.slot = 0
    order by l.variant_id
    for no key update),
  taken as (
    update public.stock_levels s set on_hand = l.on_hand + p_quantities[l.place], held = l.held, version = l.version + 1
    from locked l
    where s.variant_id = l.variant_id and s.slot = 0
      and (select count(*) = cardinality(p_variant_ids) and bool_and(a.on_hand - a.held + p_quantities[a.place] >= 0) from locked a)
    returning s.variant_id, s.version, s.on_hand, l.place),
  recorded as (
    insert into public.stock_movements (variant_id, slot_version, quantity, on_hand_after, reason, order_id, actor_id)
    select t.variant_id, t.version, p_quantities[t.place], t.on_hand, 'order_placed', p_order_id, p_actor_id
    from taken t)
  select count(*), array_agg(t.variant_id) filter (
           where t.on_hand <= p_thresholds[t.place] and t.on_hand - p_quantities[t.place] > p_thresholds[t.place])
  into v_count, v_low
  from taken t;

  if v_low is not null then
    insert into ledger.outbox (type, payload)
    select 'stock.low', jsonb_build_object('variant_id', v.id, 'sku', v.sku, 'name', v.name, 'on_hand', s.on_hand,
                                           'threshold', p_thresholds[array_position(p_variant_ids, v.id)])
    from public.variants v
    join public.stock_levels s on s.variant_id = v.id and s.slot = 0
    where v.id = any (v_low);
  end if;
  return v_count > 0;
end $$;
comment on function ledger.take_stock(uuid[], bigint[], bigint[], uuid, uuid) is
  'Locks slot 0 of these variants and takes these quantities (below zero) for an order, with movements and stock.low once per crossing of a threshold (source 004); false, with nothing moved, where one is short.';
