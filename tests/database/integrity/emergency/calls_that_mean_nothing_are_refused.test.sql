begin;
select plan(14);
select tests.create_staff('ada', 'admin'), tests.create_staff('finn', 'finance');
select tests.open_old_orders();
create temp table before as select tests.state() as state;

/* The error code of a call, by ada. */
create function pg_temp.refusal(p_call text) returns text language plpgsql as $$
declare
  v_code text;
begin
  execute 'select f.error_code from public.integrity_emergency_order_fix(' || p_call || ') f' into v_code;
  return v_code;
end $$;
select tests.authenticate_as('ada');
select is(pg_temp.refusal(format('%L, ''{E-WALLET}'', false', tests.get_supabase_uid('eli'))), 'invalid_argument', 'a customer and numbers');
select is(pg_temp.refusal('null, ''{}'', false'), 'invalid_argument', 'no number');
select is(pg_temp.refusal('null, ''{E-WALLET,null}'', false'), 'invalid_argument', 'a null among the numbers');
select is(pg_temp.refusal('null, ''{{E-WALLET},{E-STATUS}}'', false'), 'invalid_argument', 'a table of numbers');
select is(pg_temp.refusal('null, array_fill(''E-WALLET''::text, ''{101}''), false'), 'invalid_argument', 'more than a hundred');
select is(pg_temp.refusal('p_dry_run => null'), 'invalid_argument', 'neither dry nor not');
select is(pg_temp.refusal('null, ''{E-WALLET,E-NONE}'', false'), 'order_not_found', 'a number that no order has');
select is(pg_temp.refusal(format('%L, null, false', gen_random_uuid())), 'customer_not_found', 'a customer who is not there');
select is(pg_temp.refusal('p_dry_run => false, p_idempotency_key => '''''), 'invalid_idempotency_key', 'a key without a letter');
select throws_ok('select integrity_emergency_order_fix(p_actor_id => gen_random_uuid())', '42501', null, 'an admin acts for nobody else');
reset role;
select tests.authenticate_as('finn');
select throws_ok('select integrity_emergency_order_fix()', '42501', 'this needs the permission "integrity.repair"', 'finance may not');
reset role;
select is(tests.changes((select state from before), tests.state()), null, 'nothing has changed');

-- a number given twice is one order
select is((select tests.fixed(f.orders) from integrity_emergency_order_fix(null, '{E-WALLET,E-WALLET}', false) f), 'E-WALLET fixed', 'an order named twice is fixed once');
select is_empty('select * from ledger.book_differences()', 'the books are in order');
select * from finish();
rollback;
