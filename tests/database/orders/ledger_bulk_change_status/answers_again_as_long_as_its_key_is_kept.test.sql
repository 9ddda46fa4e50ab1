-- The answer of a bulk change is in its rows, which go no sooner than the key that names it.
begin;
select plan(4);

select tests.create_customer('alice', 100000), tests.create_variant('mug');
select tests.place_order('alice', 'mug') from generate_series(1, 2);
update settings set value = '1' where key = 'bulk_change_retention_days';
create function pg_temp.changed() returns integer language sql as $$
  select count(*)::int from ledger_bulk_change_status(array(select id from orders), 'processing', p_idempotency_key => 'k') a where a.success;
$$;
select is(pg_temp.changed(), 2, 'two orders are changed');
select set_config('ledger.procedure', 'test', true);
update bulk_changes set updated_at = now() - interval '29 days';
select set_config('ledger.procedure', '', true);
select is(ledger.purge_bulk_changes(), 0::bigint, 'the outcomes stay while the key does');
select is(pg_temp.changed(), 2, 'so that the same key gets the same answer');
select set_config('ledger.procedure', 'test', true);
update bulk_changes set updated_at = now() - interval '31 days';
select set_config('ledger.procedure', '', true);
select is(ledger.purge_bulk_changes(), 1::bigint, 'and go when the key has gone');

select * from finish();
rollback;
