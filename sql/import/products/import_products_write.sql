/*
 * Writes a product, variant and opening stock for each of these rows, whose SKUs are new and named once; rows
 * with the same product are variants of one. Answers how many rows were applied.
 */
create function ledger.write_imported_products(p_run public.import_runs, p_rows bigint[])
returns integer
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_count integer;
begin
  insert into public.vendors (name)
  select distinct w.parsed ->> 'vendor'
  from public.import_rows w
  where w.run_id = p_run.id and w.row_number = any (p_rows) and w.parsed ? 'vendor'
    and not exists (select from public.vendors v where v.name = w.parsed ->> 'vendor');

  -- products by the name that their rows share, else by SKU
  with wanted as (
    select distinct on (n.name) n.name, n.row
    from (select w.row_number, l as row, coalesce('product ' || l.product, 'sku ' || l.sku) as name
          from public.import_rows w
          cross join lateral jsonb_populate_record(null::ledger.import_product_row, w.parsed) l
          where w.run_id = p_run.id and w.row_number = any (p_rows)) n
    where not exists (select from public.import_identities i where i.kind = 'product_group' and i.external_id = n.name)
    order by n.name, n.row_number),
  named as materialized (
    select ledger.uuid_v7() as id, w.name, w.row from wanted w),
  written as (
    insert into public.products (id, vendor_id, name, description, tax_rate_bp, is_active)
    select n.id, (select v.id from public.vendors v where v.name = (n.row).vendor order by v.id limit 1), coalesce((n.row).product, (n.row).name),
           (n.row).description, (n.row).tax_rate_bp, true
    from named n)
  insert into public.import_identities (kind, external_id, target_id, run_id)
  select 'product_group', n.name, n.id, p_run.id
  from named n;

  with added as (
    insert into public.variants (product_id, sku, name, price_amount, currency, is_active)
    select i.target_id, l.sku, case when l.product is null then l.variant else coalesce(nullif(l.variant, 'Default'), l.name) end,
           l.price_amount, p_run.currency, l.active
    from public.import_rows w
    cross join lateral jsonb_populate_record(null::ledger.import_product_row, w.parsed) l
    join public.import_identities i on i.kind = 'product_group' and i.external_id = coalesce('product ' || l.product, 'sku ' || l.sku)
    where w.run_id = p_run.id and w.row_number = any (p_rows)
    returning id, sku)
  insert into public.import_identities (kind, external_id, target_id, run_id)
  select 'product', a.sku, a.id, p_run.id
  from added a;

  update public.import_rows w set state = 'applied', target_id = i.target_id
  from public.import_identities i
  where w.run_id = p_run.id and w.row_number = any (p_rows) and i.kind = 'product' and i.external_id = w.external_id;
  get diagnostics v_count = row_count;
  perform ledger.write_opening_stock(p_run, p_rows);
  return v_count;
end $$;
comment on function ledger.write_imported_products(public.import_runs, bigint[]) is
  'Writes vendors, products, variants and opening stock of rows of an import whose SKUs are new; answers how many rows were applied.';

/* What was in stock is received, with a movement and an event for each, as ledger_adjust_stock does it. */
create function ledger.write_opening_stock(p_run public.import_runs, p_rows bigint[])
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  with opening as (
    select w.target_id as variant_id, (w.parsed ->> 'stock')::bigint as quantity
    from public.import_rows w
    where w.run_id = p_run.id and w.row_number = any (p_rows) and (w.parsed ->> 'stock')::bigint > 0),
  moved as (
    update public.stock_levels s set on_hand = s.on_hand + o.quantity, version = s.version + 1
    from opening o
    where s.variant_id = o.variant_id and s.slot = 0
    returning s.variant_id, s.version, s.on_hand, o.quantity),
  recorded as (
    insert into public.stock_movements (variant_id, slot, slot_version, quantity, on_hand_after, reason, actor_id, notes)
    select m.variant_id, 0, m.version, m.quantity, m.on_hand, 'received', p_run.applied_by, 'opening stock of an import'
    from moved m)
  insert into public.immutable_events (event_type, stream_type, stream_id, payload, actor_id, correlation_id)
  select 'stock.adjusted', 'variant', m.variant_id,
         jsonb_build_object('imported', true, 'import_run_id', p_run.id, 'quantity', m.quantity, 'reason', 'received',
                            'on_hand_after', m.on_hand), p_run.applied_by, gen_random_uuid()
  from moved m;
end $$;
comment on function ledger.write_opening_stock(public.import_runs, bigint[]) is 'Receives the opening stock of new variants of an import.';
