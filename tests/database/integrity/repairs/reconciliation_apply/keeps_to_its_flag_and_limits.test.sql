-- Source 002, E-B4 and 16.8: off, dry, enforce; at most so many repairs and so much money; what is not as planned is stale.
begin;
select plan(45);
select tests.open_shop();
create temp table ids as
  select ledger.account_id(tests.get_supabase_uid('ann'), 'USD') as ann, ledger.account_id(tests.get_supabase_uid('bob'), 'USD') as bob, tests.get_variant_id('MUG') as mug;
create or replace function pg_temp.flag(state text) returns text language sql as $$
  select coalesce(s.error_code, s.previous_state || ' to ' || s.state) from public.ledger_set_flag('active_reconciliation', flag.state) s;
$$;
/* "applied/stale/failed, left, amount" or the error. */
create or replace function pg_temp.apply(arguments text) returns text language plpgsql as $$
declare
  v public.reconciliation_apply_result;
begin
  execute 'select * from public.reconciliation_apply(' || arguments || ')' into v;
  return coalesce(v.error_code, format('%s/%s/%s, %s left, %s', v.applied_count, v.stale_count, v.failed_count, v.left_count, v.amount));
end $$;
select tests.tamper(format('update public.accounts set total_earned = total_earned + 40 where id in (%L, %L)', ann, bob)) from ids;
select tests.tamper(format('update public.stock_levels set on_hand = on_hand + 2 where variant_id = %L', mug)) from ids;

-- the flag
select is(pg_temp.apply('true'), 'reconciliation_off', 'off: not even dry');
select is(pg_temp.apply('false'), 'reconciliation_off', 'nor enforced');
select is((select ledger.reconcile()), '{"state": "off"}', 'and the job does nothing');
select is(pg_temp.flag('enforce'), 'reconciliation_not_tried', 'off is not followed by enforce');
select is(pg_temp.flag('dry'), 'off to dry', 'but by dry');
select is(pg_temp.flag('enforce'), 'reconciliation_not_tried', 'and dry not at once');
select is(tests.try_as('postgres', $$update public.feature_flags set state = 'enforce' where key = 'active_reconciliation'$$), '23514', 'by hand neither');
select is(tests.plan_repairs(), 'account_totals, stock_levels', 'what is wrong is planned');
create temp table before as select tests.state() as state;
select is(pg_temp.apply('true'), '3/0/0, 0 left, 82', 'dry says what it would do');
select is(pg_temp.apply('true, p_idempotency_key => ''d'''), '3/0/0, 0 left, 82', 'with a key as well');
select is(pg_temp.apply(''), '3/0/0, 0 left, 82', 'and dry it is when nobody says');
select is(tests.changes((select state from before), tests.state()), null, 'and changes nothing');
select is(pg_temp.apply('false'), 'reconciliation_off', 'enforced it is not');
select is((select ledger.reconcile() ->> 'applied_count'), '3', 'the job plans, and says what it would do');
select is((select count(*) from public.reconciliation_actions where status = 'planned'), 3::bigint, 'and applies nothing');
select is(pg_temp.flag('enforce'), 'dry to enforce', 'then it may be enforced');
select is(pg_temp.apply('true, p_max_repairs => 0'), '0/0/0, 3 left, 0', 'dry runs go on');

-- arguments
select is(pg_temp.apply(a), 'invalid_argument', a) from (values ('null'), ('false, p_max_repairs => -1'), ('false, p_max_amount => -1'), ('false, p_account_id => gen_random_uuid()'),
  ('false, p_action_ids => array[null]::uuid[]'), ('false, p_action_ids => array_fill(gen_random_uuid(), array[1001])'), ('false, p_reason => repeat(''x'', 2001)')) v (a);
select is(pg_temp.apply('false, p_action_ids => array[gen_random_uuid()]'), 'repair_not_found', 'a plan that is none');
select is(pg_temp.apply('false, p_idempotency_key => '''''), 'invalid_idempotency_key', 'an empty key');
select is(tests.changes((select state from before) - array['public.feature_flags', 'public.immutable_events', 'public.audit_log', 'ledger.outbox', 'public.event_texts'],
                        tests.state() - array['public.feature_flags', 'public.immutable_events', 'public.audit_log', 'ledger.outbox', 'public.event_texts']), null, 'what is refused changes nothing');

-- limits
select is(pg_temp.apply('false, p_action_ids => ''{}'''), '0/0/0, 0 left, 0', 'none named, none applied');
select is(pg_temp.apply('false, p_max_amount => 39'), '1/0/0, 2 left, 2', 'what is too much is left, and what is less is not');
select is(pg_temp.apply(format('false, p_account_id => %L, p_max_repairs => 5, p_reason => ''typo'', p_idempotency_key => ''k''', ann)), '1/0/0, 0 left, 40', 'of one account') from ids;
select is(pg_temp.apply(format('false, p_account_id => %L, p_max_repairs => 5, p_reason => ''typo'', p_idempotency_key => ''k''', ann)), '1/0/0, 0 left, 40', 'the same key: the same answer') from ids;
select is(pg_temp.apply('false, p_max_repairs => 6, p_idempotency_key => ''k'''), 'idempotency_conflict', 'the same key for something else');
select tests.set_setting('reconciliation_max_amount', '30');
select is(pg_temp.apply('false, p_max_amount => 1000'), '0/0/0, 1 left, 0', 'an argument widens no limit of the shop');
select tests.set_setting('reconciliation_max_amount', '1000');
select is(tests.try_as('admin', 'select * from public.reconciliation_apply(false)'), 'success', 'an admin may repair');
select is(tests.outcome_as('finance', 'select * from public.reconciliation_apply(false)'), '42501', 'finance may not');
select is(tests.outcome_as('ann', 'select * from public.reconciliation_apply(true)'), '42501', 'nor may a customer, not even dry');

-- stale
select tests.tamper(format('update public.accounts set total_earned = total_earned + 1 where id = %L', bob)) from ids;
select is(pg_temp.apply('true'), '0/1/0, 0 left, 0', 'dry says what is not as planned any more');
select is(pg_temp.apply('false'), '0/1/0, 0 left, 0', 'and enforced it is not applied');
select is((select count(*) from public.reconciliation_actions where status = 'stale' and error_message ~ 'not what was planned'), 1::bigint, 'the plan is stale');
select is(tests.plan_repairs(), 'account_totals', 'planned anew');
select is((select ledger.reconcile() ->> 'applied_count'), '1', 'the job applies it');

-- what it left
select results_eq($$ select e.event_type, e.stream_type, e.stream_id, e.account_id, e.payload ->> 'repair', (e.payload ->> 'diff_amount')::bigint, jsonb_array_length(e.payload -> 'lines') from public.immutable_events e where e.event_type ~ '^integrity' order by e.id $$,
  $$ select 'integrity.repaired', 'variant', mug, null::uuid, 'stock_levels', 2::bigint, 1 from ids union all select 'integrity.repaired', 'account', ann, ann, 'account_totals', 40, 1 from ids union all select 'integrity.repaired', 'account', bob, bob, 'account_totals', 41, 1 from ids $$,
  'an event for each, in the stream of what it mended');
select results_eq($$ select t.texts from public.event_texts t join public.reconciliation_actions a on a.event_id = t.event_id order by t.event_id $$, $$ values ('{"reason": "typo"}'::jsonb), ('{"reason": "hourly"}') $$, 'the reason stands beside it');
select is((select count(*) from public.audit_log l where l.action = 'integrity.repaired'), 3::bigint, 'and an audit line');
select is_empty('select * from ledger.book_differences()', 'the books are in order');
select * from finish();
rollback;
