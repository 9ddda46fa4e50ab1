/*
 * How long calls took that were given an idempotency key, in microseconds: from the arrival of the
 * statement in the database to the call's last write, which is its key. That has the waiting for locks in it
 * and leaves out the commit and the way there. Both moments stand in the row that is written anyway, so that
 * measuring costs a call nothing. Calls without a key are not in it, nor are refusals: they write nothing.
 */
create function ledger.call_durations(p_procedures text[], p_from timestamptz, p_to timestamptz)
returns table (calls bigint, average_us bigint, p50_us bigint, p95_us bigint)
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  return query
    select count(*), round(avg(d.us))::bigint,
           percentile_disc(0.5) within group (order by d.us), percentile_disc(0.95) within group (order by d.us)
    from (select (extract(epoch from k.created_at - k.started_at) * 1000000)::bigint as us
          from ledger.idempotency_keys k
          where k.created_at >= p_from and k.created_at < p_to and k.procedure = any (p_procedures)
            -- keys from before calls were timed say when that began
            and k.started_at <= k.created_at) d;
end $$;
comment on function ledger.call_durations(text[], timestamptz, timestamptz) is
  'Durations of the calls of these procedures that had an idempotency key, by when they ended: from the arrival of the statement to its last write, in microseconds.';
