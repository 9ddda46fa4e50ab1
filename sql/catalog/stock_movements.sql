/* Every change of stock with its reason; stock on hand is their sum. */
create sequence ledger.stock_movement_id_seq as bigint;

create table public.stock_movements (
  id bigint not null default nextval('ledger.stock_movement_id_seq'),
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
  primary key (variant_id, id),
  foreign key (variant_id, slot) references public.stock_levels (variant_id, slot) on delete restrict,
  constraint reason_is_known check (reason in
    ('received', 'counted', 'damaged', 'order_placed', 'order_cancelled', 'order_refunded')),
  constraint movement_moves check (quantity <> 0),
  constraint notes_are_short check (length(notes) <= 2000)
);
alter table public.stock_movements enable row level security;
revoke all on public.stock_movements from anon, authenticated, service_role;
grant select on public.stock_movements to authenticated, service_role;
create policy stock_movements_are_seen_by_staff on public.stock_movements for select to authenticated
  using ((select ledger.caller_may('stock.read')));
-- the movements of an order
create index stock_movements_by_order on public.stock_movements (order_id) where order_id is not null;
select ledger.make_immutable('public.stock_movements', 'ledger_adjust_stock and the order procedures');
comment on table public.stock_movements is 'Immutable. Signed quantity of each change of stock; slot_version counts them per slot.';

/* A quantity of one variant, before it moves. */
create type ledger.stock_change as (
  variant_id uuid,
  quantity bigint
);

/*
 * Moves stock by signed quantities, one per variant, with its movements, and queues one low-stock
 * message per crossing of the threshold. The stock rows are locked by the caller.
 */
create function ledger.move_stock(
  p_changes ledger.stock_change[], p_reason text, p_actor ledger.actor, p_order_id uuid default null, p_notes text default null)
returns void
language sql
set search_path = pg_catalog, pg_temp
as $$
  with moved as (
    update public.stock_levels s set on_hand = s.on_hand + c.quantity, version = s.version + 1
    from unnest(p_changes) c
    where s.variant_id = c.variant_id and s.slot = 0
    returning s.variant_id, s.slot, s.version, c.quantity, s.on_hand),
  recorded as (
    insert into public.stock_movements
      (variant_id, slot, slot_version, quantity, on_hand_after, reason, order_id, actor_id, notes)
    select m.variant_id, m.slot, m.version, m.quantity, m.on_hand, p_reason, p_order_id, p_actor.user_id, p_notes
    from moved m)
  insert into ledger.outbox (type, payload)
  select 'stock.low', jsonb_build_object('variant_id', v.id, 'sku', v.sku, 'name', v.name,
                                         'on_hand', m.on_hand, 'threshold', t.threshold)
  from moved m
  join public.variants v on v.id = m.variant_id
  cross join lateral (
    select coalesce(v.low_stock_threshold, ledger.setting_text('low_stock_threshold')::bigint) as threshold) t
  where m.on_hand <= t.threshold and m.on_hand - m.quantity > t.threshold;
$$;
comment on function ledger.move_stock(ledger.stock_change[], text, ledger.actor, uuid, text) is
  'Applies signed quantities to stock, records the movements, queues stock.low once per crossing of the threshold (source 004).';
