/*
 * Why the seal over an event does not hold; null when it does, or no seal has come to it yet. Seals are in the
 * order of what they cover, so the one over an event is found by halves.
 */
create function ledger.problem_of_its_seal(p_event_id bigint)
returns text
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_event public.immutable_events;
  v_seal public.event_seals := ledger.seal_before(null);
  v_below bigint := 0;
  v_number bigint := v_seal.seal_number;
  v_middle public.event_seals;
begin
  select e.* into v_event from public.immutable_events e where e.id = p_event_id;
  if v_event.id > v_seal.epoch_after_event_id and (v_event.written_by_xid, v_event.id) > (v_seal.last_xid, v_seal.last_event_id) or v_number = 0 then
    return null;
  end if;
  while v_below + 1 < v_number loop
    select s.* into v_middle from public.event_seals s where s.seal_number = (v_below + v_number) / 2;
    if v_event.id <= v_middle.epoch_after_event_id or (v_event.written_by_xid, v_event.id) <= (v_middle.last_xid, v_middle.last_event_id) then
      v_number := v_middle.seal_number;
      v_seal := v_middle;
    else
      v_below := (v_below + v_number) / 2;
    end if;
  end loop;
  return (select format('seal %s over event %s: %s', v_number, p_event_id, p.problem)
          from ledger.seal_problems(ledger.seal_before(v_number), v_seal) p limit 1);
end $$;
comment on function ledger.problem_of_its_seal(bigint) is 'Why the seal that covers an event does not hold, or null.';

/* The type of transaction that a change of an order's status leaves, whatever moved it; none when an event cannot say that. */
create function ledger.transaction_of_status(p_event_type text, p_from_status text, p_to_status text)
returns text
language sql immutable
set search_path = pg_catalog, pg_temp
return case
  when p_event_type = 'order.placed' and p_to_status in ('pending', 'confirmed', 'processing') then 'order_created'
  when p_event_type = 'order.refunded' and p_to_status = p_from_status then 'order_refunded'
  when p_event_type <> 'order.status_changed' or p_to_status = p_from_status then 'none'
  when p_to_status in ('cancelled', 'refunded') then 'order_' || p_to_status
  when p_to_status in ('confirmed', 'processing', 'shipped', 'delivered', 'rejected') then 'order_status_changed'
  else 'none' end;
comment on function ledger.transaction_of_status(text, text, text) is
  'The type of transaction that an event of an order''s status belongs to; none where there is no such event. Imported orders came to their status by order_status_changed.';

/*
 * The first status change of an order that is not as its transaction says it: another kind of transaction than
 * that change leaves, another status than its action names, or none at all; null when there is none.
 */
create function ledger.problem_of_status_changes(p_order_id uuid)
returns text
language sql stable
set search_path = pg_catalog, pg_temp
return (
  select format('the event says %s to %s, its transaction %s: %s', e.payload ->> 'from_status', e.payload ->> 'to_status',
                coalesce(t.type, 'is gone'), t.actor_action)
  from public.immutable_events e
  left join public.transactions t on t.id = (e.payload ->> 'transaction_id')::uuid
  where e.stream_id = p_order_id and e.stream_type = 'order' and e.event_type in ('order.placed', 'order.status_changed', 'order.refunded')
    and (t.id is null or t.order_id is distinct from p_order_id
         or t.type <> ledger.transaction_of_status(e.event_type, e.payload ->> 'from_status', e.payload ->> 'to_status')
            and (t.actor_action is distinct from 'imported' or t.type not in ('order_created', 'order_status_changed'))
         or t.actor_action ~ '^order [a-z]+ to [a-z]+$'
            and t.actor_action <> format('order %s to %s', e.payload ->> 'from_status', e.payload ->> 'to_status'))
  order by e.id
  limit 1);
comment on function ledger.problem_of_status_changes(uuid) is 'Why a status change of an order does not fit the transaction that it left; null when all do.';

/*
 * The status of an order, from its history. A history that does not go from one status to the next without
 * a break, a change that its transaction or its seal contradicts, a transaction of the order that no event tells
 * of, or an order whose money is not booked as that status has it, is a changed history and no repair's business.
 */
create function ledger.repair_order_status(p_subject uuid)
returns ledger.repair
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_order public.orders;
  v_status text;
  v_event_id bigint;
  v_break text;
  v_untold uuid;
  v_repair ledger.repair;
begin
  select o.* into v_order from public.orders o where o.id = p_subject;
  if not found then
    return v_repair;
  end if;
  select (array_agg(h.status order by h.event_id desc))[1], max(h.event_id),
         min(format('from %s to %s', h.before, h.from_status)) filter (where h.before is distinct from h.from_status)
  into v_status, v_event_id, v_break
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
    when v_status <> v_order.status then coalesce(
      ledger.problem_of_status_changes(p_subject),
      ledger.problem_of_order_postings(jsonb_populate_record(v_order,
        to_jsonb(ledger.order_money_by_rows(v_order)) || jsonb_build_object('status', v_status))),
      ledger.problem_of_its_seal(v_event_id))
  end;
  v_repair.lines := ledger.repair_lines('orders', jsonb_build_object('id', p_subject),
    jsonb_build_object('status', v_order.status), jsonb_build_object('status', v_status));
  return v_repair;
end $$;
comment on function ledger.repair_order_status(uuid) is 'What brings an order''s status to the last one of its history.';
