/* What an imported order leaves in the tables of orders, payments, shipments and stock. Drafts are locked and checked. */

create function ledger.write_imported_orders(p_orders public.orders[], p_items public.order_items[])
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  insert into public.orders
    (id, account_id, user_id, order_number, currency, status, payment_status, payment_method, prices_include_tax, subtotal_amount,
     discount_amount, shipping_amount, tax_amount, total_amount, wallet_amount, paid_amount, notes, metadata, created_at)
  select o.id, o.account_id, o.user_id, o.order_number, o.currency, o.status,
         ledger.payment_status_of(o.total_amount, 0, o.paid_amount, 0), o.payment_method, o.prices_include_tax, o.subtotal_amount,
         o.discount_amount, o.shipping_amount, o.tax_amount, o.total_amount, 0, o.paid_amount, o.notes,
         o.metadata - '{ends_as,paid_by}'::text[], o.created_at
  from unnest(p_orders) o;
  insert into public.order_items
    (account_id, order_id, line_number, variant_id, vendor_id, product_name, product_sku, variant_name, quantity, unit_price_amount,
     total_price_amount, discount_amount, tax_rate_bp, tax_amount, created_at, platform_rate_bp)
  select i.account_id, i.order_id, i.line_number, i.variant_id, i.vendor_id, i.product_name, i.product_sku, i.variant_name, i.quantity,
         i.unit_price_amount, i.total_price_amount, i.discount_amount, i.tax_rate_bp, i.tax_amount, i.created_at, i.platform_rate_bp
  from unnest(p_items) i;

  insert into public.payments
    (id, account_id, order_id, currency, method, amount, applied_amount, credit_amount, source, created_at, paid_at)
  select ledger.imported_id(o.created_at), o.account_id, o.id, o.currency, coalesce(o.metadata ->> 'paid_by', 'other'), o.paid_amount,
         o.paid_amount, 0, 'import', o.created_at, o.created_at
  from unnest(p_orders) o
  where o.paid_amount > 0;

  with sent as (
    insert into public.shipments (id, account_id, order_id, shipment_number, metadata, shipped_at, delivered_at)
    select ledger.imported_id(o.created_at), o.account_id, o.id, 1, '{"imported": true}', o.created_at,
           case o.status when 'delivered' then o.created_at end
    from unnest(p_orders) o
    where o.status in ('shipped', 'delivered')
    returning id, order_id)
  insert into public.shipment_lines (shipment_id, line_number, account_id, order_id, quantity)
  select s.id, i.line_number, i.account_id, i.order_id, i.quantity
  from unnest(p_items) i
  join sent s on s.order_id = i.order_id;
end $$;
comment on function ledger.write_imported_orders(public.orders[], public.order_items[]) is
  'Writes drafted orders with their lines, what was paid for them, and one shipment of each that is out, at the time of the order.';

/*
 * The goods of an old order came in and went out before anybody counted here, so both is written down and
 * the stock stays as it was counted; or, where the stock is that of before the orders, they are taken from it.
 */
create function ledger.write_imported_goods(
  p_items public.order_items[], p_take_from_stock boolean, p_actor ledger.actor)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  with sold as (
    select i.order_id, i.variant_id, sum(i.quantity)::bigint as quantity, min(i.created_at) as created_at
    from unnest(p_items) i
    group by i.order_id, i.variant_id),
  moves as (
    select s.order_id, s.variant_id, s.created_at, m.quantity, m.reason, m.notes, l.version, l.on_hand,
           row_number() over w as place, sum(m.quantity) over w as sum_so_far
    from sold s
    join public.stock_levels l on l.variant_id = s.variant_id and l.slot = 0
    cross join lateral (values
      (1, s.quantity, 'received', 'goods of an imported order: they had come in before it'),
      (2, -s.quantity, 'order_placed', null)) m (step, quantity, reason, notes)
    where m.step = 2 or not coalesce(p_take_from_stock, false)
    window w as (partition by s.variant_id order by s.created_at, s.order_id, m.step)),
  recorded as (
    insert into public.stock_movements
      (variant_id, slot, slot_version, quantity, on_hand_after, reason, order_id, actor_id, notes, created_at)
    select m.variant_id, 0, m.version + m.place, m.quantity, m.on_hand + m.sum_so_far, m.reason, m.order_id, p_actor.user_id, m.notes, m.created_at
    from moves m)
  update public.stock_levels l set on_hand = l.on_hand + c.change, version = l.version + c.movements
  from (select m.variant_id, sum(m.quantity)::bigint as change, count(*) as movements from moves m group by m.variant_id) c
  where l.variant_id = c.variant_id and l.slot = 0;
end $$;
comment on function ledger.write_imported_goods(public.order_items[], boolean, ledger.actor) is
  'Writes the stock movements of drafted orders: in and out, or with p_take_from_stock out only. Slot 0 of their variants is locked.';

/*
 * Orders that had ended in the older system end here as any order does, which takes back everything, and
 * what was paid for them from outside went back there, unless options.refunds says otherwise.
 */
create function ledger.end_imported_orders(p_run public.import_runs, p_orders public.orders[], p_actor ledger.actor)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_draft public.orders;
  v_order public.orders;
  v_change ledger.order_change;
begin
  for v_draft in
    select o.* from unnest(p_orders) o where o.metadata ? 'ends_as' order by o.id
  loop
    select o.* into v_order from public.orders o where o.account_id = v_draft.account_id and o.id = v_draft.id;
    v_change := ledger.take_back_imported(p_run, v_order, null, v_draft.metadata ->> 'ends_as', v_order.created_at, p_actor);
    if v_change.refusal is not null then
      raise exception 'order % of the import cannot be ended: %', v_order.order_number, v_change.refusal ->> 'error_message';
    end if;
  end loop;
end $$;
comment on function ledger.end_imported_orders(public.import_runs, public.orders[], ledger.actor) is
  'Ends those of written orders that were cancelled or refunded in the older system.';

/* Takes back lines [{"line_number", "quantity"}] of a locked order, or with p_ends_as all of it, as it happened at p_at. */
create function ledger.take_back_imported(
  p_run public.import_runs, p_order public.orders, p_lines jsonb, p_ends_as text, p_at timestamptz, p_actor ledger.actor, p_number text default null)
returns ledger.order_change
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_refunds text := coalesce(p_run.options ->> 'refunds', 'paid_out');
  v_change ledger.order_change;
  v_refund public.refunds;
  v_account public.accounts;
  v_order public.orders;
  v_settled ledger.settled_refund;
begin
  v_change := ledger.take_back(p_order, p_lines, 0, 0, case v_refunds when 'wallet' then 'wallet' else 'original' end, p_actor,
    concat_ws(' ', 'imported:', coalesce(p_number, p_ends_as), 'of', to_char(p_at at time zone 'UTC', 'YYYY-MM-DD HH24:MI')),
    ledger.correlation_id(), p_ends_as => p_ends_as,
    p_metadata => jsonb_build_object('imported', true, 'import_run_id', p_run.id, 'happened_at', p_at,
                                     'restock', coalesce(p_run.options ->> 'stock' = 'take', false)));
  if v_change.refusal is not null or v_change.payout_amount = 0 or v_refunds <> 'paid_out' then
    return v_change;
  end if;

  -- the money went back in the older system
  select o.* into v_order from public.orders o where o.account_id = p_order.account_id and o.id = p_order.id;
  select a.* into v_account from public.accounts a where a.id = p_order.account_id;
  select f.* into v_refund from public.refunds f where f.account_id = p_order.account_id and f.id = v_change.refund_id for no key update;
  v_settled := ledger.settle_refund(v_order, v_account, v_refund, 'paid', p_number, p_actor, ledger.correlation_id(), p_by_provider => true);
  v_change.refusal := v_settled.refusal;
  return v_change;
end $$;
comment on function ledger.take_back_imported(public.import_runs, public.orders, jsonb, text, timestamptz, ledger.actor, text) is
  'Takes back a part of a locked order, or ends it, as an import says it happened at p_at; what is paid out is settled as options.refunds says.';
