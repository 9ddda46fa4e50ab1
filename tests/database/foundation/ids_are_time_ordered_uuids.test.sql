-- New rows land beside each other in every index: version 7 of RFC 9562.
begin;
select plan(6);
create temp table made as
  select n, extract(epoch from clock_timestamp()) * 1000 as ms_before, ledger.uuid_v7() as id, extract(epoch from clock_timestamp()) * 1000 as ms_after
  from generate_series(1, 2000) n;
create temp view stamped as
  select made.*, ('x' || lpad(replace(left(id::text, 13), '-', ''), 16, '0'))::bit(64)::bigint as ms from made;
select is(count(distinct id), 2000::bigint, '2000 ids are 2000 different ones') from made;
select is_empty($$ select id from made where id::text !~ '^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$' $$, 'each is of version 7 and of the RFC''s variant');
select is_empty($$ select id from stamped where ms not between ms_before - 1 and ms_after + 1 $$, 'each begins with its millisecond');
select is_empty($$ select id from (select id, ms, lag(ms) over (order by n) as before from stamped) s where ms < before $$, 'a later millisecond sorts behind an earlier one');
select is_empty($$ select id from (select id, lag(id) over (order by n) as before from made) s where id < before $$, 'ids of one session sort as they were made, also within a millisecond');
select is((select count(distinct substr(id::text, 20, 17)) from made), 2000::bigint, 'the rest is random');
select * from finish();
rollback;
