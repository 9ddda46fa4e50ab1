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
  v_claims ledger.imported_claim[];
  v_batch ledger.import_batch;
  v_started timestamptz := clock_timestamp();
begin
  select r.* into v_run from public.import_runs r where r.id = p_run_id;
  v_actor := row(v_run.applied_by, true, '00000000-0000-0000-0000-000000000000')::ledger.actor;
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
  v_batch.rejected_rows := v_batch.rejected_rows + ledger.reject_used_receipts(v_run, v_orders);
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
  v_claims := ledger.write_imported_receipts(v_run, v_orders);
  perform ledger.write_imported_goods(v_items, v_run.options ->> 'stock' = 'take', v_actor);
  perform ledger.record_imported_orders(v_orders, v_run.options ->> 'stock' = 'take', v_actor);
  perform ledger.record_imported_claims(v_run, v_claims, v_actor);
  perform ledger.end_imported_orders(v_run, v_orders, v_actor);
  perform ledger.drop_messages_since(v_started);

  insert into public.import_identities (kind, external_id, target_id, run_id)
  select 'order', o.metadata ->> 'old_number', o.id, p_run_id
  from unnest(v_orders) o;
  -- a file of payments that are called after their orders brings nothing new
  insert into public.import_identities (kind, external_id, target_id, run_id)
  select 'payment', ledger.import_external_id('order ' || (o.metadata ->> 'old_number'), '{}'), p.id, p_run_id
  from unnest(v_orders) o
  join public.payments p on p.account_id = o.account_id and p.order_id = o.id
  on conflict do nothing;
  update public.import_rows w set state = 'applied', target_id = o.id
  from unnest(v_orders) o
  where w.run_id = p_run_id and w.external_id = o.metadata ->> 'old_number' and w.parsed ? 'order_number' and w.state = 'staged';
  get diagnostics v_batch.applied_rows = row_count;
  return v_batch;
end $$;
comment on function ledger.import_orders_apply(uuid, integer) is
  'Writes the next orders of an import, then its cancellations; answers how many rows became what. Options: order_number_prefix, stock (keep, take), refunds (paid_out, wallet, pending).';

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
