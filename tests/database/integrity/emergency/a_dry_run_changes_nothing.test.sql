begin;
select plan(5);
select tests.create_staff('ada', 'admin');
select tests.open_old_orders();
create temp table before as select tests.state() as state;

select tests.authenticate_as('ada');
create temp table dry as select f.* from integrity_emergency_order_fix(p_idempotency_key => 'k') f;
reset role;
select results_eq($$ select dry_run, found_orders, fixed_orders, refused_orders, remaining_orders from dry $$,
  $$ values (true, 4::bigint, 0::bigint, 0::bigint, 4::bigint) $$, 'a dry run finds all of them and fixes none');
select is(tests.changes((select state from before), tests.state()), null, 'nothing has changed anywhere');

select tests.authenticate_as('ada');
create temp table done as select f.* from integrity_emergency_order_fix(p_dry_run => false, p_idempotency_key => 'k') f;
reset role;
select is((select fixed_orders from done), 4::bigint, 'a dry run leaves no key: enforcing under it is a call of its own');
select results_eq(
  $$ select e.value ->> 'order_number', e.value #>> '{after,stage}', e.value #>> '{after,available_balance}', jsonb_path_query_array(e.value, '$.steps[*].step')
     from dry, jsonb_array_elements(orders) e order by 1 $$,
  $$ select e.value ->> 'order_number', e.value #>> '{after,stage}', e.value #>> '{after,available_balance}', jsonb_path_query_array(e.value, '$.steps[*].step')
     from done, jsonb_array_elements(orders) e order by 1 $$,
  'and what it said is what comes of each, in its turn');
select is((select count(*)::int from dry, jsonb_path_query(orders, '$[*].steps[*].transaction_id')), 0, 'what has not happened has no transaction');
select * from finish();
rollback;
