/*
 * Orders that are not placed yet: a cart kept on the server. A draft holds no stock and no price; it
 * remembers what things cost when it was saved, so that placing it notices what has moved since.
 */
create table public.order_drafts (
  id uuid primary key default ledger.uuid_v7(),
  account_id uuid not null,
  user_id uuid not null,
  currency text not null references public.currencies (code) on delete restrict,
  items jsonb not null,
  total_amount bigint not null,
  shipping_address_id uuid,
  billing_address_id uuid,
  shipping_method text,
  discount_code text,
  notes text,
  saved_by uuid,
  version bigint not null default 1,
  created_at timestamptz not null default clock_timestamp(),
  updated_at timestamptz not null default clock_timestamp(),
  constraint items_are_a_list check (jsonb_typeof(items) = 'array' and items <> '[]'),
  constraint total_is_exact check (total_amount between 0 and 9007199254740991),
  constraint notes_are_short check (length(notes) <= 2000)
);
alter table public.order_drafts enable row level security;
revoke all on public.order_drafts from anon, authenticated, service_role;
grant select on public.order_drafts to authenticated, service_role;
create policy drafts_are_seen_by_their_customer_and_staff on public.order_drafts for select to authenticated
  using (user_id >= (select ledger.first_user_seen('orders.place'))
         and user_id <= (select ledger.last_user_seen('orders.place')));
-- a customer's drafts, newest first
create index order_drafts_by_customer on public.order_drafts (user_id, id);
-- ledger.purge_order_drafts
create index order_drafts_by_age on public.order_drafts (updated_at);
select ledger.protect_from_hands('public.order_drafts', 'order_draft_save, order_draft_delete or order_draft_place');
comment on table public.order_drafts is
  'Drafts of orders, kept for the setting draft_retention_days after their last change. Written by order_draft_save, consumed by order_draft_place.';
comment on column public.order_drafts.account_id is 'ledger.account_id(user_id, currency): the account that would pay, whether it is open yet or not.';
comment on column public.order_drafts.items is
  '[{"variant_id", "quantity", "unit_price_amount"}]: lines with the price of one unit when the draft was saved, in minor units.';
comment on column public.order_drafts.total_amount is 'What the order would have cost when the draft was saved, in minor units.';
comment on column public.order_drafts.saved_by is 'Who saved it last: the customer, or staff on their behalf; null for a backend.';
comment on column public.order_drafts.version is 'Rises with each save; p_expected_version compares with it.';

/* A draft that the actor may handle: their own, or anybody's with the permission to place orders for customers. */
create function ledger.is_draft_of(p_draft public.order_drafts, p_actor ledger.actor)
returns boolean
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  return p_draft.id is not null
    and (coalesce(p_draft.user_id = p_actor.user_id, false) or ledger.has_permission(p_actor, 'orders.place'));
end $$;
comment on function ledger.is_draft_of(public.order_drafts, ledger.actor) is
  'Whether the actor may see, change and place a draft; false when there is none.';

/* Lines of a draft as they would be ordered now, beside what they cost when it was saved. */
create function ledger.draft_lines(p_draft public.order_drafts)
returns jsonb
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  return (
    select jsonb_agg(jsonb_build_object(
             'line_number', i.line, 'variant_id', v.id, 'product_name', p.name, 'product_sku', v.sku, 'variant_name', v.name,
             'quantity', (i.item -> 'quantity')::bigint,
             'unit_price_amount', v.price_amount, 'saved_unit_price_amount', (i.item -> 'unit_price_amount')::bigint,
             'price_changed', v.price_amount <> (i.item -> 'unit_price_amount')::bigint or v.currency <> p_draft.currency,
             'is_for_sale', v.is_active and p.is_active,
             'available_quantity', (select coalesce(sum(s.on_hand - s.held), 0)::bigint from public.stock_levels s where s.variant_id = v.id))
             order by i.line)
    from jsonb_array_elements(p_draft.items) with ordinality i (item, line)
    join public.variants v on v.id = (i.item ->> 'variant_id')::uuid
    join public.products p on p.id = v.product_id);
end $$;
comment on function ledger.draft_lines(public.order_drafts) is
  'Lines of a draft with present and saved prices, and what is available of each variant.';

create function ledger.purge_order_drafts()
returns bigint
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_count bigint;
begin
  perform set_config('ledger.procedure', 'purge_order_drafts', true);
  delete from public.order_drafts d
  where d.id in (
    select o.id
    from public.order_drafts o
    where o.updated_at < clock_timestamp() - make_interval(days => ledger.setting_text('draft_retention_days')::integer)
    for update skip locked); -- one that is being placed is in use
  get diagnostics v_count = row_count;
  perform set_config('ledger.procedure', '', true);
  return v_count;
end $$;
comment on function ledger.purge_order_drafts() is 'Job: removes drafts idle longer than the retention; answers how many.';
