/* Steps of ledger_request_return and ledger_review_return that have a name of their own. */

/* Why nothing of an order can be returned, as a refusal, or null. */
create function ledger.refuse_return(p_order public.orders, p_since timestamptz)
returns jsonb
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_shipped boolean;
  v_in_time boolean;
  v_reason text;
begin
  select bool_or(true), bool_or(p_since is null or s.delivered_at is null or s.delivered_at >= p_since)
  into v_shipped, v_in_time
  from public.shipments s
  where s.account_id = p_order.account_id and s.order_id = p_order.id;
  v_reason := case
    when p_order.status in ('cancelled', 'refunded', 'rejected') then 'it is ' || p_order.status
    when v_shipped is null then 'nothing of it has been shipped'
    when not v_in_time then format('its return window of %s days is over', ledger.setting_text('return_window_days'))
  end;
  return case when v_reason is not null then ledger.refuse('return_not_allowed', jsonb_build_object(
    'order_number', p_order.order_number, 'status', p_order.status, 'reason', v_reason)) end;
end $$;
comment on function ledger.refuse_return(public.orders, timestamptz) is
  'The refusal for returning anything of an order (when p_since is given: of shipments that arrived since then), or null.';

/* The first line of which more is asked back than can be, as a refusal, or null. */
create function ledger.refuse_returned_units(p_order public.orders, p_lines jsonb, p_since timestamptz)
returns jsonb
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  return (
    select ledger.refuse('units_not_returnable', jsonb_build_object('line', r.line_number, 'name', r.name,
      'returnable', r.returnable_quantity, 'requested', e.line -> 'quantity'))
    from ledger.returnable_lines(p_order, p_since) r
    join jsonb_array_elements(p_lines) e (line) on (e.line ->> 'line_number')::numeric = r.line_number
    where (e.line ->> 'quantity')::numeric > r.returnable_quantity
    order by r.line_number
    limit 1);
end $$;
comment on function ledger.refuse_returned_units(public.orders, jsonb, timestamptz) is
  'The refusal for the first line of a checked list of which fewer units can be returned, or null.';

/* The event of a step of a return, with its lines as they are now. */
create function ledger.record_return(
  p_event_type text, p_order public.orders, p_return_id uuid, p_actor ledger.actor, p_correlation_id uuid,
  p_details jsonb default '{}')
returns bigint
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  return ledger.record_operation(p_event_type, 'order', p_order.id, p_order.account_id,
    jsonb_build_object(
      'order_number', p_order.order_number, 'user_id', p_order.user_id, 'return_id', p_return_id,
      'status', (select r.status from public.returns r where r.account_id = p_order.account_id and r.id = p_return_id),
      'lines', (select jsonb_agg(jsonb_build_object('line_number', l.line_number, 'quantity', l.quantity,
                         'approved_quantity', l.approved_quantity, 'restocked_quantity', l.restocked_quantity,
                         'written_off_quantity', l.written_off_quantity, 'refunded_quantity', l.refunded_quantity)
                         order by l.line_number)
                from public.return_lines l
                where l.account_id = p_order.account_id and l.return_id = p_return_id)) || p_details,
    p_actor, p_correlation_id);
end $$;
comment on function ledger.record_return(text, public.orders, uuid, ledger.actor, uuid, jsonb) is
  'Records a step of a return in the events of its order; answers the event''s id.';

/*
 * What is still open of an order's returns is given up when the order ends. Where the goods of approved ones
 * may still come, these stay open: their money went ahead of them.
 */
create function ledger.end_returns(
  p_order public.orders, p_may_still_come boolean, p_actor ledger.actor, p_correlation_id uuid, p_except_return_id uuid default null)
returns integer
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_return_id uuid;
  v_count integer := 0;
begin
  for v_return_id in
    update public.returns r set status = 'closed', updated_at = clock_timestamp()
    where r.account_id = p_order.account_id and r.order_id = p_order.id and r.status in ('requested', 'approved')
      and r.id is distinct from p_except_return_id
      and not (p_may_still_come and r.status = 'approved' and ledger.awaits_goods(p_order, r.id))
    returning r.id
  loop
    perform ledger.record_return('order.return_closed', p_order, v_return_id, p_actor, p_correlation_id);
    v_count := v_count + 1;
  end loop;
  return v_count;
end $$;
comment on function ledger.end_returns(public.orders, boolean, ledger.actor, uuid, uuid) is
  'Closes the open returns of an order that has ended, but for the one that is being received and, where p_may_still_come, approved ones whose goods are outside; answers how many.';
