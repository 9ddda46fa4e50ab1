/* How far the sealer is behind. Transaction ids rise with the table, so what is new is found by their index. */
create function ledger.unsealed_events(p_at_most bigint default null)
returns bigint
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_last public.event_seals;
begin
  select s.* into v_last from public.event_seals s order by s.seal_number desc limit 1;
  return (
    select count(*)
    from (select from public.immutable_events e
          where e.written_by_xid >= coalesce(v_last.last_xid, 0)
            and (e.written_by_xid, e.id) > (coalesce(v_last.last_xid, 0), coalesce(v_last.last_event_id, 0))
            and e.id > coalesce(v_last.epoch_after_event_id, 0)
          limit p_at_most) u);
end $$;
comment on function ledger.unsealed_events(bigint) is 'Events that no seal covers yet, counted up to p_at_most (null: all).';
