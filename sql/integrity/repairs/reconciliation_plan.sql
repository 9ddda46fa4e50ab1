create type public.reconciliation_plan_result as (
  success boolean, transaction_id uuid, error_code text, error_message text, error_details jsonb,
  run_id uuid, plans jsonb, for_people jsonb, left_count bigint
);

/* Plans the repairs of what a run found; nothing is repaired. Source 002, E-B4. */
create function public.reconciliation_plan(p_run_id uuid default null)
returns setof public.reconciliation_plan_result
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_run public.reconciliation_runs;
  v_planned jsonb;
  v_result public.reconciliation_plan_result;
begin
  -- who may
  perform ledger.require_permission(ledger.current_actor(), 'audit.read');

  -- check
  select r.* into v_run
  from public.reconciliation_runs r
  where case when p_run_id is null then r.check_code = 'books' else r.id = p_run_id end
  order by r.id desc
  limit 1;
  if v_run.id is null then
    return next jsonb_populate_record(v_result, ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_run_id',
      'problem', case when p_run_id is null then 'there is no run yet; call integrity_run' else 'the id of a run in reconciliation_runs' end)));
    return;
  end if;

  -- write: plans
  v_planned := ledger.plan_repairs(v_run);

  -- answer: the plans, and what no repair is for
  v_result.success := true;
  v_result.run_id := v_run.id;
  v_result.plans := (
    select coalesce(jsonb_agg(jsonb_build_object('id', a.id, 'check_code', a.check_code, 'repair', a.repair, 'subject', a.subject, 'account_id', a.account_id,
                                                 'plan', a.plan, 'diff_amount', a.diff_amount, 'created_at', a.created_at) order by k.position, a.id), '[]')
    from public.reconciliation_actions a
    join ledger.repair_kinds k on k.kind = a.repair
    where a.id = any (ledger.ids_in(v_planned -> 'planned')));
  v_result.for_people := v_planned -> 'refused' || (
    select coalesce(jsonb_agg(jsonb_build_object('check_code', f.check_code, 'repair', null, 'subject', f.subject, 'findings', f.findings,
                                                 'reason', 'there is no repair for what this check finds') order by f.check_code), '[]')
    from (select n.check_code, min(n.subject) as subject, count(*) as findings
          from public.integrity_findings n
          left join public.integrity_checks c on c.code = n.check_code
          where n.run_id = v_run.id and c.repair is null
          group by n.check_code) f);
  v_result.left_count := (v_planned ->> 'left_count')::bigint;
  return next v_result;
end $$;
revoke execute on function public.reconciliation_plan(uuid) from public, anon;
grant execute on function public.reconciliation_plan(uuid) to authenticated, service_role;
comment on function public.reconciliation_plan(uuid) is
  'Plans repairs of what a run found (null: the last run of the checks; a drift run for its first accounts) and answers them: plans [{id, check_code, repair, subject, account_id, plan, diff_amount, created_at}], plan being diff lines [{relation, key, column, from, to}], amounts in minor units; for_people [{check_code, repair, subject, findings, reason}] is what no repair mends (without a repair: one row per check); left_count subjects that somebody was at work on, or that came behind the first thousand or after five seconds: asked again, it answers the same plans and goes on with these. A plan was tried and taken back: after it fewer checks find something, and none what it did not find before. Repairs nothing. Needs audit.read. Errors: invalid_argument. Source 002, E-B4.';
