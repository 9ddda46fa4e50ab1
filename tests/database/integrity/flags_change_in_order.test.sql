-- Source 002, 16.8 and R13: the debt is read from its cache only after runs without drift, wider and wider; the way back is always open.
begin;
select plan(32);
select tests.open_shop();
select tests.create_supabase_user('dora');
create or replace function pg_temp.flag(key text, state text, percentage integer default 0) returns text language sql as $$
  select coalesce(s.error_code, s.previous_state || ' to ' || s.state) from public.ledger_set_flag(flag.key, flag.state, flag.percentage) s;
$$;
create or replace function pg_temp.run(status text, diff bigint default 0, check_code text default 'debt_cache') returns void language plpgsql as $$
begin
  perform set_config('ledger.procedure', 'test', true);
  insert into public.reconciliation_runs (check_code, status, accounts, differing_accounts, expected_amount, diff_abs, diff_ratio_ppm, limit_ppm, started_at)
  values (run.check_code, run.status, 1, diff, 100, diff, diff * 10000, 5000, now());
  perform set_config('ledger.procedure', '', true);
end $$;

select is(pg_temp.flag('nonsense', 'on'), 'invalid_argument', 'a flag that is none');
select is(pg_temp.flag('outbox_enabled', 'shadow'), 'invalid_argument', 'a state of another flag');
select is(pg_temp.flag('outbox_enabled', null), 'invalid_argument', 'no state');
select is(pg_temp.flag('outbox_enabled', 'off', 101), 'invalid_argument', 'more than all');
select is(pg_temp.flag('outbox_enabled', 'off', 70000), 'invalid_argument', 'much more than all');
select is(pg_temp.flag('allocation_read_switch', 'canary'), 'invalid_argument', 'a canary of nobody');
select is(pg_temp.flag('allocation_read_switch', 'canary', 100), 'invalid_argument', 'a canary of all');

select is(pg_temp.flag('allocation_read_switch', 'canary', 5), 'drift_not_ruled_out', 'no run, no canary');
select pg_temp.run('OK'); select pg_temp.run('OK');
select is(pg_temp.flag('allocation_read_switch', 'canary', 5), 'drift_not_ruled_out', 'two clean runs are not three');
select pg_temp.run('OK', check_code => 'old_flags');
select is(pg_temp.flag('allocation_read_switch', 'canary', 5), 'drift_not_ruled_out', 'a run of another check does not count');
select pg_temp.run('OK');
select tests.set_backfill_mode('active');
select is(pg_temp.flag('allocation_read_switch', 'canary', 5), 'backfill_running', 'not while a backfill runs');
select tests.set_backfill_mode('off');
select is(pg_temp.flag('allocation_read_switch', 'canary', 25), 'off to canary', 'after three clean runs');
select pg_temp.run('WARN', 1);
select is(pg_temp.flag('allocation_read_switch', 'canary', 26), 'drift_not_ruled_out', 'after a difference it is not widened');
select is(pg_temp.flag('allocation_read_switch', 'full'), 'drift_not_ruled_out', 'nor made full');
select is(pg_temp.flag('allocation_read_switch', 'canary', 5), 'canary to canary', 'but it may be narrowed');
select is(tests.try_as('postgres', $$update public.feature_flags set state = 'full' where key = 'allocation_read_switch'$$), '23514', 'the dashboard meets the same rule');
select is(tests.try_as('postgres', $$update public.feature_flags set state = 'off', percentage = 0 where key = 'allocation_read_switch'$$), 'done', 'and may go back');

select is(tests.try_as('postgres', $$update public.feature_flags set state = 'shadow' where key = 'allocation_dual_write'$$), '42501', 'dual writing does not begin by hand: nobody would take over what is allocated');
select is(pg_temp.flag('allocation_dual_write', 'enforce'), 'drift_not_ruled_out', 'nothing is enforced that was not shadowed');
select is(pg_temp.flag('allocation_dual_write', 'shadow'), 'off to shadow', 'it begins with shadow');
select is(pg_temp.flag('allocation_dual_write', 'shadow'), 'shadow to shadow', 'once more changes nothing');
select is(pg_temp.flag('allocation_dual_write', 'enforce'), 'drift_not_ruled_out', 'runs from before the shadow do not count');
select pg_temp.run('OK', check_code => 'old_flags') from generate_series(1, 3);
select tests.tamper('update public.reconciliation_runs set created_at = created_at - interval ''2 days'' where check_code = ''old_flags''');
select is(pg_temp.flag('allocation_dual_write', 'enforce'), 'drift_not_ruled_out', 'nor do old ones');
select is((select count(*) from public.immutable_events where event_type = 'flag.changed'), 3::bigint, 'each change is an event, and what changes nothing is none');
select is((select count(*) from public.audit_log where action = 'flag.changed'), 3::bigint, 'and an audit line');
select results_eq($$ select e.payload ->> 'flag', e.payload ->> 'from_state', e.payload ->> 'to_state', e.payload ->> 'to_percentage'
                     from public.immutable_events e where e.event_type = 'flag.changed' order by e.id limit 1 $$,
                  $$ values ('allocation_read_switch', 'off', 'canary', '25') $$, 'which says what changed');
select set_eq($$ select check_code, status from ledger.check_debt_drift() $$, $$ values ('debt_cache', 'OK'), ('old_flags', 'OK') $$, 'a run of a shop in order finds nothing');
select ledger.check_debt_drift() from generate_series(1, 2);
select is(pg_temp.flag('allocation_dual_write', 'enforce'), 'shadow to enforce', 'three fresh ones do');
-- a flag that is wrong where the sum of its account is right
select tests.invoice_customer('one', 'ann', 'work x 1 at 100'), tests.invoice_customer('two', 'ann', 'work x 1 at 100'), tests.receive('F-1', 'ann', 100);
select tests.expect_success(a) from tests.allocate('F-1', 'one 100') a;
select set_eq($$ select check_code, status from ledger.check_debt_drift() $$, $$ values ('debt_cache', 'OK'), ('old_flags', 'OK') $$, 'flags in order are no drift');
select tests.tamper(format('update public.old_payment_flags set invoice_id = %L', tests.invoice_id('two')));
select set_eq($$ select check_code, status from ledger.check_debt_drift() $$, $$ values ('debt_cache', 'OK'), ('old_flags', 'WARN') $$, 'a flag that names another invoice is');
select matches(tests.error_as('postgres', 'update public.reconciliation_runs set status = ''OK'''), '^42501: update on reconciliation_runs is refused', 'a run is never changed');
select is_empty($$ select * from ledger.book_differences() $$, 'the books are in order');
select * from finish();
rollback;
