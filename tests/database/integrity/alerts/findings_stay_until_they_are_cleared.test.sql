-- A finding is an alert until a run of everything does not find it again: a run of what has changed has not looked at the rest.
begin;
select tests.open_shop();
select plan(22);
create temp view open as select a.rule_code || ' ' || a.subject || ' ' || a.value as alert from public.alerts a where a.status <> 'resolved' and a.rule_code like 'integrity_%';
create temp table runs (name text, id uuid, at timestamptz default clock_timestamp());
/* A run as ledger.run_checks keeps it, with findings "check severity subject". */
create function pg_temp.run(name text, scope text, codes text[], variadic findings text[]) returns void language plpgsql as $$
declare
  v_id uuid := ledger.uuid_v7();
begin
  perform set_config('ledger.procedure', 'test', true);
  insert into public.reconciliation_runs (id, check_code, status, accounts, differing_accounts, expected_amount, diff_abs, diff_ratio_ppm, limit_ppm, details, started_at, scope, findings)
  values (v_id, 'books', case when findings = '{}' then 'OK' else 'FAIL' end, 1, 0, 0, 0, 0, 0, jsonb_build_object('codes', codes, 'asked', coalesce(to_jsonb(codes), (select jsonb_agg(c.code) || '["check_can_be_run"]' from public.integrity_checks c))), now(), scope, cardinality(findings));
  insert into public.integrity_findings (run_id, check_code, severity, subject)
  select v_id, split_part(f, ' ', 1), split_part(f, ' ', 2), split_part(f, ' ', 3) from unnest(findings) f;
  perform set_config('ledger.procedure', '', true);
  insert into runs values (name, v_id);
  perform ledger.check_alerts(), ledger.check_alerts();
end $$;

select pg_temp.run('first', 'changed', null, 'text_is_its_events critical a', 'text_is_its_events critical b', 'event_has_its_text warning c', 'receipt_waits_too_long warning e');
select set_eq('select alert from open', $$ values ('integrity_findings text_is_its_events 2'), ('integrity_warnings event_has_its_text 1') $$, 'by check, warnings apart; what has a message of its own is no alert');
select pg_temp.run('second', 'changed', null, 'text_is_its_events critical b');
select set_eq('select alert from open', $$ values ('integrity_findings text_is_its_events 2'), ('integrity_warnings event_has_its_text 1') $$, 'what was found twice counts once, and a run of what has changed clears nothing');
select pg_temp.run('account', 'account', null, 'text_is_its_events error d');
select ok(exists (select from open where alert = 'integrity_findings text_is_its_events 3'), 'a run of one account adds to it');
select pg_temp.run('one check', 'all', '{event_has_its_text}', variadic '{}'::text[]);
select set_eq('select alert from open', $$ values ('integrity_findings text_is_its_events 3') $$, 'a run of one check over everything clears that check');
select pg_temp.run('all', 'all', null, 'text_is_its_events critical b', 'check_can_be_run error fulfilment');
select set_eq('select alert from open', $$ values ('integrity_findings text_is_its_events 1'), ('integrity_findings check_can_be_run 1') $$, 'a run of all checks over everything clears what it does not find again');

-- repaired
select set_config('ledger.procedure', 'test', true);
update public.integrity_checks set repair = 'account_totals' where code = 'text_is_its_events';
insert into public.integrity_findings (run_id, check_code, severity, subject) select r.id, 'text_is_its_events', 'error', ledger.account_id(tests.get_supabase_uid('ann'), 'USD') || ' USD' from runs r where r.name = 'all';
select set_config('ledger.procedure', '', true), ledger.check_alerts(), ledger.check_alerts();
select ok(exists (select from open where alert = 'integrity_findings text_is_its_events 2'), 'another finding');
select set_config('ledger.procedure', 'test', true);
insert into public.reconciliation_actions (run_id, check_code, repair, subject, stream_type, plan, diff_amount, status, applied_at, event_id, undo)
select r.id, 'text_is_its_events', 'account_totals', ledger.account_id(tests.get_supabase_uid('ann'), 'USD'), 'account', '[{}]', 1, 'applied', clock_timestamp(), 1, '{}' from runs r where r.name = 'all';
select set_config('ledger.procedure', '', true), ledger.check_alerts(), ledger.check_alerts();
select set_eq('select alert from open', $$ values ('integrity_findings text_is_its_events 1'), ('integrity_findings check_can_be_run 1') $$, 'is over when it was repaired');
select set_config('ledger.procedure', 'test', true);
update public.reconciliation_actions set status = 'undone', undone_at = clock_timestamp();
select set_config('ledger.procedure', '', true), ledger.check_alerts(), ledger.check_alerts();
select ok(exists (select from open where alert = 'integrity_findings text_is_its_events 2'), 'and there again when the repair was undone');
select pg_temp.run('clean', 'all', null, variadic '{}'::text[]);
select is_empty('select alert from open', 'a clean run of everything clears all');

-- as the runs themselves keep them
select tests.expect_success(f) from public.ledger_freeze_account(tests.get_supabase_uid('ann'), true, 'why') f;
select is((ledger.run_checks('{event_has_its_text}', 'all')).status, 'OK', 'a run of a shop that is well');
select tests.tamper('delete from public.event_texts');
select is((ledger.run_checks('{event_has_its_text}', 'all')).status, 'FAIL', 'and of one where a text is gone');
select ledger.check_alerts();
select ok(exists (select from open where alert like 'integrity_findings event_has_its_text _'), 'which is an alert');

-- a check that cannot be asked is not cleared
select tests.tamper('update public.integrity_checks set query = ''select null, null, null, null, 1/0 from texts'' where code = ''text_is_its_events''');
select ok((ledger.run_checks()).findings > 0, 'a run of everything in which a family cannot be run');
select ledger.check_alerts(), ledger.check_alerts();
select ok(exists (select from open where alert like 'integrity_findings event_has_its_text _') and exists (select from open where alert = 'integrity_findings check_can_be_run 1'),
          'leaves what its checks had found, and says that they cannot be run');
select tests.tamper('update public.integrity_checks set enabled = false where code = ''event_has_its_text''');
select tests.tamper('update public.integrity_checks set query = ''select null, null, null, null, null where false'' where code = ''text_is_its_events''');
select ledger.run_checks(), ledger.check_alerts(), ledger.check_alerts();
select ok(exists (select from open where alert like 'integrity_findings event_has_its_text _'), 'so does a run of everything without a check that was switched off');
select is((select f.findings from ledger.findings_by_check() f where f.check_code = 'check_can_be_run'), null, 'the others it clears');

-- a clock that was once ahead
create temp table now_found as select * from ledger.findings_by_check();
select set_config('ledger.procedure', 'test', true);
insert into public.reconciliation_runs (check_code, status, accounts, differing_accounts, expected_amount, diff_abs, diff_ratio_ppm, limit_ppm, details, started_at, scope, horizon)
select 'books', 'OK', 1, 0, 0, 0, 0, 0, jsonb_build_object('codes', null, 'asked', (select jsonb_agg(c.code) from public.integrity_checks c)), now() + interval '1 year', 'all', 9007199254740991;
select set_config('ledger.procedure', '', true);
select set_eq('select * from ledger.findings_by_check()', 'select * from now_found', 'a run of a time to come clears nothing');
select isnt((select max(r.horizon) from ledger.last_runs() r), 9007199254740991, 'and is not the last one');
select is((ledger.scope_of_run('changed', null, 9007199254740991)).kind, 'changed', 'nor what a run of what has changed goes on from');
select tests.tamper('update public.integrity_checks set enabled = true where code = ''event_has_its_text''');
select tests.tamper('update public.event_texts set texts = texts');
select ledger.run_checks('{text_is_its_events}');
select is((select f.findings from ledger.findings_by_check() f where f.check_code = 'text_is_its_events'), null, 'a later run clears what it asks');

-- many
select set_config('ledger.procedure', 'test', true);
insert into public.reconciliation_runs (check_code, status, accounts, differing_accounts, expected_amount, diff_abs, diff_ratio_ppm, limit_ppm, details, started_at, scope, findings)
select 'books', 'FAIL', 1, 1, 0, 0, 0, 0, '{"by_check": {"stock_equals_movements": 5000, "held_equals_active_reservations": 999}}', clock_timestamp(), 'changed', 5999;
insert into public.integrity_findings (run_id, check_code, severity, subject)
select (select r.id from public.reconciliation_runs r where r.findings = 5999), c, 'error', gen_random_uuid() from unnest('{stock_equals_movements,held_equals_active_reservations}'::text[]) c, generate_series(1, 999);
select set_config('ledger.procedure', '', true);
select set_eq($$ select check_code, findings from ledger.findings_by_check() where check_code in ('stock_equals_movements', 'held_equals_active_reservations') $$,
  $$ values ('stock_equals_movements', 5000::bigint), ('held_equals_active_reservations', 999) $$, 'of more than are kept the run''s own count counts');
select ledger.run_checks('{stock_equals_movements,held_equals_active_reservations}');
select is_empty($$ select check_code from ledger.findings_by_check() where check_code in ('stock_equals_movements', 'held_equals_active_reservations') $$, 'until a run of everything clears them');
select * from finish();
rollback;
