/*
 * The status of an order, from its history. A history that does not go from one status to the next without
 * a break, a transaction of the order that no event tells of, or an order whose money is not booked as that
 * status has it, is a changed history and no repair's business.
 */
create function ledger.repair_order_status(p_subject uuid)
returns ledger.repair
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_order public.orders;
  v_status text;
  v_break text;
  v_untold uuid;
  v_repair ledger.repair;
begin
  select o.* into v_order from public.orders o where o.id = p_subject;
  if not found then
    return v_repair;
  end if;
  select (array_agg(h.status order by h.event_id desc))[1],
         min(format('from %s to %s', h.before, h.from_status)) filter (where h.before is distinct from h.from_status)
  into v_status, v_break
  from (select s.event_id, s.status, s.from_status, lag(s.status) over (order by s.event_id) as before
        from public.order_status_history s where s.order_id = p_subject) h;
  select t.id into v_untold
  from public.transactions t
  where t.order_id = p_subject and t.account_id = v_order.account_id
    and t.type in ('order_created', 'order_status_changed', 'order_shipped', 'order_cancelled', 'order_refunded')
    and not exists (select from public.immutable_events e where e.stream_id = p_subject and e.payload ->> 'transaction_id' = t.id::text)
  limit 1;

  v_repair.stream_type := 'order';
  v_repair.account_id := v_order.account_id;
  v_repair.problem := case
    when v_status is null then 'no event says which status it had'
    when v_break is not null then format('its history has a gap %s', v_break)
    when v_untold is not null then format('no event tells of its transaction %s', v_untold)
    when v_status <> v_order.status then ledger.problem_of_order_postings(jsonb_populate_record(v_order,
      to_jsonb(ledger.order_money_by_rows(v_order)) || jsonb_build_object('status', v_status)))
  end;
  v_repair.lines := ledger.repair_lines('orders', jsonb_build_object('id', p_subject),
    jsonb_build_object('status', v_order.status), jsonb_build_object('status', v_status));
  return v_repair;
end $$;
comment on function ledger.repair_order_status(uuid) is 'What brings an order''s status to the last one of its history.';
