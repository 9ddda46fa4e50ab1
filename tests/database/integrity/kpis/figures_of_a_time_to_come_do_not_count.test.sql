-- A clock that was once ahead leaves figures of a time to come: they are shown nowhere, and go.
begin;
select plan(5);
select set_config('ledger.procedure', 'test', true);
insert into public.kpi_snapshots (metric, taken_at, value, details) values
  ('orders_open', clock_timestamp() - interval '1 hour', 7, '{}'), ('orders_open', clock_timestamp() + interval '4 minutes', 8, '{}'),
  ('orders_open', clock_timestamp() + interval '1 year', 999, '{}');
select set_config('ledger.procedure', '', true);
create temp view shown as select f.* from jsonb_to_recordset(ledger.kpis_of_report()) f (metric text, value bigint, series jsonb) where f.metric = 'orders_open';
select is((select value from shown), 8::bigint, 'the report shows the newest that is not ahead');
select is((select jsonb_array_length(series) from shown), 2, 'nor is it a point of the series');
select is((select k.value from ledger.newest_kpi('orders_open') k), 8::bigint, 'a rule reads the same');
select is(ledger.purge_kpi_snapshots(), 1::bigint, 'the purge takes it');
select is((select max(k.value) from public.kpi_snapshots k), 8::bigint, 'and nothing else');
select * from finish();
rollback;
