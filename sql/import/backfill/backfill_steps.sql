/* What a backfill would do, without doing it. */
create function ledger.look_at_backfill(p_run public.import_runs, p_user_id uuid)
returns public.import_backfill_result
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_accounts uuid[] := case when p_user_id is null then ledger.accounts_to_backfill(p_run.id)
                            else array(select a.id from public.accounts a where a.user_id = p_user_id) end;
begin
  return row(true, null, null, null, null, p_run.id, p_run.backfill_state, null,
             (select coalesce(sum(b.amount), 0) from unnest(v_accounts) a (id) cross join lateral ledger.plan_backfill(a.id, p_run.id) b),
             true, ledger.backfill_sums(ledger.backfill_figures(v_accounts, p_run.id)) - 'drift')::public.import_backfill_result;
end $$;
comment on function ledger.look_at_backfill(public.import_runs, uuid) is 'A dry run of a backfill: allocated_amount is what it would allocate.';

/* Whether sums differ by more than the setting allows, in millionths of what was expected. */
create function ledger.backfill_drifts(p_figures ledger.backfill_figures)
returns boolean
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  return abs((p_figures).expected_amount - (p_figures).synthetic_amount) * 1000000
         > (p_figures).expected_amount * ledger.setting_text('backfill_drift_ppm_limit')::numeric;
end $$;
comment on function ledger.backfill_drifts(ledger.backfill_figures) is 'Whether the differential check of a backfill fails.';

create function ledger.backfill_customer(p_user_id uuid, p_actor ledger.actor)
returns public.import_backfill_result
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_accounts uuid[] := array(select a.id from public.accounts a where a.user_id = p_user_id order by a.id);
  v_account_id uuid;
  v_allocated bigint := 0;
  v_figures ledger.backfill_figures;
begin
  foreach v_account_id in array v_accounts loop
    v_allocated := v_allocated + ledger.backfill_account(v_account_id, null, p_actor, ledger.correlation_id());
  end loop;
  v_figures := ledger.backfill_figures(v_accounts);
  if ledger.backfill_drifts(v_figures) then
    raise exception 'backfill of customer %: % expected, % allocated', p_user_id, (v_figures).expected_amount, (v_figures).synthetic_amount;
  end if;
  return row(true, null, null, null, null, null, 'done', null, v_allocated, true, ledger.backfill_sums(v_figures))::public.import_backfill_result;
end $$;
comment on function ledger.backfill_customer(uuid, ledger.actor) is 'Backfills all accounts of a customer in one transaction; a drift undoes it.';

/* The next step of the backfill of a locked run. */
create function ledger.step_backfill(p_run public.import_runs, p_limit integer, p_actor ledger.actor)
returns public.import_backfill_result
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_state text := p_run.backfill_state;
  v_accounts uuid[];
  v_account_id uuid;
  v_figures ledger.backfill_figures;
  v_allocated bigint := 0;
  v_report jsonb := p_run.backfill;
  v_since timestamptz := (p_run.backfill ->> 'began_at')::timestamptz;
begin
  if v_state is null or v_state in ('done', 'aborted') then
    -- step 1: allocations are closed, and what is flagged is counted
    perform ledger.change_flag('ledger_backfill_mode', 'read_only', 0, 'backfill reads', p_actor);
    v_report := ledger.backfill_sums(ledger.backfill_figures(ledger.accounts_to_backfill(p_run.id), p_run.id)) - 'drift'
                || jsonb_build_object('began_at', clock_timestamp());
    v_state := 'reading';
  elsif v_state = 'drifted' then
    -- what drifted is taken back, and nothing that an earlier backfill made
    v_allocated := -ledger.drop_synthetic_allocations(p_run.id, p_limit, p_actor, 'backfill drifted', v_since);
    if not ledger.has_synthetic_allocations(p_run.id, v_since) then
      v_state := 'aborted';
    end if;
  else
    -- steps 2 to 5: account by account
    perform ledger.change_flag('ledger_backfill_mode', 'active', 0, 'backfill writes', p_actor);
    v_accounts := ledger.accounts_to_backfill(p_run.id, case v_state when 'writing' then p_run.backfill_account_id end, p_limit);
    foreach v_account_id in array v_accounts loop
      v_allocated := v_allocated + ledger.backfill_account(v_account_id, p_run.id, p_actor, ledger.correlation_id());
    end loop;
    v_state := 'writing';
    if cardinality(v_accounts) < p_limit then
      -- steps 6 and 7: the differential check
      v_figures := ledger.backfill_figures(ledger.accounts_to_backfill(p_run.id), p_run.id);
      v_report := ledger.backfill_sums(v_figures) || ledger.backfill_findings(p_run.id) || jsonb_build_object('began_at', v_since);
      v_state := case when ledger.backfill_drifts(v_figures) then 'drifted' else 'done' end;
    end if;
  end if;

  update public.import_runs r set
    backfill_state = v_state,
    backfill_account_id = case v_state when 'writing' then coalesce(v_accounts[cardinality(v_accounts)], r.backfill_account_id) end,
    backfill = v_report,
    updated_at = clock_timestamp()
  where r.id = p_run.id;
  if v_state in ('done', 'aborted') then
    perform ledger.change_flag('ledger_backfill_mode', 'off', 0, 'backfill ' || v_state, p_actor);
    perform ledger.record_operation('import.backfilled', 'import', p_run.id, null,
      jsonb_build_object('backfill_state', v_state, 'currency', p_run.currency) || v_report, p_actor, ledger.correlation_id());
  end if;
  return row(true, null, null, null, null, p_run.id, v_state, null, v_allocated, v_state in ('done', 'aborted'), v_report)::public.import_backfill_result;
end $$;
comment on function ledger.step_backfill(public.import_runs, integer, ledger.actor) is 'One step of a backfill: closes allocations, writes a batch of accounts, or checks; answers what it did.';
