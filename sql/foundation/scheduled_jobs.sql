/*
 * Jobs as rows, with what became of their last run. Where pg_cron is installed ledger.schedule_jobs()
 * hands them to it; the local stack runs them from its own scheduler. Both send ledger.job_command.
 */
create table ledger.scheduled_jobs (
  name text primary key,
  schedule text not null,
  command text not null,
  enabled boolean not null default true,
  description text not null,
  time_limit interval not null default '10 minutes',
  max_silence interval,
  watched_since timestamptz not null default clock_timestamp(),
  last_started_at timestamptz,
  last_finished_at timestamptz,
  last_succeeded_at timestamptz,
  last_duration_ms bigint,
  last_error text,
  runs bigint not null default 0,
  failures bigint not null default 0,
  failures_in_a_row bigint not null default 0,
  skipped bigint not null default 0,
  constraint schedule_has_five_fields_or_is_in_seconds check (schedule ~ '^(([1-9]|[1-5]\d) seconds?|([-\d*/,]+ ){4}[-\d*/,A-Za-z]+)$' and schedule !~ '/0'),
  constraint time_limit_is_from_a_second_to_a_day check (time_limit between '1 second' and '1 day'),
  constraint max_silence_is_positive check (max_silence > '0'),
  constraint failures_in_a_row_are_failures_and_those_are_runs check (failures_in_a_row >= 0 and failures_in_a_row <= failures and failures <= runs and skipped >= 0)
) with (fillfactor = 50);
comment on table ledger.scheduled_jobs is 'SQL commands to run on a cron schedule (UTC), and how their last runs ended. Read it through ledger.jobs.';
comment on column ledger.scheduled_jobs.command is 'One statement that names everything with its schema; it runs in one transaction.';
comment on column ledger.scheduled_jobs.time_limit is 'A run that takes longer is ended, and has failed. Call ledger.schedule_jobs() after changing it or the schedule.';
comment on column ledger.scheduled_jobs.max_silence is 'Without success for so long the job counts as dead; null: as its schedule lets expect.';
comment on column ledger.scheduled_jobs.watched_since is 'Since when it should have been running: when it was added, or switched on again.';
comment on column ledger.scheduled_jobs.last_error is 'What the last run failed with, and the SQLSTATE; null when it succeeded.';
comment on column ledger.scheduled_jobs.runs is 'Runs that came to an end, well or not; skipped ones and those whose session was ended are not among them.';
comment on column ledger.scheduled_jobs.skipped is 'Turns that were left out because the run before was still at it, or what the job needed was in use.';

create function ledger.watch_job_again()
returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  new.watched_since := clock_timestamp();
  return new;
end $$;
comment on function ledger.watch_job_again() is 'Trigger: a job that is switched on again is not dead for the time it was off.';

create trigger silence_begins_when_switched_on before update of enabled on ledger.scheduled_jobs
  for each row when (new.enabled and not old.enabled) execute function ledger.watch_job_again();

/* Some three turns, and a quarter of an hour at least, as after a restart. */
create function ledger.silence_of_schedule(p_schedule text)
returns interval
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  return case
    when p_schedule ~ '^(\d+ seconds?|\* \* \* \* \*)$' then interval '15 minutes'
    when p_schedule ~ '^\*/\d+ \* \* \* \*$' then interval '15 minutes' + substring(p_schedule from '\d+')::integer * interval '3 minutes'
    when p_schedule ~ '^\S+ \* \* \* \*$' then interval '3 hours'
    when p_schedule ~ '^\S+ \S+ \* \* \*$' then interval '50 hours'
    when p_schedule ~ '^\S+ \S+ \* \* \S+$' then interval '15 days'
    when p_schedule ~ '^\S+ \S+ \S+ \* \S+$' then interval '63 days'
    when p_schedule ~ '^\S+ \S+ \S+ \*/\d+ \S+$' then interval '7 days' + substring(p_schedule from '^\S+ \S+ \S+ \*/(\d+)')::integer * interval '31 days'
    -- months that are named may be a year apart
    else interval '400 days'
  end;
end $$;
comment on function ledger.silence_of_schedule(text) is 'After how long without success a job of this schedule counts as dead.';

create function ledger.job_lock(p_name text)
returns bigint
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  return hashtextextended('ledger.run_job ' || p_name, 0);
end $$;
comment on function ledger.job_lock(text) is 'Key of the advisory lock that a running job holds.';

create view ledger.jobs
with (security_invoker = true)
as
  select j.name, j.schedule, j.enabled, j.description, j.time_limit, coalesce(j.max_silence, ledger.silence_of_schedule(j.schedule)) as max_silence,
         j.last_started_at, j.last_finished_at, j.last_succeeded_at, j.last_duration_ms, j.last_error,
         j.runs, j.failures, j.failures_in_a_row, j.skipped,
         (select min(a.xact_start)
          from pg_locks l
          join pg_stat_activity a on a.pid = l.pid
          where l.locktype = 'advisory' and l.granted and l.objsubid = 1 and l.database = (select d.oid from pg_database d where d.datname = current_database())
            and (l.classid::bigint << 32 | l.objid::bigint) = ledger.job_lock(j.name)) as running_since,
         clock_timestamp() - greatest(j.last_succeeded_at, j.watched_since) as silent_for,
         j.enabled and clock_timestamp() - greatest(j.last_succeeded_at, j.watched_since)
                       > coalesce(j.max_silence, ledger.silence_of_schedule(j.schedule)) as is_silent
  from ledger.scheduled_jobs j;
comment on view ledger.jobs is 'Jobs with their last runs; running_since while one runs, is_silent when it has not succeeded for longer than max_silence.';

/*
 * After a pause of the whole shop (its server was stopped, or restored from a copy) no job has run and none
 * is dead: each has its time from now on. The job that looks after the others knows by its own silence.
 */
create function ledger.watch_jobs_anew(p_watcher text)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_phase text := coalesce(current_setting('ledger.procedure', true), '');
begin
  if not exists (select from ledger.jobs j where j.name = p_watcher and j.is_silent) then
    return;
  end if;
  perform set_config('ledger.procedure', 'run_job', true);
  -- who is at its end has succeeded
  update ledger.scheduled_jobs j set watched_since = clock_timestamp()
  where j.name in (select s.name from ledger.scheduled_jobs s order by s.name for no key update skip locked);
  perform set_config('ledger.procedure', v_phase, true);
end $$;
comment on function ledger.watch_jobs_anew(text) is 'When the job that watches the others has been silent for too long itself, all of them have their time anew.';
