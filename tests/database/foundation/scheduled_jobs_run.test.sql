-- Jobs are rows; the local stack's scheduler and pg_cron run the same commands.
begin;
select tests.open_shop();
select plan((select count(*)::int from ledger.scheduled_jobs) * 2 + 6);
select set_eq('select name from ledger.scheduled_jobs where enabled', $$ values ('seal events'), ('verify seals'), ('create partitions'), ('purge audit log'), ('purge idempotency keys'), ('check integrity'), ('check all integrity'), ('expire reservations'), ('expire grace'), ('remind of grace'), ('take kpi snapshot'), ('purge kpi snapshots'), ('purge integrity findings'), ('alert late receipts'), ('check alerts'), ('purge imported rows'), ('continue bulk changes'), ('purge bulk changes'), ('purge order drafts'), ('reconcile') $$, 'the jobs as shipped');
select lives_ok(command, format('the command of "%s" runs', name)) from ledger.scheduled_jobs order by name;
select lives_ok(command, format('and runs once more: %s', name)) from ledger.scheduled_jobs order by name;
select is_empty($$ select name from ledger.scheduled_jobs where schedule !~ '^(\S+ ){4}\S+$' $$, 'each schedule has the five fields of cron');
select is_empty($$ select p.proname from pg_proc p where p.pronamespace = 'ledger'::regnamespace and obj_description(p.oid, 'pg_proc') like 'Job:%'
                   and not exists (select from ledger.scheduled_jobs j where j.command like '%ledger.' || p.proname || '(%') $$, 'every function that calls itself a job is scheduled');
select is((select count(*)::int from ledger.book_differences()), 0, 'the books are in order after all jobs');
select is_empty('select * from ledger.verify_seals() where problem is not null', 'the seals hold');
-- without pg_cron the hand-over says what to do; with it this is the platform's to test
select case when exists (select from pg_extension where extname = 'pg_cron') then pass('pg_cron is installed')
  else throws_like('select ledger.schedule_jobs()', '%pg_cron is not installed; enable it first%', 'without pg_cron the hand-over says what to do') end;
select * from finish();
rollback;
