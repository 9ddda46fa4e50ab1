-- DESIGN rule 7: events and audit log are partitioned by month; an insert never fails for want of a partition.
begin;
select plan(22);
create temp table months as
  select n, m as starts, m + interval '1 month' as ends, to_char(m at time zone 'UTC', 'YYYY_MM') as suffix
  from (select n, (date_trunc('month', now() at time zone 'UTC') + make_interval(months => n)) at time zone 'UTC' as m from generate_series(0, 12) n) s;
-- none of the coming months has anything in it
select tests.tamper('delete from public.immutable_events where occurred_at >= date_trunc(''month'', now())'), tests.tamper('delete from public.audit_log where occurred_at >= date_trunc(''month'', now())');
create temp table had as select count(*)::int as partitions from pg_inherits where inhparent in ('public.immutable_events'::regclass, 'public.audit_log'::regclass);

select is(ledger.create_month_partitions(5) + (select partitions from had), 2 + 12, 'this month and five ahead are there for both tables, beside the defaults');
select is(ledger.create_month_partitions(5), 0, 'a second run makes nothing');
select is(ledger.create_month_partitions(7), 4, 'two months further are two partitions of each');
select set_eq($$ select c.relname::text from pg_inherits i join pg_class c on c.oid = i.inhrelid where i.inhparent in ('public.immutable_events'::regclass, 'public.audit_log'::regclass) $$,
  $$ select p || '_' || suffix from months, unnest('{immutable_events,audit_log}'::text[]) p where n <= 7 union all values ('immutable_events_default'), ('audit_log_default') $$, 'named by their month');
select is_empty($$ select c.relname from pg_inherits i join pg_class c on c.oid = i.inhrelid where i.inhparent in ('public.immutable_events'::regclass, 'public.audit_log'::regclass)
                   and (c.relnamespace <> 'ledger'::regnamespace or not c.relrowsecurity or c.relacl::text ~ '(anon|authenticated|service_role)') $$, 'in schema ledger, closed to everybody outside');
-- what guards the parent guards every partition, also in replica mode
select is_empty($$ select c.relname, t.tgname from pg_inherits i join pg_class c on c.oid = i.inhrelid
                   cross join (values ('rows_never_change', 'A'), ('rows_are_never_truncated', 'A'), ('rows_come_from_procedures', 'O')) t (tgname, state)
                   where i.inhparent in ('public.immutable_events'::regclass, 'public.audit_log'::regclass)
                     and not exists (select from pg_trigger g where g.tgrelid = c.oid and g.tgname = t.tgname and g.tgenabled = t.state) $$, 'each guarded as its parent is');
select is_empty($$ select c.relname, p.conname from pg_inherits i join pg_class c on c.oid = i.inhrelid join pg_constraint p on p.conrelid = i.inhparent and p.contype in ('c', 'p')
                   where i.inhparent in ('public.immutable_events'::regclass, 'public.audit_log'::regclass)
                     and not exists (select from pg_constraint k where k.conrelid = c.oid and k.contype = p.contype and (k.conname = p.conname or k.contype = 'p')) $$, 'with its constraints');
select is_empty($$ select i.inhrelid::regclass from pg_inherits i join pg_index x on x.indrelid = i.inhparent
                   where i.inhparent in ('public.immutable_events'::regclass, 'public.audit_log'::regclass)
                     and not exists (select from pg_inherits k join pg_index y on y.indexrelid = k.inhrelid where k.inhparent = x.indexrelid and y.indrelid = i.inhrelid) $$, 'and its indexes');

-- where rows go
select tests.create_customer('ann', 100);
select is((select tableoid::regclass::text from public.immutable_events where event_type = 'account.credited' and account_id = ledger.account_id(tests.get_supabase_uid('ann'), 'USD')),
  (select 'ledger.immutable_events_' || suffix from months where n = 0), 'an event of today lands in this month');
select is((select distinct tableoid::regclass::text from public.audit_log where action = 'account.credited' and account_id = ledger.account_id(tests.get_supabase_uid('ann'), 'USD')),
  (select 'ledger.audit_log_' || suffix from months where n = 0), 'so does its line in the audit log');
create function pg_temp.partition_at(p_time timestamptz) returns text language plpgsql as $$
declare v_partition text;
begin
  perform set_config('ledger.procedure', 'test', true);
  insert into public.immutable_events (occurred_at, event_type, stream_type, stream_id, payload, correlation_id)
  values (p_time, 'test', 'test', gen_random_uuid(), '{}', gen_random_uuid()) returning tableoid::regclass::text into v_partition;
  perform set_config('ledger.procedure', '', true);
  return v_partition;
end $$;
select is(pg_temp.partition_at(starts), 'ledger.immutable_events_' || suffix, 'the first moment of a month (UTC) belongs to it') from months where n = 3;
select is(pg_temp.partition_at(ends - interval '1 microsecond'), 'ledger.immutable_events_' || suffix, 'so does its last') from months where n = 3;
select is(pg_temp.partition_at(ends), 'ledger.immutable_events_default', 'what lies beyond the last month lands in the default') from months where n = 7;
select is(pg_temp.partition_at('2001-01-01'), 'ledger.immutable_events_default', 'so does what lies before the first');
set local timezone = 'Pacific/Auckland';
select is(ledger.create_month_partitions(7), 0, 'a session''s time zone makes no other months');
reset timezone;

-- a month that already has rows in the default stays there
select is(ledger.create_month_partitions(8), 1, 'the month whose event lies in the default gets no partition of events, only of the audit log');
select is(pg_temp.partition_at(starts + interval '3 days'), 'ledger.immutable_events_default', 'its events go on landing in the default') from months where n = 8;
select is(ledger.create_month_partitions(9), 2, 'the month after it gets both');
select is((select count(*)::int from public.immutable_events where event_type = 'test'), 5, 'nothing is lost');
select is(tests.outcome_as('postgres', format('delete from ledger.immutable_events_%s', suffix)), '42501', 'a row in a month is as safe as any') from months where n = 3;
select is(tests.outcome_as('postgres', format('insert into ledger.immutable_events_%s select * from public.immutable_events limit 1', suffix)), '42501', 'and none can be added by hand') from months where n = 3;
select is((select count(*)::int from ledger.book_differences()), 0, 'the books are in order');
select * from finish();
rollback;
