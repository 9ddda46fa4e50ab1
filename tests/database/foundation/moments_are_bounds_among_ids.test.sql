-- Ids are time-ordered, so a moment is a place among them: what reports and lists read a range of.
begin;
select plan(8);

create temp table made as select clock_timestamp() as before_it, ledger.uuid_v7() as id, clock_timestamp() as after_it from generate_series(1, 100);
select ok((select bool_and(ledger.first_id_at(before_it) <= id) from made), 'an id made after a moment is not below the moment''s bound');
select ok((select bool_and(id < ledger.first_id_at(after_it, '1 millisecond')) from made), 'and is below the bound of a later millisecond');
select is(ledger.first_id_at('2026-01-01 00:00:00+00'), '019b76da-a800-7000-8000-000000000000', 'the bound is the least id of its millisecond');
select ok(ledger.first_id_at('2026-01-01') < ledger.first_id_at('2026-01-01', '1 hour') and ledger.first_id_at('2026-01-01', '-1 hour') < ledger.first_id_at('2026-01-01'),
  'room moves it either way');
select is(ledger.first_id_at('-infinity'), ledger.first_id_at('1970-01-02 00:00:00+00'), 'what is before all ids is their beginning');
select is(ledger.first_id_at('infinity', '1 hour'), ledger.first_id_at('9999-12-31 00:00:00+00', '1 hour'), 'what is after all ids is their end');
select is(ledger.first_id_at('4713-01-01 BC'), ledger.first_id_at('-infinity'), 'however far');
select is(ledger.first_id_at(null), null, 'and no moment is no bound');

select * from finish();
rollback;
