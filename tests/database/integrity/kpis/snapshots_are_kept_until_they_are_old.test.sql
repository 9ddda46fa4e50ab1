-- One row per metric and snapshot; a metric that cannot be measured says so and stops no other; old ones are purged.
begin;
select plan(20);
select tests.open_shop();

-- a shop's own metrics, some of which fail
insert into ledger.kpi_metrics (name, unit, description, query) values
  ('own_answer', 'count', 'a', $$ select 'own_answer', 42, '{"a": 1}'::jsonb $$),
  ('own_division', 'count', 'b', $$ select 'own_division', 1 / (select 0), null $$),
  ('own_huge', 'count', 'c', $$ select 'own_huge', 9007199254740992, null $$),
  ('own_nothing', 'count', 'd', $$ select 'own_nothing', 1, null where false $$),
  ('own_list', 'count', 'e', $$ select 'own_list', null::bigint, '[1]'::jsonb $$),
  ('own_nameless', 'count', 'f', $$ select null, 1, null $$),
  ('own_pair', 'count', 'g', $$ select * from (values ('own_pair', 1, '{}'::jsonb), ('own_other', null, null), ('own_stranger', 3, null)) v $$),
  ('own_half', 'count', 'h', $$ select * from (values ('own_half', 1::numeric, null::jsonb), ('own_rest', 1e30, null)) v $$);
insert into ledger.kpi_metrics (name, part_of, unit, description) values ('own_other', 'own_pair', 'count', 'i'), ('own_rest', 'own_half', 'count', 'j');
select is(ledger.take_kpi_snapshot()::bigint, (select count(*) from ledger.kpi_metrics), 'a snapshot has each metric');
select is((select count(distinct taken_at) from public.kpi_snapshots), 1::bigint, 'all at one moment');
select results_eq($$ select metric, value, coalesce(details ->> 'sqlstate', details::text) from public.kpi_snapshots where metric like 'own%' order by metric $$, $$
  values ('own_answer', 42::bigint, '{"a": 1}'), ('own_division', null, '22012'), ('own_half', null, '22003'), ('own_huge', null, '22003'), ('own_list', null, '{}'),
         ('own_nameless', null, '22023'), ('own_nothing', null, '{}'), ('own_other', null, '{}'), ('own_pair', 1, '{}'), ('own_rest', null, '22003') $$,
  'what cannot be measured, or not be kept, says why; an answer for a metric that is none is nothing');
select is_empty($$ select metric, details from public.kpi_snapshots where details ? 'error' and metric not like 'own%' $$, 'the others were measured beside');
select lives_ok('select ledger.take_kpi_snapshot()', 'the next one stands beside it');
select is((select count(distinct taken_at) from public.kpi_snapshots), 2::bigint, 'which makes two');
select is(coalesce(current_setting('ledger.procedure', true), ''), '', 'no mark stays');

-- rules of the metrics
select throws_ok($$ insert into ledger.kpi_metrics (name, unit, description) values ('x', 'count', 'neither') $$, '23514', null, 'a metric has a query or is part of one that has');
select throws_ok($$ insert into ledger.kpi_metrics (name, part_of, unit, description, query) values ('x', 'own_pair', 'count', 'both', 'select') $$, '23514', null, 'and not both');
select throws_ok($$ delete from ledger.kpi_metrics where name = 'own_answer' $$, '23503', null, 'one that was measured stays');

-- who reads, and nobody writes
select is(tests.count_as(who, 'public.kpi_snapshots') = '0', who in ('ann', 'warehouse', 'logistics', 'vendor'), format('whether %s sees figures', who))
from unnest('{ann,warehouse,logistics,vendor,finance,admin}'::text[]) who;
select matches(tests.error_as('postgres', 'delete from public.kpi_snapshots'), '^42501: delete on kpi_snapshots is refused', 'hands remove none');

-- the purge
select tests.tamper($$ update public.kpi_snapshots set taken_at = taken_at - interval '400 days' where taken_at = (select min(taken_at) from public.kpi_snapshots) $$);
select is(ledger.purge_kpi_snapshots(), (select count(*) from ledger.kpi_metrics), 'what is older than the setting goes');
select results_eq('select count(distinct taken_at), bool_and(taken_at > now() - interval ''1 day'') from public.kpi_snapshots', $$ values (1::bigint, true) $$, 'and the rest stays');
select is_empty('select * from ledger.book_differences()', 'the books are in order');
select * from finish();
rollback;
