/*
 * What became of a turn. It waits for nobody: somebody who has the row locked by hand must not keep the
 * job's own locks, those of orders among them, from being freed.
 */
create function ledger.keep_job_run(p_name text, p_started_at timestamptz, p_error text)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
set lock_timeout = '2s'
as $$
declare
  v_now timestamptz := clock_timestamp();
begin
  perform set_config('ledger.procedure', 'run_job', true);
  update ledger.scheduled_jobs j set
    last_started_at = p_started_at,
    last_finished_at = v_now,
    last_succeeded_at = case when p_error is null then v_now else j.last_succeeded_at end,
    last_duration_ms = round(extract(epoch from v_now - p_started_at) * 1000),
    last_error = p_error,
    runs = j.runs + 1,
    failures = j.failures + (p_error is not null)::integer,
    failures_in_a_row = case when p_error is null then 0 else j.failures_in_a_row + 1 end
  where j.name = p_name;
  perform set_config('ledger.procedure', '', true);
exception when lock_not_available then
  raise warning 'job "%" ran, but somebody keeps its row locked, so that it does not say so', p_name;
end $$;
comment on function ledger.keep_job_run(text, timestamptz, text) is 'Keeps the end of a job''s run; p_error is null when it succeeded.';

create function ledger.count_skipped_job(p_name text)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  perform set_config('ledger.procedure', 'run_job', true);
  update ledger.scheduled_jobs j set skipped = j.skipped + 1
  where j.name = (select s.name from ledger.scheduled_jobs s where s.name = p_name for no key update skip locked);
  perform set_config('ledger.procedure', '', true);
end $$;
comment on function ledger.count_skipped_job(text) is 'Counts a turn that was left out.';

/*
 * Runs a job: its command in a subtransaction, and then what became of it. A command that fails is rolled
 * back and this is not, so the failure is kept; what is deferred to the end is checked while that still
 * can be. The lock is the transaction's and goes with the session, however that ends.
 *
 * Nothing is written before the command: a transaction that has written holds back the sealer until it
 * ends, one that reads for minutes does not.
 *
 * The time limit is that of the statement: one that ends just as the record is kept takes the run back as
 * well, and it has its next turn.
 */
create function ledger.run_job(p_name text)
returns text
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_job ledger.scheduled_jobs;
  v_started_at timestamptz := clock_timestamp();
  v_error text;
begin
  select j.* into v_job from ledger.scheduled_jobs j where j.name = p_name;
  if not found then
    raise exception 'there is no job "%"', p_name using hint = 'ledger.scheduled_jobs has them all.';
  elsif not v_job.enabled then
    return 'switched off';
  elsif not pg_try_advisory_xact_lock(ledger.job_lock(p_name)) then
    perform ledger.count_skipped_job(p_name);
    return 'skipped';
  end if;

  begin
    execute v_job.command;
    set constraints all immediate;
  exception
  -- it waits for nobody for long: not now is no failure, and a job that never has its turn is silent
  when lock_not_available then
    raise notice 'job "%" gave up until its next turn: %', p_name, sqlerrm;
    perform ledger.count_skipped_job(p_name);
    return 'skipped';
  -- also when it ran out of its time, or somebody stopped it
  when query_canceled or assert_failure or others then
    v_error := left(format('%s (%s)', sqlerrm, sqlstate), 2000);
    raise warning 'job "%" failed: %', p_name, v_error;
  end;
  perform ledger.keep_job_run(p_name, v_started_at, v_error);
  return case when v_error is null then 'done' else 'failed' end;
end $$;
comment on function ledger.run_job(text) is
  'Runs a job now, unless it runs already or is switched off, and keeps how it ended; answers done, failed, skipped (it runs already, or gave up waiting for a lock) or switched off. A failing command does not raise.';

/* Two statements: a time limit holds for the statement after the one that sets it. */
create function ledger.job_command(p_name text)
returns text
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  return (select format('set statement_timeout = %s; select ledger.run_job(%L)', round(extract(epoch from j.time_limit) * 1000), j.name)
          from ledger.scheduled_jobs j where j.name = p_name);
end $$;
comment on function ledger.job_command(text) is 'What a scheduler sends at each turn of a job.';

create function ledger.schedule_jobs()
returns integer
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_job ledger.scheduled_jobs;
  v_count integer := 0;
begin
  if not exists (select from pg_catalog.pg_extension e where e.extname = 'pg_cron') then
    raise exception 'pg_cron is not installed; enable it first (Database, Extensions), then call ledger.schedule_jobs() again';
  end if;
  -- a name that is there already gets the new schedule and command
  for v_job in select * from ledger.scheduled_jobs j where j.enabled order by j.name loop
    begin
      execute 'select cron.schedule($1, $2, $3)' using 'order-ledger ' || v_job.name, v_job.schedule, ledger.job_command(v_job.name);
    exception when others then
      raise exception using errcode = sqlstate, message = format('job "%s" cannot be scheduled at "%s": %s', v_job.name, v_job.schedule, sqlerrm),
        hint = 'No job was handed over. Correct its schedule, or switch it off, and call ledger.schedule_jobs() again.';
    end;
    v_count := v_count + 1;
  end loop;
  -- what is switched off or gone since has no more turns
  execute $unschedule$
    select cron.unschedule(c.jobid)
    from cron.job c
    where c.jobname like 'order-ledger %' and c.database = current_database() and c.username = current_user
      and not exists (select from ledger.scheduled_jobs j where j.enabled and 'order-ledger ' || j.name = c.jobname)
  $unschedule$;
  return v_count;
end $$;
comment on function ledger.schedule_jobs() is 'Hands all enabled jobs to pg_cron and takes back those that are off or gone; answers how many it has. Call it after installing a release, and after changing a schedule. Safe to repeat.';
