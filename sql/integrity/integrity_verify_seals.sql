/* For auditors: recomputes every seal over the events. */
create function public.integrity_verify_seals()
returns table (seal_number bigint, event_count integer, problem text)
language plpgsql stable security definer
set search_path = ''
as $$
begin
  perform ledger.require_permission(ledger.current_actor(), 'audit.read');
  return query select * from ledger.verify_seals();
end $$;
revoke execute on function public.integrity_verify_seals() from public, anon;
grant execute on function public.integrity_verify_seals() to authenticated, service_role;
comment on function public.integrity_verify_seals() is
  'One row per seal over immutable_events; problem is null where it holds, else what was changed, removed or inserted. Needs audit.read.';
