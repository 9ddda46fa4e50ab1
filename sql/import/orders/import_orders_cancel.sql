/*
 * Takes back what the rows of one cancellation found: an order of which nothing had been taken back before and
 * of which all is taken now is cancelled, of any other the units are refunded. Rows that found nothing, or
 * whose order does not give them back, are rejected.
 */
create function ledger.apply_order_cancellation(p_run public.import_runs, p_number text, p_actor ledger.actor)
returns ledger.import_batch
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_units ledger.cancelled_units[] := ledger.units_to_cancel(p_run, p_number);
  v_order public.orders;
  v_at timestamptz;
  v_is_whole boolean;
  v_lines jsonb;
  v_change ledger.order_change;
  v_rejects ledger.import_reject[];
  v_batch ledger.import_batch := row(0, 0, 0)::ledger.import_batch;
begin
  select min((w.parsed ->> 'placed_at')::timestamptz) into v_at
  from public.import_rows w
  where w.run_id = p_run.id and w.external_id = p_number and w.parsed ? 'order_number' and w.state = 'staged';

  for v_order in
    select o.* from public.orders o where o.id in (select u.order_id from unnest(v_units) u) order by o.id
  loop
    select jsonb_agg(jsonb_build_object('line_number', l.line_number, 'quantity', l.quantity, 'restock', coalesce(p_run.options ->> 'stock' = 'take', false))),
           sum(l.quantity) = (select sum(i.quantity) from public.order_items i where i.account_id = v_order.account_id and i.order_id = v_order.id)
             and v_order.credited_amount = 0
    into v_lines, v_is_whole
    from (select u.line_number, sum(u.quantity) as quantity from unnest(v_units) u where u.order_id = v_order.id group by u.line_number) l;
    v_change := ledger.take_back_imported(p_run, v_order, case when not v_is_whole then v_lines end,
                                          case when v_is_whole then 'cancelled' end, v_at, p_actor, p_number);
    if v_change.refusal is not null then
      raise exception using errcode = 'LREFU', message = v_change.refusal ->> 'error_message';
    end if;
    insert into public.import_identities (kind, external_id, target_id, run_id)
    select 'order_cancellation', n.name, v_change.refund_id, p_run.id
    from ledger.cancellation_rows(p_run.id, p_number) n
    where n.row_number in (select u.row_number from unnest(v_units) u where u.order_id = v_order.id)
    on conflict (kind, external_id) do nothing;
  end loop;

  update public.import_rows w set state = 'applied', target_id = i.target_id
  from ledger.cancellation_rows(p_run.id, p_number) n
  join public.import_identities i on i.kind = 'order_cancellation' and i.external_id = n.name
  where w.run_id = p_run.id and w.row_number = n.row_number and w.row_number in (select u.row_number from unnest(v_units) u);
  get diagnostics v_batch.applied_rows = row_count;

  select array_agg(row(w.row_number, 'quantity', 'row_nothing_to_cancel', w.parsed ->> 'quantity',
                       jsonb_build_object('sku', w.parsed ->> 'sku'))::ledger.import_reject) into v_rejects
  from public.import_rows w
  where w.run_id = p_run.id and w.external_id = p_number and w.parsed ? 'order_number' and w.state = 'staged';
  v_batch.rejected_rows := ledger.reject_import_rows(p_run.id, v_rejects);
  return v_batch;
end $$;
comment on function ledger.apply_order_cancellation(public.import_runs, text, ledger.actor) is
  'Applies the staged rows of one cancellation; answers how many were applied and rejected. What it can touch is locked.';

/* The same, and when an order does not give something back after all, nothing of the cancellation is taken and its rows are rejected. */
create function ledger.try_order_cancellation(p_run public.import_runs, p_number text, p_actor ledger.actor)
returns ledger.import_batch
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_problem text;
begin
  return ledger.apply_order_cancellation(p_run, p_number, p_actor);
exception when sqlstate 'LREFU' then
  v_problem := sqlerrm;
  return row(0, 0, ledger.reject_import_rows(p_run.id, array(
    select row(w.row_number, 'order_number', 'row_cancellation_refused', p_number, jsonb_build_object('problem', v_problem))::ledger.import_reject
    from public.import_rows w
    where w.run_id = p_run.id and w.external_id = p_number and w.parsed ? 'order_number' and w.state = 'staged')))::ledger.import_batch;
end $$;
comment on function ledger.try_order_cancellation(public.import_runs, text, ledger.actor) is
  'Applies the staged rows of one cancellation, or rejects all of them when it cannot be carried out.';

/*
 * A row of a cancellation has no name of its own in the older system, and its place in the file says nothing:
 * a file of corrected rows has others before it. It is the cancellation's first, second, ... row of those that say the same.
 */
create function ledger.cancellation_rows(p_run_id uuid, p_number text)
returns table (row_number bigint, name text)
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select w.row_number, format('%s#%s', p_number, md5(jsonb_build_array(s.said, row_number() over (partition by s.said order by w.row_number))::text))
  from public.import_rows w
  cross join lateral (select jsonb_build_array(w.parsed -> 'sku', w.parsed -> 'unit_price_amount', w.parsed -> 'quantity')) s (said)
  where w.run_id = p_run_id and w.external_id = p_number and w.parsed ? 'order_number';
$$;
comment on function ledger.cancellation_rows(uuid, text) is 'The rows of a cancellation of an import, each by what it says: SKU, price, quantity, and which of those that are equal in it.';

/* The next cancellations of an import, in the order of their time, about p_limit rows of them. */
create function ledger.apply_order_cancellations(p_run public.import_runs, p_limit integer, p_actor ledger.actor)
returns ledger.import_batch
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_started timestamptz := clock_timestamp();
  v_numbers text[];
  v_number text;
  v_part ledger.import_batch;
  v_batch ledger.import_batch := row(0, 0, 0)::ledger.import_batch;
begin
  select array_agg(n.external_id order by n.at, n.external_id) into v_numbers
  from (select l.external_id, min(l.at) as at
        from (select w.external_id, (w.parsed ->> 'placed_at')::timestamptz as at
              from public.import_rows w
              where w.run_id = p_run.id and w.state = 'staged' and w.parsed ? 'order_number'
              order by at, w.external_id
              -- each of them takes locks of its own
              limit least(p_limit, 500)) l
        group by l.external_id) n;
  if v_numbers is null then
    -- what is left is of persons who were erased since the analysis, or of a run that was left alone too long
    v_batch.rejected_rows := ledger.reject_import_rows(p_run.id, array(
      select case when p.id is null then row(w.row_number, 'customer', 'row_customer_not_found', null, null)::ledger.import_reject
                  else row(w.row_number, 'order_number', 'row_value_missing', null, null)::ledger.import_reject end
      from public.import_rows w
      left join public.profiles p on p.id = w.user_id and p.erased_at is null
      where w.run_id = p_run.id and w.state = 'staged'
      limit p_limit));
    return v_batch;
  end if;

  -- lock
  perform ledger.lock_orders_to_cancel(p_run, array(
    select distinct (w.parsed ->> 'user_id')::uuid
    from public.import_rows w
    where w.run_id = p_run.id and w.external_id = any (v_numbers) and w.parsed ? 'order_number' and w.state = 'staged'));

  -- what was imported before
  update public.import_rows w set state = 'skipped', target_id = i.target_id
  from unnest(v_numbers) n (number)
  cross join lateral ledger.cancellation_rows(p_run.id, n.number) r
  join public.import_identities i on i.kind = 'order_cancellation' and i.external_id = r.name
  where w.run_id = p_run.id and w.row_number = r.row_number and w.state = 'staged';
  get diagnostics v_batch.skipped_rows = row_count;

  foreach v_number in array v_numbers loop
    v_part := ledger.try_order_cancellation(p_run, v_number, p_actor);
    v_batch.applied_rows := v_batch.applied_rows + v_part.applied_rows;
    v_batch.rejected_rows := v_batch.rejected_rows + v_part.rejected_rows;
  end loop;
  perform ledger.drop_messages_since(v_started);
  return v_batch;
end $$;
comment on function ledger.apply_order_cancellations(public.import_runs, integer, ledger.actor) is
  'Applies the next cancellations of an import, oldest first; answers how many rows became what.';
