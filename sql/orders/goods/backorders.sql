/*
 * What was ordered of a variant beyond what was there (variants.backorder_allowed). Whoever writes these
 * rows holds slot 0 of the variant, so that units that come in and orders that go without cannot
 * miss each other.
 */
create table public.backorders (
  order_id uuid not null references public.orders (id) on delete restrict,
  variant_id uuid not null,
  account_id uuid not null,
  quantity bigint not null,
  filled_quantity bigint not null default 0,
  dropped_quantity bigint not null default 0,
  created_at timestamptz not null default clock_timestamp(),
  open_quantity bigint not null generated always as (quantity - filled_quantity - dropped_quantity) stored,
  primary key (order_id, variant_id),
  constraint parts_are_not_negative check (quantity >= 0 and filled_quantity >= 0 and dropped_quantity >= 0),
  constraint filled_and_dropped_are_part_of_quantity check (filled_quantity + dropped_quantity <= quantity)
);
alter table public.backorders enable row level security;
revoke all on public.backorders from anon, authenticated, service_role;
grant select on public.backorders to authenticated, service_role;
create policy backorders_are_seen_by_their_customer_and_staff on public.backorders for select to authenticated
  using (account_id >= (select ledger.first_account_seen('orders.read'))
         and account_id <= (select ledger.last_account_seen('orders.read'))
         and (account_id in (select a.id from public.accounts a where a.user_id = (select auth.uid()))
              or (select ledger.caller_may('orders.read'))));
-- a customer's own
create index backorders_by_account on public.backorders (account_id);
-- ledger.fill_backorders: the oldest of a variant first
create index backorders_open on public.backorders (variant_id, created_at, order_id) where open_quantity > 0;
select ledger.protect_from_hands('public.backorders', 'ledger_place_order, ledger_edit_order or ledger_adjust_stock');
comment on table public.backorders is 'Units per order and variant that were not in stock when ordered; they have not left the stock and cannot ship while they are open.';
comment on column public.backorders.quantity is 'Units that were not there, less what an edit took off.';
comment on column public.backorders.dropped_quantity is 'Units given up because the order ended.';
comment on column public.backorders.created_at is 'Its place in the queue: when it was ordered, or last raised by an edit.';
comment on column public.backorders.open_quantity is 'Units still waited for.';

/* What an order still waits for, by variant: lines of the same variant share it. */
create function ledger.open_backorders(p_order_id uuid)
returns table (variant_id uuid, quantity bigint)
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  return query select b.variant_id, b.open_quantity from public.backorders b where b.order_id = p_order_id and b.open_quantity > 0;
end $$;
comment on function ledger.open_backorders(uuid) is 'Units per variant that an order still waits for; no rows when it waits for none.';

create function ledger.open_backorder(p_order_id uuid, p_variant_id uuid)
returns bigint
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  return coalesce((select b.open_quantity from public.backorders b where b.order_id = p_order_id and b.variant_id = p_variant_id), 0);
end $$;
comment on function ledger.open_backorder(uuid, uuid) is 'Units of a variant that an order still waits for; 0 when none.';

/*
 * What events say of an order's backorders, so that the stock can be replayed from them: of what was ordered,
 * these units did not leave the stock yet.
 */
create function ledger.backordered_units(p_order_id uuid)
returns jsonb
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  return coalesce((select jsonb_object_agg(b.variant_id, b.quantity) from public.backorders b where b.order_id = p_order_id), '{}');
end $$;
comment on function ledger.backordered_units(uuid) is 'backorders.quantity by variant of an order; {} when it never waited for anything.';

create function ledger.backordered_since(p_order_id uuid, p_before jsonb)
returns jsonb
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  return coalesce((
    select jsonb_build_object('backordered', jsonb_agg(jsonb_build_object('variant_id', n.key, 'backordered', n.units) order by n.key))
    from (select b.key, b.value::bigint - coalesce((p_before ->> b.key)::bigint, 0) as units
          from jsonb_each_text(ledger.backordered_units(p_order_id)) b) n
    where n.units <> 0
    having count(*) > 0), '{}');
end $$;
comment on function ledger.backordered_since(uuid, jsonb) is
  'Part of an event: {"backordered": [{"variant_id", "backordered"}]}, by how much an order waits for more (below zero: less) than p_before (ledger.backordered_units) says; {} when it does not.';

/* Gives open units up: of an edited order they were never ordered, of an ended one they are dropped. */
create function ledger.drop_open_units(p_order_id uuid, p_variant_ids uuid[], p_quantities bigint[], p_is_edit boolean)
returns bigint[]
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_dropped bigint[];
begin
  select array_agg(least(w.quantity, coalesce(b.open_quantity, 0)) order by w.place) into v_dropped
  from unnest(p_variant_ids, p_quantities) with ordinality w (variant_id, quantity, place)
  left join public.backorders b on b.order_id = p_order_id and b.variant_id = w.variant_id;

  update public.backorders b set
    quantity = b.quantity - case when p_is_edit then w.quantity else 0 end,
    dropped_quantity = b.dropped_quantity + case when p_is_edit then 0 else w.quantity end
  from unnest(p_variant_ids, v_dropped) w (variant_id, quantity)
  where b.order_id = p_order_id and b.variant_id = w.variant_id and w.quantity > 0;
  return v_dropped;
end $$;
comment on function ledger.drop_open_units(uuid, uuid[], bigint[], boolean) is
  'Gives up to these quantities of an order''s open backorders up; answers how many of each. The caller holds slot 0 of the variants.';

create function ledger.drop_backorders(p_order_id uuid)
returns bigint
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_dropped bigint[];
begin
  select ledger.drop_open_units(p_order_id, array_agg(b.variant_id), array_agg(b.quantity), false) into v_dropped
  from ledger.open_backorders(p_order_id) b;
  return coalesce((select sum(d.quantity) from unnest(v_dropped) d (quantity)), 0);
end $$;
comment on function ledger.drop_backorders(uuid) is
  'Gives all open backorders of an ended order up; answers how many units. The caller holds slot 0 of the variants.';
