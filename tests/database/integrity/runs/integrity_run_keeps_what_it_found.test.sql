-- Issue 6: integrity_run runs the checks asked for, keeps the run and its findings, and moves on where it looked at everything.
begin;
select plan(27);
select tests.open_shop();
create temp table ids as select ledger.account_id(tests.get_supabase_uid('bob'), 'USD') as bob, ledger.account_id(tests.get_supabase_uid('ann'), 'USD') as ann;
create function pg_temp.run(p_codes text[] default null, p_scope text default 'all', p_account_id uuid default null) returns public.integrity_run_result
language sql as $$ select r from public.integrity_run(p_codes, p_scope, p_account_id) r $$;

-- what was asked for
select is((pg_temp.run(p_scope => s)).error_code, 'invalid_argument', format('%s is no scope', coalesce(s, 'null'))) from unnest(array['some', 'ALL', '', null]) s;
select is((pg_temp.run(p_scope => 'account')).error_code, 'invalid_argument', 'an account has to be named');
select is((pg_temp.run(p_account_id => bob)).error_code, 'invalid_argument', 'and only with its scope') from ids;
select is((pg_temp.run(null, 'account', gen_random_uuid())).error_code, 'invalid_argument', 'one that there is');
select is((pg_temp.run(c)).error_code, 'invalid_argument', format('%s are no checks', c)) from (values (array['no_such_check']), (array[null]), (array['stock_equals_movements', null]), ('{}'), (array[repeat('x', 100000)])) v (c);
select is((select count(*)::int from public.reconciliation_runs), 0, 'what is refused leaves no run');
select is(tests.outcome_as('ann', 'select * from public.integrity_run()'), '42501', 'customers may not run checks');

-- a shop in order
select is((pg_temp.run()).run ->> 'status', 'OK', 'nothing is found in a shop in order');
select ok((select r.horizon > 0 and r.accounts = (select count(*) from public.accounts) from public.reconciliation_runs r), 'a run of everything says how far it has looked');
select is((pg_temp.run(p_scope => 'changed')).run ->> 'scope', 'changed', 'the next one looks at what has changed');

-- and one that is not
select tests.tamper(format('update public.accounts set total_earned = total_earned + 70 where id = %L', bob)) from ids;
create temp table found as select r.* from pg_temp.run() r;
select is((select run ->> 'status' from found), 'FAIL', 'a wrong balance fails the run');
select results_eq($$ select f ->> 'check_code', f ->> 'account_id', (f ->> 'diff_amount')::bigint from found, jsonb_array_elements(findings) f where f ->> 'check_code' = 'account_equals_transactions' $$,
  $$ select 'account_equals_transactions', bob::text, -70::bigint from ids $$, 'it says what differs in whose books, and by how much');
select is((select jsonb_object_agg(n.check_code, n.findings) from (select f.check_code, count(*) as findings from public.integrity_findings f, found r where f.run_id = (r.run ->> 'id')::uuid group by f.check_code) n),
  (select run #> '{details,by_check}' from found), 'findings are kept, and the run has their counts');
select is((select (run ->> 'differing_accounts')::int from found), 1, 'of one account');
select is((select f.run ->> 'status' from ids, pg_temp.run(null, 'account', bob) f), 'FAIL', 'a run of the account finds it');
select is((select f.run ->> 'status' from ids, pg_temp.run(null, 'account', ann) f), 'OK', 'and one of another account does not');
select is((pg_temp.run('{stock_equals_movements}')).run ->> 'status', 'OK', 'nor one of another check');
select is((select array_agg(r.horizon is null order by r.id) from public.reconciliation_runs r), '{f,f,f,t,t,t}', 'only runs of all checks of all that changed move the horizon');

-- a check of a shop's own, and one that cannot be run
insert into public.integrity_checks (code, family, proves, severity, query) values
  ('no_frozen_account', 'own', 'Nobody is frozen.', 'warning', 'select id, id, null, frozen_reason, null from accounts where frozen_reason is not null'),
  ('broken', 'own', 'Nothing.', 'warning', 'select nothing from nowhere');
select is((pg_temp.run('{no_frozen_account,broken}')).findings #>> '{0,check_code}', 'check_can_be_run', 'a check that fails is a finding, and the others run');
select throws_ok($$ update public.integrity_checks set query = 'select 1, null, null, null, null where false' where code = 'stock_equals_movements' $$, '42501', null, 'checks of the schema are not changed by hand');
select * from finish();
rollback;
