-- Source 002, E-A5 to E-B4: what the drift checks saw is mended too, the old flags among it.
begin;
select plan(9);
select tests.open_shop();
select tests.open_shadow();
select tests.enforce_repairs();
create temp table ids as select ledger.account_id(tests.get_supabase_uid('ann'), 'USD') as ann;
create or replace function pg_temp.planned(check_code text) returns text language sql as $$
  select coalesce((select string_agg(x ->> 'repair', ', ') from jsonb_array_elements(p.plans) x), p.error_code)
  from public.reconciliation_plan((select r.id from public.reconciliation_runs r where r.check_code = planned.check_code order by r.id desc limit 1)) p;
$$;
-- a flag that could not be written has switched dual writing off; it begins anew
select tests.expect_success(f) from public.ledger_set_flag('allocation_dual_write', 'shadow') f;
select set_eq('select check_code, status from ledger.check_debt_drift()', $$ values ('debt_cache', 'OK'), ('old_flags', 'OK') $$, 'nothing drifts');
select is(pg_temp.planned('old_flags'), null, 'and nothing is planned');
select tests.tamper(format('update public.account_debt_cache set invoiced_amount = invoiced_amount + 1 where account_id = %L', ann)) from ids;
select tests.tamper('delete from public.old_payment_flags');
select set_eq('select check_code, status from ledger.check_debt_drift()', $$ values ('debt_cache', 'FAIL'), ('old_flags', 'FAIL') $$, 'a debt that drifts, and flags that are gone');
select is(pg_temp.planned('debt_cache') || ', ' || pg_temp.planned('old_flags'), 'balance_caches, old_flags', 'are planned');
select set_eq('select a.check_code, a.finding_id, a.subject from public.reconciliation_actions a', $$ select c, null::uuid, ann from ids, unnest('{debt_cache,old_flags}'::text[]) c $$, 'for the runs, and no finding');
select is((select applied_count from public.reconciliation_apply(false)), 2::bigint, 'and mended');
select set_eq('select check_code, status from ledger.check_debt_drift()', $$ values ('debt_cache', 'OK'), ('old_flags', 'OK') $$, 'and the drift is gone');
select is((select u.status from public.reconciliation_actions a, public.reconciliation_undo(a.id) u where a.repair = 'old_flags' and a.status = 'applied' order by a.id desc limit 1), 'undone', 'a row that was missing is taken away again');
select tests.expect_success(f) from public.ledger_set_flag('allocation_dual_write', 'off') f;
select is_empty('select * from ledger.book_differences()', 'the books are in order');
select * from finish();
rollback;
