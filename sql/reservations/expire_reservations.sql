/*
 * Frees what is past its time, the longest past first. A reservation that an order is just consuming is
 * passed over. The stock of all of them is locked in one go, in order, until the end: a second batch in the
 * same transaction could wait in a circle with an order. Ten thousand take about a second.
 */
create function ledger.expire_reservations(p_limit integer default 10000)
returns integer
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_reservation_ids uuid[];
  v_count integer := 0;
begin
  -- lock: reservations; stock follows
  select array_agg(r.id) into v_reservation_ids
  from (select s.id
        from public.stock_reservations s
        where s.status = 'active' and s.expires_at <= clock_timestamp()
        order by s.expires_at
        limit p_limit
        for no key update skip locked) r;

  -- write and record
  if v_reservation_ids is not null then
    perform set_config('ledger.procedure', 'expire_reservations', true);
    v_count := ledger.free_reservations(v_reservation_ids, 'expired', ledger.current_actor());
    perform set_config('ledger.procedure', '', true);
  end if;
  return v_count;
end $$;
comment on function ledger.expire_reservations(integer) is 'Job: frees the stock of reservations past their time; answers how many.';
