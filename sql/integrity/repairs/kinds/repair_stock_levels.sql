/*
 * Why what reservations hold of a variant is not what their events say; null when it is. Looks at those that are
 * active and those that ever held it, each by its stream.
 */
create function ledger.problem_of_reservations(p_variant_id uuid)
returns text
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  return (
    select format('reservation %s holds %s units by its rows and %s by its events', r.id, r.by_rows, r.by_events)
    from (
      select n.id,
             case n.status when 'active' then coalesce((select sum(l.quantity) from public.stock_reservation_lines l
                                                        where l.reservation_id = n.id and l.variant_id = p_variant_id), 0) else 0 end as by_rows,
             coalesce((select sum((x.line ->> 'quantity')::bigint)
                       from public.immutable_events e
                       cross join lateral jsonb_array_elements(e.payload -> 'lines') x (line)
                       where e.stream_id = n.id and e.event_type = 'stock.reserved' and x.line ->> 'variant_id' = p_variant_id::text
                         and not exists (select from public.immutable_events d where d.stream_id = n.id and d.event_type like 'stock.reservation\_%')), 0) as by_events
      from public.stock_reservations n
      where n.status = 'active' or exists (select from public.stock_reservation_lines l where l.reservation_id = n.id and l.variant_id = p_variant_id)) r
    where r.by_rows <> r.by_events
    limit 1);
end $$;
comment on function ledger.problem_of_reservations(uuid) is 'Why the reservations of a variant differ from their events; null when they do not.';

/*
 * Units on hand of a variant, slot by slot, from its movements, and units held from active reservations; only
 * where the events come to as many units, as far as they say it.
 */
create function ledger.repair_stock_levels(p_subject uuid)
returns ledger.repair
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_repair ledger.repair;
begin
  if not exists (select from public.variants v where v.id = p_subject) then
    return v_repair;
  end if;
  v_repair.stream_type := 'variant';
  with moved as (
    select m.slot, sum(m.quantity)::bigint as quantity, count(*) as movements, max(m.slot_version) as last_version
    from public.stock_movements m
    where m.variant_id = p_subject
    group by m.slot),
  held as (
    select l.slot, sum(l.quantity)::bigint as quantity
    from public.stock_reservations r
    join public.stock_reservation_lines l on l.reservation_id = r.id
    where r.status = 'active' and l.variant_id = p_subject
    group by l.slot),
  slots as (
    select coalesce(s.slot, m.slot) as slot, to_jsonb(s) as old, coalesce(m.quantity, 0) as on_hand, coalesce(h.quantity, 0) as held,
           coalesce(m.movements, 0) as movements,
           case when m.movements <> m.last_version or m.quantity < 0 then
                  format('slot %s has %s movements, the last one with the number %s, that come to %s', m.slot, m.movements, m.last_version, m.quantity)
                when coalesce(h.quantity, 0) > coalesce(m.quantity, 0) then
                  format('the movements leave %s units in slot %s, and %s are reserved', coalesce(m.quantity, 0), coalesce(s.slot, m.slot), h.quantity)
           end as problem
    from (select l.* from public.stock_levels l where l.variant_id = p_subject) s
    full join moved m on m.slot = s.slot
    left join held h on h.slot = coalesce(s.slot, m.slot))
  select min(s.problem),
         jsonb_agg(l.line order by s.slot, l.place) filter (where l.line is not null)
  into v_repair.problem, v_repair.lines
  from slots s
  left join lateral jsonb_array_elements(ledger.repair_lines('stock_levels', jsonb_build_object('variant_id', p_subject, 'slot', s.slot), s.old,
    jsonb_build_object('on_hand', s.on_hand, 'held', s.held, 'version', s.movements))) with ordinality l (line, place) on true;
  select coalesce(v_repair.problem, format('the movements leave %s units of it, the events %s', m.quantity, r.on_hand)) into v_repair.problem
  from ledger.replayed_stock(array[p_subject]) r
  cross join (select coalesce(sum(m.quantity), 0) as quantity from public.stock_movements m where m.variant_id = p_subject) m
  where r.on_hand <> m.quantity;
  if v_repair.lines @> '[{"column": "held"}]' then
    v_repair.problem := coalesce(v_repair.problem, ledger.problem_of_reservations(p_subject));
  end if;
  return v_repair;
end $$;
comment on function ledger.repair_stock_levels(uuid) is 'What brings a variant''s stock to its movements and what is held of it to its active reservations.';
