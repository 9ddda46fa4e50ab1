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
 * Moves the stock of slot 0 by signed quantities, one per variant, with its movements, and queues one low-stock
 * message per crossing of the variant's threshold (none where no thresholds are given). The stock
 * rows are locked by the caller. Answers how many variants ran low.
 *
 * Rows are found by an array of ids: from a join the planner may make a scan of all stock, and for an
 * array of known length it would plan anew each time.
 */
create function ledger.move_stock(
  p_variant_ids uuid[], p_quantities bigint[], p_reason text, p_actor ledger.actor, p_order_id uuid default null,
  p_notes text default null, p_thresholds bigint[] default null)
returns integer
language plpgsql
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
as $$
declare
  v_count integer;
  v_low uuid[];
begin
  with moved as (
    update public.stock_levels s set
      on_hand = s.on_hand + p_quantities[array_position(p_variant_ids, s.variant_id)],
      version = s.version + 1
    where s.variant_id = any (p_variant_ids) and s.slot = 0
    returning s.variant_id, s.slot, s.version, s.on_hand, array_position(p_variant_ids, s.variant_id) as place),
  recorded as (
    insert into public.stock_movements
      (variant_id, slot, slot_version, quantity, on_hand_after, reason, order_id, actor_id, notes)
    select m.variant_id, m.slot, m.version, p_quantities[m.place], m.on_hand, p_reason, p_order_id, p_actor.user_id, p_notes
    from moved m)
  select count(*), array_agg(m.variant_id) filter (
           where m.on_hand <= p_thresholds[m.place] and m.on_hand - p_quantities[m.place] > p_thresholds[m.place])
  into v_count, v_low
  from moved m;

  if v_count < cardinality(p_variant_ids) then
    raise exception 'of % variants only % have stock: every variant has a row in stock_levels', cardinality(p_variant_ids), v_count;
  end if;
  if v_low is not null then
    insert into ledger.outbox (type, payload)
    select 'stock.low', jsonb_build_object('variant_id', v.id, 'sku', v.sku, 'name', v.name, 'on_hand', s.on_hand,
                                           'threshold', p_thresholds[array_position(p_variant_ids, v.id)])
    from public.variants v
    join public.stock_levels s on s.variant_id = v.id and s.slot = 0
    where v.id = any (v_low);
  end if;
  return coalesce(cardinality(v_low), 0);
end $$;
comment on function ledger.move_stock(uuid[], bigint[], text, ledger.actor, uuid, text, bigint[]) is
  'Applies signed quantities to slot 0 of these variants, records the movements, queues stock.low once per crossing of a threshold (source 004); answers how many crossed it.';
