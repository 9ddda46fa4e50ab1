-- Source 002, 16.8: active_reconciliation is switched off when more than 2 % of its repairs fail. One that fails undoes itself and no other.
begin;
select plan(15);
select tests.open_shop();
select tests.enforce_repairs();
create temp table ids as
  select ledger.account_id(tests.get_supabase_uid('ann'), 'USD') as ann, ledger.account_id(tests.get_supabase_uid('bob'), 'USD') as bob, tests.get_variant_id('MUG') as mug;
select tests.tamper(format('update public.accounts set total_earned = total_earned + 40 where id = %L', bob)) from ids;
select tests.tamper(format('update public.stock_levels set on_hand = on_hand + 2 where variant_id = %L', mug)) from ids;
select is(tests.plan_repairs(), 'account_totals, stock_levels', 'two plans');
create function tests.in_the_way() returns trigger language plpgsql as $$ begin raise exception 'something is in the way'; end $$;
create trigger in_the_way after update on public.accounts for each row execute function tests.in_the_way();
select results_eq('select applied_count, failed_count, flag_state from public.reconciliation_apply(false)', $$ values (1::bigint, 1::bigint, 'off') $$, 'one fails, the other is applied, and the flag is off');
select results_eq('select repair, status, error_code, error_message from public.reconciliation_actions order by repair', $$ values ('account_totals', 'failed', 'P0001', 'something is in the way'), ('stock_levels', 'applied', null, null) $$, 'the plan says why');
select is((select s.on_hand from public.stock_levels s, ids where s.variant_id = mug), (select sum(m.quantity)::bigint from public.stock_movements m, ids where m.variant_id = mug), 'what was applied stays');
select is((select count(*) from public.immutable_events where event_type = 'integrity.repaired'), 1::bigint, 'what failed left no event');
select results_eq($$ select payload ->> 'flag', payload ->> 'cause', (payload ->> 'run_id') is not null from public.immutable_events where event_type = 'flag.switched_off' $$, $$ values ('active_reconciliation', '1 of 2 repairs failed', true) $$, 'the switch is recorded with its cause and run');
select is((select count(*) from public.alerts where rule_code = 'reconciliation_failures' and status = 'open' and value = 1), 1::bigint, 'and somebody is told');
select is(tests.outcome_as('postgres', 'select * from public.reconciliation_apply(false)'), 'reconciliation_off', 'nothing more is repaired');
drop trigger in_the_way on public.accounts;

-- after that it begins anew
select tests.enforce_repairs();
select is(tests.plan_repairs(), 'account_totals', 'what failed is planned again');
select results_eq('select applied_count, failed_count, flag_state from public.reconciliation_apply(false)', $$ values (1::bigint, 0::bigint, 'enforce') $$, 'failures from before the flag was set do not count');
select is((select count(*) from public.alerts where rule_code = 'reconciliation_failures' and status <> 'resolved'), 0::bigint, 'and the alert is over');

-- a share that is allowed
select tests.set_setting('reconciliation_failure_percent', '50');
select tests.tamper(format('update public.accounts set total_earned = total_earned + 40 where id = %L', bob)) from ids;
select is(tests.plan_repairs(), 'account_totals', 'once more');
create trigger in_the_way after update on public.accounts for each row execute function tests.in_the_way();
select results_eq('select failed_count, flag_state from public.reconciliation_apply(false)', $$ values (1::bigint, 'enforce') $$, 'one of two may fail where half may');
drop trigger in_the_way on public.accounts;
select is(tests.plan_repairs() || (select applied_count from public.reconciliation_apply(false)), 'account_totals1', 'and is mended after all');
select is_empty('select * from ledger.book_differences()', 'the books are in order');
select * from finish();
rollback;
