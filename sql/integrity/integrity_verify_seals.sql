/* For auditors: recomputes every seal over the events, and compares one with a hash kept elsewhere. */
create function public.integrity_verify_seals(p_seal_number bigint default null, p_hash text default null)
returns table (seal_number bigint, event_count integer, problem text)
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform ledger.require_permission(ledger.current_actor(), 'audit.read');
  return query
    select v.seal_number, v.event_count, v.problem from ledger.verify_seals() v where v.problem is not null
    union all
    select p_seal_number, coalesce(s.event_count, 0), 'is not the seal whose hash was kept'
    from (select 1) one
    left join public.event_seals s on s.seal_number = p_seal_number
    where p_seal_number is not null and encode(s.hash, 'hex') is distinct from lower(p_hash);
end $$;
revoke execute on function public.integrity_verify_seals(bigint, text) from public, anon;
grant execute on function public.integrity_verify_seals(bigint, text) to authenticated, service_role;
comment on function public.integrity_verify_seals(bigint, text) is
  'Recomputes all seals over immutable_events and answers those that do not hold, with what was changed, removed or inserted. None is good. With the number and hash (hex) of an events.sealed message it also says whether that seal is still the same. Needs audit.read.';
