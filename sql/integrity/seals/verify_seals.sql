/* What no seal covers and none ever would: events of a closed epoch behind its last seal, ids before the first. */
create function ledger.strays_before(p_before public.event_seals, p_seal public.event_seals)
returns bigint
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select count(*)
  from public.immutable_events e
  where e.id <= p_seal.epoch_after_event_id
    and (p_before.seal_number = 0
         or (e.id > p_before.epoch_after_event_id and e.written_by_xid >= p_before.last_xid
             and (e.written_by_xid, e.id) > (p_before.last_xid, p_before.last_event_id)));
$$;
comment on function ledger.strays_before(public.event_seals, public.event_seals) is
  'Events that belong to the epoch that ends before p_seal, and to none of its seals.';

create function ledger.strays_behind(p_newest public.event_seals)
returns bigint
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select count(*)
  from public.immutable_events e
  where e.written_by_xid <= 0
     or e.id > p_newest.epoch_after_event_id and e.written_by_xid >= greatest((pg_snapshot_xmax(pg_current_snapshot())::text)::bigint, (pg_current_xact_id_if_assigned()::text)::bigint + 1);
$$;
comment on function ledger.strays_behind(public.event_seals) is 'Events of the newest seal''s epoch of transactions that have not been.';

/*
 * Walks the seals in order and recomputes each from its events, so that no more than one seal is in memory.
 * A row for every seal that holds, without a problem, and one for each problem; a row without a number is
 * about events that no seal covers, and about seals that were told of and are not there. Stops after the seal at which p_until has passed.
 */
create function ledger.verify_seals(p_from bigint default 1, p_to bigint default null, p_limit bigint default null, p_until timestamptz default 'infinity')
returns setof ledger.seal_problem
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_before public.event_seals := ledger.seal_before(p_from);
  v_newest public.event_seals := ledger.seal_before(null);
  v_seal public.event_seals;
  v_holds boolean;
  v_strays bigint;
begin
  for v_seal in
    select s.* from public.event_seals s where s.seal_number >= p_from and (p_to is null or s.seal_number <= p_to) order by s.seal_number limit p_limit
  loop
    -- a row that makes it fail is named as any other
    begin
      return query select * from ledger.seal_problems(v_before, v_seal);
      v_holds := not found;
    exception when others then
      v_holds := false;
      return next row(v_seal.seal_number, v_seal.event_count, null, format('cannot be recomputed (%s)', sqlstate))::ledger.seal_problem;
    end;
    if v_holds then
      return next row(v_seal.seal_number, v_seal.event_count, null, null)::ledger.seal_problem;
    end if;
    if v_before.seal_number = 0 or v_seal.epoch <> v_before.epoch then
      v_strays := ledger.strays_before(v_before, v_seal);
      if v_strays > 0 then
        return next row(null, v_strays, null, format('%s events were inserted where no seal reaches', v_strays))::ledger.seal_problem;
      end if;
    end if;
    v_before := v_seal;
    exit when clock_timestamp() > p_until;
  end loop;

  if v_before.seal_number <> v_newest.seal_number then
    return;
  end if;
  if v_newest.seal_number > 0 then
    v_strays := ledger.strays_behind(v_newest);
    if (pg_snapshot_xmin(pg_current_snapshot())::text)::bigint < v_newest.last_xid then
      return next row(null, v_strays, null, 'the database was restored into another cluster: call ledger.start_seal_epoch()')::ledger.seal_problem;
    elsif v_strays > 0 then
      return next row(null, v_strays, null, format('%s events were inserted where no seal reaches', v_strays))::ledger.seal_problem;
    end if;
  end if;
  return query
    select null::bigint, null::integer, null::bigint, format(case w.found when 'gone' then '%s was told of and is gone' else '%s is another than was told' end, w.subject)
    from ledger.seal_witnesses() w;
end $$;
comment on function ledger.verify_seals(bigint, bigint, bigint, timestamptz) is
  'Recomputes seals from p_from to p_to, at most p_limit of them; problem says what does not hold, event_id of which event. A row without a number counts events that no seal covers or ever would, or names a seal that messages or lists of events tell of and that is not there.';
