/* What of a run's findings a repair could mend: one row per repair and subject, for the first of its findings. */
create function ledger.repairs_wanted(p_run public.reconciliation_runs)
returns table (repair text, subject uuid, finding_id uuid, check_code text)
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  return query
    with wanted as (
      select k.position, k.kind, case k.subject when 'account' then coalesce(f.account_id, ledger.uuid_in(left(f.subject, 36))) else ledger.uuid_in(left(f.subject, 36)) end as subject,
             f.id, f.check_code
      from public.integrity_findings f
      join public.integrity_checks c on c.code = f.check_code
      join ledger.repair_kinds k on k.kind = c.repair
      where f.run_id = p_run.id
      union all
      -- drift runs keep their first accounts
      select k.position, k.kind, ledger.uuid_in(d.value ->> 'account_id'), null, p_run.check_code
      from jsonb_array_elements(p_run.details -> 'first') d
      join ledger.repair_kinds k on k.kind = case p_run.check_code when 'debt_cache' then 'balance_caches' when 'old_flags' then 'old_flags' end)
    select w.kind, w.subject, (array_agg(w.id order by w.id))[1], (array_agg(w.check_code order by w.id))[1]
    from wanted w
    where w.subject is not null
    group by w.position, w.kind, w.subject
    order by w.position, w.subject;
end $$;
comment on function ledger.repairs_wanted(public.reconciliation_runs) is 'Repairs and subjects that the findings of a run ask for, those first that others rest on.';

/*
 * Plans one repair, where there is anything to mend; a plan that is open stays if it says the same. What somebody
 * has undone is not planned a second time. Answers why it is not for a repair, busy, or null.
 */
create function ledger.plan_repair(p_run_id uuid, p_finding_id uuid, p_check_code text, p_repair text, p_subject uuid)
returns text
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_repair ledger.repair := ledger.repair_of(p_repair, p_subject);
  v_undone_at timestamptz;
  v_is_wanted boolean;
begin
  if v_repair.problem is null and v_repair.lines <> '[]'
     and not exists (select from public.reconciliation_actions a
                     where a.repair = p_repair and a.subject = p_subject and a.status = 'planned' and a.plan = v_repair.lines) then
    select case when ledger.changes_of_lines(a.plan) = ledger.changes_of_lines(v_repair.lines) then a.undone_at end into v_undone_at
    from public.reconciliation_actions a
    where a.repair = p_repair and a.subject = p_subject and a.status in ('applied', 'undone')
    order by a.id desc limit 1;
    v_repair.problem := case when v_undone_at is not null then format('the same repair was undone at %s', v_undone_at)
                             else ledger.refusal_of_repair(p_repair, p_subject, v_repair.account_id, p_finding_id, v_repair.lines) end;
  end if;
  if v_repair.problem = 'busy' then
    return 'busy';
  end if;
  v_is_wanted := v_repair.problem is null and v_repair.lines <> '[]';
  update public.reconciliation_actions a set
    status = case when v_is_wanted then 'superseded' else 'stale' end,
    error_code = case when not v_is_wanted then 'stale' end,
    error_message = case when not v_is_wanted then coalesce(v_repair.problem, 'there is nothing to mend any more') end,
    updated_at = clock_timestamp()
  where a.repair = p_repair and a.subject = p_subject and a.status = 'planned' and not (v_is_wanted and a.plan = v_repair.lines);
  if v_is_wanted then
    insert into public.reconciliation_actions (run_id, finding_id, check_code, repair, subject, account_id, stream_type, plan, diff_amount)
    values (p_run_id, p_finding_id, p_check_code, p_repair, p_subject, v_repair.account_id, v_repair.stream_type, v_repair.lines, ledger.diff_of_lines(v_repair.lines))
    on conflict (repair, subject) where status = 'planned' do nothing;
    return null;
  end if;
  return coalesce(v_repair.problem, 'nothing that is kept differs from its rows: it may follow from another finding, or the rows themselves were changed');
end $$;
comment on function ledger.plan_repair(uuid, uuid, text, text, uuid) is 'Plans a repair of a subject as everything is now; answers why there is none, or null.';

/*
 * Plans the repairs of a run, and looks again at plans of other runs that are open: those that say something
 * else by now are stale or superseded. A trial takes as long as the checks of an account, so there is an end to it.
 */
create function ledger.plan_repairs(p_run public.reconciliation_runs, p_time interval default '5 seconds')
returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_phase text := current_setting('ledger.procedure', true);
  v_wanted record;
  v_reason text;
  v_ends_at timestamptz := clock_timestamp() + p_time;
  v_left bigint := 0;
  v_planned uuid[] := '{}'::uuid[];
  v_refused jsonb := '[]'::jsonb;
begin
  -- one at a time, so that each subject has one open plan; it waits for no order and no order for it
  perform pg_advisory_xact_lock(hashtextextended('plan repairs', 0));
  perform set_config('ledger.procedure', 'reconciliation_plan', true);
  -- what is open from before is looked at again, because others are tried behind it
  perform ledger.plan_repair(a.run_id, a.finding_id, a.check_code, a.repair, a.subject)
  from (select n.* from public.reconciliation_actions n where n.status = 'planned' and n.run_id <> p_run.id order by n.id limit 1000) a;
  for v_wanted in
    select w.* from ledger.repairs_wanted(p_run) w
  loop
    -- what is for people does not keep others from being planned
    if cardinality(v_planned) >= 1000 or clock_timestamp() > v_ends_at then
      v_left := v_left + 1;
      continue;
    end if;
    v_reason := ledger.plan_repair(p_run.id, v_wanted.finding_id, v_wanted.check_code, v_wanted.repair, v_wanted.subject);
    if v_reason is null then
      v_planned := v_planned || (select a.id from public.reconciliation_actions a
                                 where a.repair = v_wanted.repair and a.subject = v_wanted.subject and a.status = 'planned');
    elsif v_reason = 'busy' then
      v_left := v_left + 1;
    else
      v_refused := v_refused || jsonb_build_array(jsonb_build_object('check_code', v_wanted.check_code, 'repair', v_wanted.repair,
                                                                     'subject', v_wanted.subject, 'findings', 1, 'reason', v_reason));
    end if;
  end loop;
  perform set_config('ledger.procedure', coalesce(v_phase, ''), true);
  return jsonb_build_object('planned', to_jsonb(v_planned), 'refused', v_refused, 'left_count', v_left);
end $$;
comment on function ledger.plan_repairs(public.reconciliation_runs, interval) is
  'Plans the repairs of a run, at most a thousand and for about p_time; what is left comes behind what is planned when it is called again. Answers {"planned": [ids of the open plans], "refused": [{check_code, repair, subject, findings, reason}], "left_count"}.';
