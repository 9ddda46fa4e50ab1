/*
 * Writes the next orders of an import, whole, in batches of about p_limit rows; when all are written, its
 * cancellations, which take back what earlier orders hold. All is written at the time it happened.
 */
create function ledger.import_orders_apply(p_run_id uuid, p_limit integer)
returns ledger.import_batch
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_run public.import_runs;
  v_actor ledger.actor;
  v_numbers text[];
  v_orders public.orders[];
  v_items public.order_items[];
  v_user_ids uuid[];
  v_batch ledger.import_batch;
  v_started timestamptz := clock_timestamp();
begin
  select r.* into v_run from public.import_runs r where r.id = p_run_id;
  v_actor := row(v_run.created_by, true, '00000000-0000-0000-0000-000000000000')::ledger.actor;
  v_numbers := array(
    select distinct n.external_id
    from (select w.external_id
          from public.import_rows w
          where w.run_id = p_run_id and w.state = 'staged' and w.parsed @> '{"is_cancellation": false}'
          order by w.row_number
          limit p_limit) n);
  if v_numbers = '{}' then
    return ledger.apply_order_cancellations(v_run, p_limit, v_actor);
  end if;

  -- lock: accounts, with those that may lose a commission by an order that ended, and stock; who was
  -- erased until then has no orders any more
  v_user_ids := array(
    select distinct p.id
    from public.import_rows w
    left join public.referrals r on r.referee_user_id = w.user_id and w.parsed @> '{"status": "refunded"}'
    join public.profiles p on p.id in (w.user_id, r.referrer_user_id) and p.erased_at is null
    where w.run_id = p_run_id and w.external_id = any (v_numbers) and w.parsed ? 'order_number' and w.state = 'staged');
  perform ledger.lock_accounts(v_user_ids, v_run.currency);
  v_orders := ledger.draft_imported_orders(v_run, v_numbers);
  v_items := ledger.draft_imported_items(v_run, v_orders);
  perform ledger.lock_stock_to_return(array(select distinct i.variant_id from unnest(v_items) i));

  -- check: what was imported before, and what cannot be imported any more
  v_batch := ledger.pass_over_orders(v_run, v_orders, v_items);
  select array_agg(o) into v_orders
  from unnest(v_orders) o
  where exists (select from public.import_rows w
                where w.run_id = p_run_id and w.external_id = o.metadata ->> 'old_number' and w.parsed ? 'order_number' and w.state = 'staged');
  if v_orders is null then
    return v_batch;
  end if;
  select array_agg(i) into v_items from unnest(v_items) i where i.order_id in (select o.id from unnest(v_orders) o);

  -- write and record
  perform ledger.write_imported_orders(v_orders, v_items);
  perform ledger.write_imported_goods(v_orders, v_items, v_run.options ->> 'stock' = 'take', v_actor);
  perform ledger.record_imported_orders(v_orders, v_actor);
  perform ledger.end_imported_orders(v_run, v_orders, v_actor);
  perform ledger.drop_messages_since(v_started);

  insert into public.import_identities (kind, external_id, target_id, run_id)
  select 'order', o.metadata ->> 'old_number', o.id, p_run_id
  from unnest(v_orders) o;
  update public.import_rows w set state = 'applied', target_id = o.id
  from unnest(v_orders) o
  where w.run_id = p_run_id and w.external_id = o.metadata ->> 'old_number' and w.parsed ? 'order_number' and w.state = 'staged';
  get diagnostics v_batch.applied_rows = row_count;
  return v_batch;
end $$;
comment on function ledger.import_orders_apply(uuid, integer) is
  'Writes the next orders of an import, then its cancellations; answers how many rows became what. Options: order_number_prefix, stock (keep, take), refunds (paid_out, wallet, pending).';

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

/* History is nobody's news: the run has one message, and what its procedures queued on the way goes. */
create function ledger.drop_messages_since(p_started timestamptz)
returns integer
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_count integer;
begin
  delete from ledger.outbox m
  where m.id >= ledger.first_id_at(p_started) and m.event_id is not null
    and exists (select from public.immutable_events e
                where e.id = m.event_id and e.occurred_at = m.created_at and e.written_by_xid = (pg_current_xact_id()::text)::bigint);
  get diagnostics v_count = row_count;
  return v_count;
end $$;
comment on function ledger.drop_messages_since(timestamptz) is 'Takes back the messages about events that this transaction has written since p_started; answers how many.';
