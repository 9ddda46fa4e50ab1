-- A setting that is read but not asked for would be null, and null lets things pass.
begin;
select plan(2);
create temp table read as
select distinct k.key
from pg_proc p
cross join lateral regexp_matches(p.prosrc, '[pv]_settings ->> ''([a-z_]+)''', 'g') m
cross join lateral (values (m[1])) k (key)
where p.pronamespace in ('ledger'::regnamespace, 'public'::regnamespace)
  and p.proname in ('ledger_place_order', 'price_order', 'refuse_item_list', 'refuse_lines', 'next_order_number', 'first_status', 'begin_owing');
select set_eq('select key from read', 'select unnest(ledger.settings_of_placing())', 'what the steps of placing read is what is asked for');
select is_empty('select key from read except select key from settings', 'all of it are settings');
select * from finish();
rollback;
