/*
 * Skips orders that an earlier import brought, if they amount to the same, and rejects those that cannot be
 * written: another order has their number, their customer is gone, or, where they take from the stock, it
 * has too little. Of orders that want the same units the first in time get them. All locks are held.
 */
create function ledger.pass_over_orders(p_run public.import_runs, p_orders public.orders[], p_items public.order_items[])
returns ledger.import_batch
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_prefix text := ledger.setting_text('order_number_prefix');
  v_batch ledger.import_batch := row(0, 0, 0)::ledger.import_batch;
  v_rejects ledger.import_reject[];
begin
  update public.import_rows w set state = 'skipped', target_id = i.target_id
  from unnest(p_orders) o
  join public.import_identities i on i.kind = 'order' and i.external_id = o.metadata ->> 'old_number'
  join public.orders e on e.id = i.target_id and e.total_amount = o.total_amount and e.user_id = o.user_id
  where w.run_id = p_run.id and w.external_id = o.metadata ->> 'old_number' and w.parsed ? 'order_number' and w.state = 'staged';
  get diagnostics v_batch.skipped_rows = row_count;

  with wanted as (
    select i.order_id, i.variant_id, sum(sum(i.quantity)) over (partition by i.variant_id order by min(i.created_at), i.order_id) as up_to
    from unnest(p_items) i
    where p_run.options ->> 'stock' = 'take'
    group by i.order_id, i.variant_id),
  short as (
    select distinct on (n.order_id) n.order_id, v.sku
    from wanted n
    join public.stock_levels s on s.variant_id = n.variant_id and s.slot = 0
    join public.variants v on v.id = n.variant_id
    where n.up_to > s.on_hand - s.held
    order by n.order_id, v.sku),
  faulty as (
    select o.metadata ->> 'old_number' as old_number,
           case when o.user_id is null then 'row_customer_not_found'
                when i.target_id is not null then 'row_differs_from_imported'
                when exists (select from public.orders n where n.order_number = o.order_number)
                  -- or may be taken: orders of this shop are counted behind the prefix
                  or (starts_with(o.order_number, v_prefix) and substr(o.order_number, length(v_prefix) + 1) ~ '^[0-9]+$') then 'row_order_number_taken'
                when s.order_id is not null then 'row_stock_missing' end as code,
           s.sku, e.total_amount as imported, o.total_amount as found
    from unnest(p_orders) o
    left join public.import_identities i on i.kind = 'order' and i.external_id = o.metadata ->> 'old_number'
    left join public.orders e on e.id = i.target_id
    left join short s on s.order_id = o.id)
  select array_agg(row(w.row_number, 'order_number', f.code, f.old_number, jsonb_build_object('sku', f.sku, 'imported', f.imported, 'found', f.found))::ledger.import_reject) into v_rejects
  from faulty f
  join public.import_rows w on w.run_id = p_run.id and w.external_id = f.old_number and w.parsed ? 'order_number' and w.state = 'staged'
  where f.code is not null;
  v_batch.rejected_rows := ledger.reject_import_rows(p_run.id, v_rejects);
  return v_batch;
end $$;
comment on function ledger.pass_over_orders(public.import_runs, public.orders[], public.order_items[]) is
  'Skips and rejects those of drafted orders that are not to be written; answers how many rows.';
