/*
 * Writes the next batch of an analysed import; to be called until done. A batch is one transaction:
 * after a crash the next call goes on behind the last one, and of two calls at once the second waits for
 * the first. A dry run writes all that is left, sees what comes of it, and takes it back. Source 002, E-A1.
 */
create function public.import_apply(p_run_id uuid, p_dry_run boolean default false, p_limit integer default 5000, p_actor_id uuid default null)
returns setof public.import_progress_result
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_actor ledger.actor;
  v_answer jsonb;
  v_run public.import_runs;
begin
  -- who may
  v_actor := ledger.actor_with(p_actor_id, 'imports.run');

  -- lock: run; applied stays applied
  select r.* into v_run from public.import_runs r where r.id = p_run_id for no key update;
  if v_run.state = 'applied' then
    return next ledger.import_progress(v_run);
    return;
  end if;

  -- lock: no backfill begins, or reckons, beside what it reckons with
  if v_run.kind in ('payments', 'invoices') then
    perform pg_advisory_xact_lock_shared(hashtextextended('import_backfill', 0));
  end if;

  -- check
  v_answer := coalesce(
    ledger.refuse_import_state(p_run_id, v_run, 'applying', '{analyzed,applying}'),
    case when p_limit is null or p_limit not between 1 and 50000 then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_limit', 'problem', 'from 1 to 50000 rows')) end,
    case when v_run.kind in ('payments', 'invoices') then ledger.refuse_beside_backfill() end);
  if v_answer is not null then
    return next jsonb_populate_record(null::public.import_progress_result, v_answer);
    return;
  end if;

  -- write: one batch, or all of them for a look
  perform set_config('ledger.procedure', 'import_apply', true);
  if coalesce(p_dry_run, false) then
    begin
      while v_run.state <> 'applied' loop
        v_run := ledger.apply_import_batch(v_run, p_limit, v_actor);
      end loop;
      -- what is deferred to the commit is looked at here
      set constraints all immediate;
      raise exception using errcode = 'LDRY0';
    exception when sqlstate 'LDRY0' then
      null;
    end;
  else
    v_run := ledger.apply_import_batch(v_run, p_limit, v_actor);
  end if;

  -- answer
  perform set_config('ledger.procedure', '', true);
  return next ledger.import_progress(v_run);
end $$;
revoke execute on function public.import_apply(uuid, boolean, integer, uuid) from public, anon;
grant execute on function public.import_apply(uuid, boolean, integer, uuid) to authenticated, service_role;
comment on function public.import_apply(uuid, boolean, integer, uuid) is
  'Applies the next p_limit rows or so of an analysed import in one transaction; call it until done is true. p_dry_run applies all that is left, answers what would come of it, and changes nothing. The books name p_actor_id, or the caller, for what it writes. Needs imports.run. Errors: import_not_found, import_conflict, invalid_argument, backfill_running (payments and invoices wait for a backfill). Source 002, E-A1.';

/* A batch of a locked run; answers the run as it is then. One message tells of a whole run. */
create function ledger.apply_import_batch(p_run public.import_runs, p_limit integer, p_actor ledger.actor)
returns public.import_runs
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_batch ledger.import_batch;
  v_is_done boolean;
begin
  -- whom the kinds name as who wrote it
  update public.import_runs r set applied_by = p_actor.user_id where r.id = p_run.id;
  -- two runs of one kind may bring the same names: the second sees what the first one made of them
  perform pg_advisory_xact_lock(hashtextextended('import ' || p_run.kind, 0));
  execute format('select * from ledger.%I($1, $2)', 'import_' || p_run.kind || '_apply') into v_batch using p_run.id, p_limit;
  v_is_done := not exists (select from public.import_rows w where w.run_id = p_run.id and w.state = 'staged');
  if not v_is_done and v_batch.applied_rows + v_batch.skipped_rows + v_batch.rejected_rows = 0 then
    raise exception 'import %: nothing was done with the rows that are left', p_run.id;
  end if;
  update public.import_runs r set
    state = case when v_is_done then 'applied' else 'applying' end,
    applied_rows = r.applied_rows + v_batch.applied_rows,
    skipped_rows = r.skipped_rows + v_batch.skipped_rows,
    rejected_rows = r.rejected_rows + v_batch.rejected_rows,
    sums = case when v_is_done then ledger.import_sums(r.id) else r.sums end,
    applied_at = case when v_is_done then clock_timestamp() end,
    updated_at = clock_timestamp()
  where r.id = p_run.id
  returning r.* into p_run;
  if v_is_done then
    perform ledger.record_operation('import.applied', 'import', p_run.id, null,
      jsonb_build_object('kind', p_run.kind, 'source_name', p_run.source_name, 'currency', p_run.currency, 'sums', p_run.sums,
        'applied_rows', p_run.applied_rows, 'skipped_rows', p_run.skipped_rows, 'rejected_rows', p_run.rejected_rows),
      p_actor, ledger.correlation_id());
  end if;
  return p_run;
end $$;
comment on function ledger.apply_import_batch(public.import_runs, integer, ledger.actor) is 'Applies one batch of a locked import and counts it; answers the run.';
