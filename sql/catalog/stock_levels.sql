/*
 * The hottest rows there are, so they are narrow and apart from the catalogue. A variant's stock lies
 * in slot 0, or is spread over slots so that many orders of it can be placed at once: each takes from
 * one of them. Slot 0 is the door: what comes in comes in there, and who touches the backorders of a
 * variant holds its slot 0. A slot that was emptied stays: its movements refer to it and go on counting.
 */
create table public.stock_levels (
  variant_id uuid not null references public.variants (id) on delete restrict,
  slot smallint not null default 0,
  on_hand bigint not null default 0,
  held bigint not null default 0,
  version bigint not null default 0,
  primary key (variant_id, slot),
  constraint stock_is_never_below_zero check (on_hand between 0 and 9007199254740991),
  constraint held_is_part_of_on_hand check (held between 0 and on_hand),
  constraint slot_is_not_negative check (slot >= 0)
) with (fillfactor = 50);
alter table public.stock_levels enable row level security;
revoke all on public.stock_levels from anon, authenticated, service_role;
grant select on public.stock_levels to anon, authenticated, service_role;
create policy stock_levels_are_public on public.stock_levels for select to anon, authenticated using (true);
select ledger.protect_from_hands('public.stock_levels', 'ledger_adjust_stock');
comment on table public.stock_levels is 'Units on hand and held per variant and slot. Written by procedures only.';
comment on column public.stock_levels.version is 'Number of movements of this slot.';
comment on column public.stock_levels.held is 'Units that active reservations hold; available = on_hand - held.';

/* Every variant has its stock rows from its first moment, however it was inserted. */
create function ledger.open_stock()
returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_outer text := coalesce(current_setting('ledger.procedure', true), '');
begin
  perform set_config('ledger.procedure', 'open_stock', true);
  insert into public.stock_levels (variant_id, slot)
  select new.id, s.slot from generate_series(0, new.stock_slots - 1) s (slot);
  perform set_config('ledger.procedure', v_outer, true);
  return null;
end $$;
comment on function ledger.open_stock() is 'Trigger on variants: opens the stock rows of a new variant.';

create trigger open_stock_of_new_variants
  after insert on public.variants
  for each row execute function ledger.open_stock();

/* Stock per variant, for clients. */
create view public.variant_stock
with (security_invoker = true)
as
  select s.variant_id, sum(s.on_hand)::bigint as stock_quantity, sum(s.held)::bigint as held_quantity,
         sum(s.on_hand - s.held)::bigint as available_quantity
  from public.stock_levels s
  group by s.variant_id;
revoke all on public.variant_stock from anon, authenticated, service_role;
grant select on public.variant_stock to anon, authenticated, service_role;
comment on view public.variant_stock is 'Units on hand, held and available per variant.';
