/* For auditors: recomputes every seal over the events. */
create function public.integrity_verify_seals()
returns table (seal_number bigint, event_count integer, problem text)
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform ledger.require_permission(ledger.current_actor(), 'audit.read');
  return query select v.seal_number, v.event_count, v.problem from ledger.verify_seals() v where v.problem is not null;
end $$;
revoke execute on function public.integrity_verify_seals() from public, anon;
grant execute on function public.integrity_verify_seals() to authenticated, service_role;
comment on function public.integrity_verify_seals() is
  'Recomputes all seals over immutable_events and answers those that do not hold, with what was changed, removed or inserted. None is good. Needs audit.read.';
