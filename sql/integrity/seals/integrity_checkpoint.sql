create type public.integrity_checkpoint_result as (
  success boolean, transaction_id uuid, error_code text, error_message text, error_details jsonb,
  seal_number bigint, hash text, epoch integer, last_event_id bigint, event_count bigint, sealed_at timestamptz, database text
);

/* What to keep elsewhere, signed: whoever has it can show that history up to this seal was not rewritten. */
create function public.integrity_checkpoint()
returns setof public.integrity_checkpoint_result
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_seal public.event_seals;
begin
  -- who may
  perform ledger.require_permission(ledger.current_actor(), 'audit.read');

  -- answer
  v_seal := ledger.seal_before(null);
  return next row(
    true, null, null, null, null,
    v_seal.seal_number, encode(v_seal.hash, 'hex'), v_seal.epoch, v_seal.last_event_id,
    (select coalesce(sum(s.event_count), 0) from public.event_seals s), v_seal.sealed_at,
    format('%s/%s', (select c.system_identifier from pg_control_system() c), current_database()))::public.integrity_checkpoint_result;
end $$;
revoke execute on function public.integrity_checkpoint() from public, anon;
grant execute on function public.integrity_checkpoint() to authenticated, service_role;
comment on function public.integrity_checkpoint() is
  'The newest seal: its number, hash (hex), epoch and last event, the number of events under all seals up to it, and the database (system identifier of the cluster / name). Number 0 and the hash of nothing before the first seal. Kept elsewhere and signed (npm run seals) it shows a history that was rewritten with all its seals. Needs audit.read. DESIGN rule 7.';
