begin;
select plan(7);

select tests.create_variant('mug', price => 1000);
select tests.create_customer('alice');
select tests.place_named_order('a', 'alice', tests.lines('mug x 9'), 'bank_transfer');
create function pg_temp.record(p_reference text, p_method text default 'bank_transfer') returns text language sql as $$
  select coalesce(error_code, 'recorded') from ledger_record_payment(tests.order_id('a'), 100, p_method, p_reference);
$$;
select is(pg_temp.record('Tr-1'), 'recorded', 'a transfer is recorded');
select is(pg_temp.record(r), 'payment_reference_used', 'and is the same as ' || to_json(r)) from unnest(array[E'Tr-1\n', E'\t Tr-1', 'TR-1']) r;
select is(pg_temp.record('Tr-1', 'card'), 'recorded', 'of another method it is another one');
select is(pg_temp.record(E' \t ') || ' ' || pg_temp.record(E'\n'), 'recorded recorded', 'white space is no reference');
select results_eq('select reference, count(*)::int from payments group by reference order by reference', $$ values ('Tr-1', 2), (null, 2) $$, 'what is kept is as it was typed, without what stands around it');

select * from finish();
rollback;
