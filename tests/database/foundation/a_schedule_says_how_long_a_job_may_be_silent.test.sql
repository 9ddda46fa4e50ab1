-- A schedule that no scheduler takes is refused, and each says after how long without success its job is dead.
begin;
select plan(30);
select is(ledger.silence_of_schedule(schedule), silence::interval, schedule) from (values
  ('10 seconds', '15 minutes'), ('* * * * *', '15 minutes'), ('*/5 * * * *', '30 minutes'), ('15-17 * * * *', '3 hours'), ('25 2 * * *', '50 hours'),
  ('*/10 2-4 * * *', '50 hours'), ('0 6 * * 1', '15 days'), ('0 6 1 * *', '63 days'), ('0 6 1 */3 *', '100 days'), ('0 6 1 1 *', '400 days'),
  ('0 6 1 1,7 *', '400 days')) v (schedule, silence);
create function pg_temp.add(schedule text) returns text language sql as $$
  select tests.try_as('postgres', format('insert into ledger.scheduled_jobs (name, schedule, command, description) values (''new'', %L, ''select 1'', '''')', schedule));
$$;
select is(pg_temp.add(schedule), 'done', schedule || ' is a schedule') from unnest(array['1 second', '59 seconds', '* * * * *', '*/5 2-4 1,15 * MON-FRI', '0 6 1 */3 *']) schedule;
select is(pg_temp.add(schedule), '23514', schedule || ' is none')
from unnest(array['0 seconds', '60 seconds', '90 seconds', '*/0 * * * *', '* * * *', '* * * * * *', 'now and then I say', '@daily', '', '5 minutes', '1; * * * *', '00 seconds', '* * * * *; x']) schedule;
select is(tests.try_as('postgres', $$ update ledger.scheduled_jobs set schedule = '90 seconds' where name = 'seal events' $$), '23514', 'nor is one changed to such');
select * from finish();
rollback;
