-- Source 002, E-B4: what gives somebody more to spend is repaired when a person names it; a status counts for all that its order costs.
begin;
select plan(13);
select tests.open_shop();
select tests.enforce_repairs();
create temp table ids as
  select ledger.account_id(tests.get_supabase_uid('bob'), 'USD') as bob,
         (select o.id from public.orders o where o.user_id = tests.get_supabase_uid('carol') and o.status = 'delivered' order by o.id limit 1) as delivered;
create function pg_temp.apply(p_max_amount bigint default null, p_named boolean default false, p_dry boolean default false) returns text language sql as $$
  select format('%s applied, %s left', a.applied_count, a.left_count)
  from public.reconciliation_apply(p_dry, p_max_amount => p_max_amount,
    p_action_ids => case when p_named then array(select n.id from public.reconciliation_actions n where n.status = 'planned') end) a;
$$;

-- more to spend
select tests.tamper(format('update public.accounts set total_earned = total_earned - 40 where id = %L', bob)) from ids;
select is(tests.plan_repairs(), 'account_totals', 'an account that has too little is planned');
select is(pg_temp.apply(p_dry => true), '0 applied, 1 left', 'but not applied with all others, as a dry run says');
select is(pg_temp.apply(), '0 applied, 1 left', 'nor when it is enforced');
select is(ledger.reconcile() ->> 'left_count', '1', 'nor by the job');
select is(pg_temp.apply(p_named => true), '1 applied, 0 left', 'until somebody names it');
select tests.tamper(format('update public.accounts set total_orders = total_orders + 7, total_earned = total_earned + 7 where id = %L', bob)) from ids;
select is(tests.plan_repairs() || ', ' || pg_temp.apply(), 'account_totals, 1 applied, 0 left', 'what leaves the balance as it is needs no name');

-- a status is worth its order
select tests.tamper(format('update public.orders set status = ''confirmed'' where id = %L', delivered)) from ids;
select is(tests.plan_repairs(), 'order_status', 'an order with another status is planned');
select is((select a.diff_amount from public.reconciliation_actions a where a.status = 'planned'), (select o.total_amount from public.orders o, ids where o.id = delivered), 'for all that it costs');
select is(pg_temp.apply((select o.total_amount - 1 from public.orders o, ids where o.id = delivered)), '0 applied, 1 left', 'so a limit on money holds for it');
select is(pg_temp.apply((select o.total_amount from public.orders o, ids where o.id = delivered)), '1 applied, 0 left', 'and one that is high enough does not');

-- what is for people stands in nobody's way
select tests.tamper(format('update public.accounts set total_earned = total_earned + 40 where id = %L', bob)) from ids;
create temp table run as select * from ledger.run_checks();
select tests.tamper($$ insert into public.integrity_findings (run_id, check_code, severity, subject, expected, found)
  select run.id, 'order_status_equals_history', 'critical', gen_random_uuid()::text, 'pending', 'none' from run, generate_series(1, 1001) $$);
select results_eq($$ select jsonb_array_length(p.plans), p.left_count > 0 or jsonb_array_length(p.for_people) >= 1001 from run, public.reconciliation_plan(run.id) p $$, $$ values (1, true) $$, 'behind a thousand subjects that no repair mends one that it does is planned');
select is(pg_temp.apply(), '1 applied, 0 left', 'and applied');
select is_empty('select * from ledger.book_differences()', 'the books are in order');
select * from finish();
rollback;
