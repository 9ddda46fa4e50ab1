/*
 * After the hourly run: plans what it and the last drift runs found, and where the flag says enforce applies
 * what the limits allow. What is left beyond them waits for the next hour, or for a person.
 */
create function ledger.reconcile()
returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_state text := (select f.state from public.feature_flags f where f.key = 'active_reconciliation');
  v_run public.reconciliation_runs;
  v_answer jsonb;
begin
  if v_state = 'off' then
    return jsonb_build_object('state', v_state);
  end if;
  for v_run in
    select r.*
    from unnest('{books,debt_cache,old_flags}'::text[]) c (code)
    cross join lateral (select n.* from public.reconciliation_runs n where n.check_code = c.code order by n.id desc limit 1) r
    -- what was found long ago is looked for again first
    where r.created_at > clock_timestamp() - interval '1 day'
  loop
    perform ledger.plan_repairs(v_run, '2 minutes');
  end loop;
  select to_jsonb(r) into v_answer from public.reconciliation_apply(p_dry_run => v_state = 'dry', p_reason => 'hourly') r;
  return jsonb_build_object('state', v_answer ->> 'flag_state') || (v_answer - array['success', 'transaction_id', 'error_code', 'error_message', 'error_details', 'flag_state', 'actions']);
end $$;
comment on function ledger.reconcile() is
  'Job: plans the repairs of the last runs while active_reconciliation is dry, plans and applies them while it is enforce; answers what reconciliation_apply did.';
