/* Something that does not fit a seal; event_id where it is one event. */
create type ledger.seal_problem as (seal_number bigint, event_count integer, event_id bigint, problem text);
comment on type ledger.seal_problem is 'A seal (null: no seal), its events, what does not hold, and the event that it is about.';

/*
 * Names the events that differ from those the seal was made of: changed, missing or inserted. At most twenty
 * by name, then how many more there are. Nothing when all fit, or no list of them was kept.
 */
create function ledger.seal_misfits(p_before public.event_seals, p_seal public.event_seals)
returns table (event_id bigint, problem text)
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  with made_of as materialized (
    select i.id, substr(f.fingerprints, (8 * i.n - 7)::int, 8) as fingerprint
    from public.event_fingerprints f, unnest(f.event_ids) with ordinality i (id, n)
    where f.seal_hash = p_seal.hash),
  there as materialized (
    select e.id, ledger.event_fingerprint(ledger.event_canonical(e)) as fingerprint
    from ledger.events_under_seal(p_before, p_seal) e
    where exists (select from made_of)),
  misfits as materialized (
    select id, gone.id is not null as is_gone, come.id is not null as is_come
    from (select m.id from made_of m where not exists (select from there t where t.id = m.id and t.fingerprint = m.fingerprint)) gone
    full join (select t.id from there t where not exists (select from made_of m where m.id = t.id and m.fingerprint = t.fingerprint)) come using (id))
  (select m.id, format('event %s %s', m.id, case when m.is_gone and m.is_come then 'was changed' when m.is_gone then 'is missing' else 'was inserted' end)
   from misfits m order by m.id limit 20)
  union all
  select null, format('%s more events do not fit', count(*) - 20) from misfits having count(*) > 20;
$$;
comment on function ledger.seal_misfits(public.event_seals, public.event_seals) is
  'Events that are not as the seal found them, given the seal before it: changed, missing or inserted.';

/* What does not hold of one seal, given the seal before it. */
create function ledger.seal_problems(p_before public.event_seals, p_seal public.event_seals)
returns setof ledger.seal_problem
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_begins_epoch boolean := p_seal.epoch = p_before.epoch + 1 and p_seal.event_count = 0;
  v_events integer;
  v_lines text;
  v_event_ids bigint[];
  v_fingerprints bytea;
  v_highest_id bigint;
  v_list public.event_fingerprints;
  v_problem text;
begin
  v_problem := case
    when p_seal.event_count > ledger.largest_seal() then format('says that it covers %s events, more than any seal', p_seal.event_count)
    when p_seal.seal_number <> p_before.seal_number + 1 then 'a seal before this one is missing'
    when not v_begins_epoch and (p_seal.epoch, p_seal.epoch_after_event_id) <> (p_before.epoch, p_before.epoch_after_event_id) then
      'is of another epoch than the seal before it'
    when not v_begins_epoch and (p_seal.last_xid, p_seal.last_event_id) <= (p_before.last_xid, p_before.last_event_id) then
      'ends before the seal before it does'
  end;
  if v_problem is not null then
    return next row(p_seal.seal_number, p_seal.event_count, null, v_problem)::ledger.seal_problem;
    return;
  end if;
  if p_seal.previous_hash <> p_before.hash then
    return next row(p_seal.seal_number, p_seal.event_count, null, 'does not continue the seal before it')::ledger.seal_problem;
  end if;

  -- one event too many is enough to know: what was inserted does not fill the memory
  select count(*), string_agg(e.line, e'\n'), array_agg(e.id), string_agg(ledger.event_fingerprint(e.line), ''), max(e.id)
  into v_events, v_lines, v_event_ids, v_fingerprints, v_highest_id
  from (select u.id, ledger.event_canonical(u) as line
        from ledger.events_under_seal(p_before, p_seal) u limit p_seal.event_count + 1) e;
  if v_events = p_seal.event_count
     and p_seal.hash in (ledger.seal_hash(p_seal.previous_hash, v_lines), ledger.seal_hash(p_before.hash, v_lines)) then
    select f.* into v_list from public.event_fingerprints f where f.seal_hash = p_seal.hash;
    v_problem := case
      when v_events = 0 then null
      when (p_seal.first_event_id, p_seal.highest_event_id) is distinct from (v_event_ids[1], v_highest_id) then
        'names another first or highest event than it covers'
      when v_list.seal_hash is null then 'holds, but the list of its events is gone'
      when (v_list.event_ids, v_list.fingerprints) is distinct from (v_event_ids, v_fingerprints) then
        'holds, but the list of its events was changed'
    end;
    if v_problem is not null then
      return next row(p_seal.seal_number, p_seal.event_count, null, v_problem)::ledger.seal_problem;
    end if;
    return;
  end if;
  return query
    select p_seal.seal_number, p_seal.event_count, m.event_id, m.problem from ledger.seal_misfits(p_before, p_seal) m;
  if not found then
    return next row(p_seal.seal_number, p_seal.event_count, null, case
      when v_events > p_seal.event_count then format('covers %s events, more are there', p_seal.event_count)
      when v_events < p_seal.event_count then format('covers %s events, %s are there', p_seal.event_count, v_events)
      else 'has another hash than its events: they or the seal were remade' end)::ledger.seal_problem;
  end if;
end $$;
comment on function ledger.seal_problems(public.event_seals, public.event_seals) is 'What does not hold of a seal, given the seal before it; no row when it holds.';
