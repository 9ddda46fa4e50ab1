begin;
select plan(10);

select tests.create_variant('mug', price => 1000, stock => 10);
select tests.create_customer('alice', 5000);

create temp table answers as
select n as call, null::text as answer from generate_series(1, 2) n;
grant all on answers to authenticated;
select tests.authenticate_as('alice');
update answers set answer = (select p::text from ledger_place_order(tests.lines('mug x 2'), p_idempotency_key => 'k1') p) where call = 1;
update answers set answer = (select p::text from ledger_place_order(tests.lines('mug x 2'), p_idempotency_key => 'k1') p) where call = 2;
select is(
  (select count(distinct answer) from answers), 1::bigint, 'the same key gives the same answer, to the transaction id (DESIGN section 4, rule 3)');
select results_eq(
  $$ select success, error_code from ledger_place_order(tests.lines('mug x 3'), p_idempotency_key => 'k1') $$,
  $$ values (false, 'idempotency_conflict') $$, 'the same key with other items is refused');
select is(
  (select error_code from ledger_place_order(tests.lines('mug x 2'), p_idempotency_key => '')), 'invalid_idempotency_key',
  'an empty key is refused');
select is(
  (select error_code from ledger_place_order(tests.lines('mug x 9'), p_idempotency_key => 'k2')), 'insufficient_stock',
  'a refusal');
select is(
  (select success from ledger_place_order(tests.lines('mug x 1'), p_idempotency_key => 'k2')), true,
  'is not stored: its key is free');
select tests.act_as_owner();
select is(tests.stock('mug'), 7::bigint, 'stock was taken once for each key');
select is(tests.orders_and_available('alice'), '3000/2000', 'money was taken once for each key');

update rate_limits set capacity = 1, refill_per_second = 0.001 where procedure = 'ledger_place_order';
delete from ledger.rate_limit_buckets;
select tests.authenticate_as('alice');
select is((select success from ledger_place_order(tests.lines('mug x 1'))), true, 'one call is within a limit of one');
select is((select error_code from ledger_place_order(tests.lines('mug x 1'))), 'rate_limited', 'a second is refused');
select is(
  (select success from ledger_place_order(tests.lines('mug x 2'), p_idempotency_key => 'k1')), true, 'a replay is not counted');
select tests.act_as_owner();

select * from finish();
rollback;
