-- Source 002, E-B4: a repair that was wrong is undone, with an event of its own, as long as nothing has changed since.
begin;
select plan(26);
select tests.open_shop();
select tests.enforce_repairs();
create temp table ids as
  select ledger.account_id(tests.get_supabase_uid('bob'), 'USD') as bob, tests.get_variant_id('MUG') as mug,
         (select o.id from public.orders o where o.user_id = tests.get_supabase_uid('carol') order by o.id limit 1) as delivered;
create or replace function pg_temp.undo(p_repair text, p_key text default null, p_reason text default null) returns text language sql as $$
  select coalesce(u.error_code, u.status) from public.reconciliation_undo((select a.id from public.reconciliation_actions a where a.repair = p_repair order by a.id desc limit 1), p_reason, p_key) u;
$$;
select tests.tamper(format('update public.accounts set total_earned = total_earned + 40 where id = %L', bob)) from ids;
select tests.tamper(format('update public.stock_levels set on_hand = on_hand + 2 where variant_id = %L', mug)) from ids;
select is(tests.plan_repairs(), 'account_totals, stock_levels', 'two plans');
select is(pg_temp.undo('account_totals'), 'repair_not_undoable', 'what was not applied is not undone');
select is((select applied_count from public.reconciliation_apply(false)), 2::bigint, 'both are applied');
select is_empty('select * from ledger.book_differences()', 'and the books are in order');

select is(tests.outcome_as('finance', format('select * from public.reconciliation_undo(%L)', (select max(id::text) from public.reconciliation_actions))), '42501', 'finance may not undo');
select is(tests.outcome_as('ann', format('select * from public.reconciliation_undo(%L)', (select max(id::text) from public.reconciliation_actions))), '42501', 'nor may a customer');
select is(tests.outcome_as('admin', 'select * from public.reconciliation_undo(null)'), 'repair_not_found', 'no repair');
select is(tests.outcome_as('admin', 'select * from public.reconciliation_undo(gen_random_uuid())'), 'repair_not_found', 'one that is none');
select is(pg_temp.undo('account_totals', p_reason => repeat('x', 2001)), 'invalid_argument', 'too long a reason');

select is(pg_temp.undo('account_totals', 'u'), 'undone', 'one is undone');
select is(pg_temp.undo('account_totals', 'u'), 'undone', 'the same key: the same answer');
select is(pg_temp.undo('stock_levels', 'u'), 'idempotency_conflict', 'the same key for another');
select is(pg_temp.undo('account_totals'), 'repair_not_undoable', 'it is undone once');
select is((select count(*) from public.immutable_events where event_type = 'integrity.repair_undone'), 1::bigint, 'with one event');
select results_eq($$ select a.status, a.undo_event_id = e.id, (l ->> 'to')::bigint - (l ->> 'from')::bigint from public.reconciliation_actions a, public.immutable_events e, jsonb_array_elements(e.payload -> 'lines') l where a.repair = 'account_totals' and e.event_type = 'integrity.repair_undone' $$,
  $$ values ('undone', true, 40::bigint) $$, 'which has the lines the other way round');
select set_has($$ select check_code from ledger.book_differences() $$, $$ values ('account_totals_replay_from_events') $$, 'the checks find it again');
select is(tests.plan_repairs(), 'nothing', 'and the same is not planned a second time');
select matches((select x ->> 'reason' from public.reconciliation_plan() p, jsonb_array_elements(p.for_people) x where x ->> 'repair' = 'account_totals'), '^the same repair was undone at', 'because somebody undid it');
select tests.tamper(format('update public.accounts set total_earned = total_earned + 1 where id = %L', bob)) from ids;
select is(tests.plan_repairs() || (select applied_count from public.reconciliation_apply(false)), 'account_totals1', 'another one is, and applied');

-- as much as may be repaired, and no more
select tests.set_setting('reconciliation_max_amount', '40');
select is(pg_temp.undo('account_totals'), 'repair_not_undoable', 'more than one call may repair is not undone either');
select tests.set_setting('reconciliation_max_amount', '10000000');

-- what has changed since
select tests.expect_success(c) from public.ledger_credit_account(tests.get_supabase_uid('bob'), 5) c;
select tests.expect_success(s) from public.ledger_adjust_stock((select mug from ids), 1) s;
create temp table before as select tests.state() as state;
select is(pg_temp.undo('account_totals'), 'repair_not_undoable', 'an account that moved on is not put back');
select is(pg_temp.undo('stock_levels'), 'repair_not_undoable', 'nor stock that did');

-- what the rules of a table forbid
select is(tests.changes((select state from before), tests.state()), null, 'what is refused changes nothing');
select tests.tamper(format('update public.orders set credited_amount = 1, paid_amount = paid_amount - 1 where id = %L', delivered)) from ids;
select is(tests.plan_repairs() || (select applied_count from public.reconciliation_apply(false)), 'order_money1', 'an order whose amounts no procedure could have written');
select is(pg_temp.undo('order_money'), 'repair_not_undoable', 'does not get them back');
select is_empty('select * from ledger.book_differences()', 'the books are in order');
select * from finish();
rollback;
