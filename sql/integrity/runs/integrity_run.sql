create type public.integrity_run_result as (
  success boolean, transaction_id uuid, error_code text, error_message text, error_details jsonb,
  run jsonb, findings jsonb
);

/* Runs the checks of the books on demand. */
create function public.integrity_run(p_codes text[] default null, p_scope text default 'changed', p_account_id uuid default null)
returns setof public.integrity_run_result
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_refusal jsonb;
  v_unknown text;
  v_run public.reconciliation_runs;
  v_result public.integrity_run_result;
begin
  -- who may
  perform ledger.require_permission(ledger.current_actor(), 'audit.read');

  -- check
  v_unknown := (select string_agg(c.code, ', ') from unnest(p_codes) c (code) where not exists (select from public.integrity_checks i where i.code = c.code));
  v_refusal := case
    when p_scope is null or p_scope not in ('all', 'changed', 'account') then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_scope', 'problem', 'one of all, changed, account'))
    when (p_scope = 'account') <> (p_account_id is not null) then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_account_id', 'problem', 'given with the scope account, and only then'))
    when p_account_id is not null and not exists (select from public.accounts a where a.id = p_account_id) then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_account_id', 'problem', 'the id of an account'))
    when v_unknown is not null or array_position(p_codes, null) is not null or p_codes = '{}' then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_codes', 'problem', 'codes of integrity_checks; unknown: ' || coalesce(v_unknown, 'null')))
  end;
  if v_refusal is not null then
    return next jsonb_populate_record(v_result, v_refusal);
    return;
  end if;

  -- write, answer
  v_run := ledger.run_checks(p_codes, p_scope, p_account_id);
  v_result.success := true;
  v_result.run := to_jsonb(v_run);
  v_result.findings := (
    select coalesce(jsonb_agg(to_jsonb(f) - 'run_id' - 'created_at' order by f.check_code, f.subject), '[]')
    from (select n.* from public.integrity_findings n where n.run_id = v_run.id order by n.check_code, n.subject limit 1000) f);
  return next v_result;
end $$;
revoke execute on function public.integrity_run(text[], text, uuid) from public, anon;
grant execute on function public.integrity_run(text[], text, uuid) to authenticated, service_role;
comment on function public.integrity_run(text[], text, uuid) is
  'Runs the checks of integrity_checks (p_codes; null: all that are enabled) on everything (all), on what has changed since the last run (changed), or on one account (account, with p_account_id), in one snapshot and without making anybody wait; keeps and answers the run (a row of reconciliation_runs) and its first 1000 findings. Needs audit.read. Errors: invalid_argument. DESIGN section 8.';
