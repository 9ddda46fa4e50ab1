/* One order of a bulk change, as far as its asker may change it; the order is locked. */
create function ledger.change_bulk_order(p_bulk public.bulk_changes, p_order_id uuid)
returns public.ledger_bulk_change_status_result
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_asker ledger.actor := row(p_bulk.asked_by, p_bulk.asked_by_backend, p_bulk.asked_by);
  v_order public.orders;
  v_permission text;
  v_outcome jsonb;
  v_answer public.ledger_bulk_change_status_result;
begin
  select o.* into v_order from public.orders o where o.id = p_order_id;
  -- the first permission that is missing: to see orders, or to make this change
  select n.permission into v_permission
  from (select 1 as position, 'orders.read' as permission
        union all
        select 2, t.permission
        from public.order_status_transitions t
        where t.from_status = v_order.status and t.to_status = p_bulk.new_status) n
  where not ledger.has_permission(v_asker, n.permission)
  order by n.position
  limit 1;

  v_outcome := case
    when v_order.id is null then ledger.refuse('order_not_found', jsonb_build_object('order_id', p_order_id))
    when v_permission is not null then ledger.refuse('not_permitted', jsonb_build_object(
      'order_number', v_order.order_number, 'from', v_order.status, 'to', p_bulk.new_status, 'permission', v_permission))
  end;
  if v_outcome is null then
    select to_jsonb(c) into v_outcome
    from public.ledger_change_order_status(v_order.user_id, v_order.id, v_order.status, p_bulk.new_status, v_order.total_amount,
      p_bulk.metadata, p_bulk.asked_by, p_bulk.actor_action) c;
  end if;
  v_answer := jsonb_populate_record(null::public.ledger_bulk_change_status_result, v_outcome);
  v_answer.bulk_change_id := p_bulk.id;
  v_answer.order_id := p_order_id;
  v_answer.order_number := v_order.order_number;
  v_answer.order_status := coalesce(v_answer.order_status, v_order.status);
  v_answer.payment_status := coalesce(v_answer.payment_status, v_order.payment_status);
  return v_answer;
end $$;
comment on function ledger.change_bulk_order(public.bulk_changes, uuid) is
  'Changes one locked order of a bulk change, or says why not.';

/*
 * The next orders of a bulk change, in one transaction. Two that carry out the same one take
 * different orders. Answers how many it took.
 */
create function ledger.carry_out_bulk_change(p_bulk_change_id uuid, p_limit integer)
returns integer
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_bulk public.bulk_changes;
  v_positions integer[];
  v_order_ids uuid[];
  v_order_id uuid;
  v_answer public.ledger_bulk_change_status_result;
  v_answers public.ledger_bulk_change_status_result[];
  v_procedure text := current_setting('ledger.procedure', true);
begin
  -- lock: orders of the list that nobody else is at, and what their changes need
  select b.* into v_bulk from public.bulk_changes b where b.id = p_bulk_change_id;
  select array_agg(w.position order by w.position), array_agg(w.order_id order by w.position)
  into v_positions, v_order_ids
  from (select o.position, o.order_id
        from public.bulk_change_orders o
        where o.bulk_change_id = p_bulk_change_id and o.success is null
        order by o.position
        limit p_limit
        for update skip locked) w;
  if v_positions is null then
    return 0;
  end if;
  perform ledger.lock_for_bulk_change(v_order_ids, v_bulk.new_status);

  -- write: orders; should one of them fail in a way nobody foresaw, each is tried by itself
  begin
    foreach v_order_id in array v_order_ids loop
      v_answers := array_append(v_answers, ledger.change_bulk_order(v_bulk, v_order_id));
    end loop;
  exception when others then
    v_answers := null;
    foreach v_order_id in array v_order_ids loop
      begin
        v_answer := ledger.change_bulk_order(v_bulk, v_order_id);
      exception when others then
        v_answer := jsonb_populate_record(null::public.ledger_bulk_change_status_result,
          ledger.refuse('bulk_item_failed', jsonb_build_object('order_id', v_order_id, 'problem', sqlerrm, 'sqlstate', sqlstate)));
        v_answer.order_id := v_order_id;
      end;
      v_answers := array_append(v_answers, v_answer);
    end loop;
  end;

  -- record: the outcomes, and how far it is
  perform set_config('ledger.procedure', 'carry_out_bulk_change', true);
  update public.bulk_change_orders o set
    success = a.success, transaction_id = a.transaction_id, error_code = a.error_code, error_message = a.error_message,
    error_details = a.error_details, order_number = a.order_number, order_status = a.order_status, payment_status = a.payment_status
  from unnest(v_answers) with ordinality a
  where o.bulk_change_id = p_bulk_change_id and o.position = v_positions[a.ordinality];
  update public.bulk_changes b set
    succeeded_orders = b.succeeded_orders + (select count(*) from unnest(v_answers) a where a.success),
    failed_orders = b.failed_orders + (select count(*) from unnest(v_answers) a where not a.success),
    updated_at = clock_timestamp()
  where b.id = p_bulk_change_id;
  perform set_config('ledger.procedure', coalesce(v_procedure, ''), true);
  return cardinality(v_positions);
end $$;
comment on function ledger.carry_out_bulk_change(uuid, integer) is
  'Changes the next waiting orders of a bulk change, at most so many, and records the outcome of each; answers how many it took.';
