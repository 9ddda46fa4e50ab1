/*
 * Jobs as rows. Where pg_cron is installed ledger.schedule_jobs() hands them to it; the local
 * stack runs them from its own scheduler.
 */
create table ledger.scheduled_jobs (
  name text primary key,
  schedule text not null,
  command text not null,
  enabled boolean not null default true,
  description text not null
);
comment on table ledger.scheduled_jobs is 'SQL commands to run on a cron schedule (UTC).';

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
  for v_job in select * from ledger.scheduled_jobs j where j.enabled loop
    execute 'select cron.schedule($1, $2, $3)' using 'order-ledger ' || v_job.name, v_job.schedule, v_job.command;
    v_count := v_count + 1;
  end loop;
  return v_count;
end $$;
comment on function ledger.schedule_jobs() is 'Hands all enabled jobs to pg_cron; answers how many. Safe to repeat.';
