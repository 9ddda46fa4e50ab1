-- Whatever a row or a check is like, a run ends, says so, and keeps all that the other checks found.
begin;
select plan(18);
select tests.open_shop();
select tests.open_market();
select tests.open_warehouse();
create function pg_temp.found_by_run() returns text language plpgsql as $$
declare
  v_run public.reconciliation_runs := ledger.run_checks();
begin
  return (select string_agg(distinct f.check_code || ' ' || f.severity, ', ') || case when v_run.horizon is null then ', looks again' else '' end
          from public.integrity_findings f where f.run_id = v_run.id and f.check_code not in ('event_has_its_message', 'events_are_sealed'));
end $$;
select is(pg_temp.found_by_run(), null, 'a shop in order');

-- a row that lacks what it is called by
savepoint intact;
select tests.tamper($$ update public.transactions set reference_id = null where type = 'commission_earned' $$);
select tests.tamper($$ update public.stock_levels set on_hand = on_hand + 1 where variant_id = tests.get_variant_id('HOT') and slot = 0 $$);
select matches(pg_temp.found_by_run(), 'commission_equals_transactions.*stock_equals_movements', 'what is missing of a row is a finding beside the others');
select is((select count(*)::integer from public.integrity_findings f where f.check_code = 'commission_equals_transactions' and f.subject = 'none'), 1, 'about none');
rollback to savepoint intact;

-- an event that no cast can read
select tests.tamper($$ update public.immutable_events set payload = jsonb_set(payload, '{amount}', '99999999999999999999') where id = (select max(id) from public.immutable_events where payload ? 'transaction_id') $$);
select tests.tamper($$ update public.orders set order_number = 'ELSE' where id = (select max(id::text)::uuid from public.orders) $$);
select matches(pg_temp.found_by_run(), 'check_can_be_run critical.*order_equals_its_placing', 'a check that cannot read an event is one finding, and the others of its family go on');
select matches(pg_temp.found_by_run(), 'looks again', 'what it did not see is looked at again');
select is((select string_agg(distinct f.subject, ', ') from public.integrity_findings f where f.check_code = 'check_can_be_run'), 'transaction_equals_its_event', 'only checks that read it fail');
select is((select count(*)::integer from public.integrity_findings f where f.check_code = 'order_equals_its_placing'), 2, 'nothing is found twice by a run');
rollback to savepoint intact;

-- a shop's own
insert into public.integrity_checks (code, family, proves, severity, query) values
  ('ends_with_words', 'own', 'Nothing.', 'warning', e'select null, null::uuid, null, ''found'', null -- and so on'),
  ('fails', 'own', 'Nothing.', 'warning', 'select 1 / 0, null::uuid, null, null, null'),
  ('takes_long', 'own', 'Nothing.', 'warning', 'select ''x'', null::uuid, null, pg_sleep(600)::text, null');
select tests.tamper($$ update public.stock_levels set on_hand = on_hand + 1 where variant_id = tests.get_variant_id('HOT') and slot = 0 $$);
set local statement_timeout = '3s';
create temp table found as select pg_temp.found_by_run() as what;
set local statement_timeout = 0;
select matches((select what from found), 'stock_equals_movements critical', 'what the schema''s checks found is kept when an own one takes for ever');
select matches((select what from found), 'check_can_be_run error', 'that it did is a finding');
select is((select array_agg(f.subject order by f.subject) from public.integrity_findings f where f.check_code = 'check_can_be_run'), '{fails,takes_long}', 'so is that another fails');
select is((select count(*)::integer from public.integrity_findings f where f.check_code = 'ends_with_words' and f.subject = 'none'), 1, 'words behind a query, and a row about nothing, do no harm');
select doesnt_match((select what from found), 'looks again', 'for none of them a run is done again');
rollback to savepoint intact;

-- who switches all checks off does not switch off that somebody hears of it
update public.integrity_checks set enabled = false where family <> 'own';
select is(pg_temp.found_by_run(), 'every_check_is_on warning', 'checks that were all switched off are found');
rollback to savepoint intact;

-- a variant whose only line an edit took out is among what has changed
create temp table edited as
  select (tests.expect_success(o)).order_id, txid_current() as horizon
  from public.ledger_place_order(tests.items('MUG') || tests.items('HOT', 2), 'wallet', p_user_id => tests.get_supabase_uid('bob')) o;
select tests.expect_success(e) from edited d, public.ledger_edit_order(d.order_id, '[{"line_number": 2, "quantity": 0}]', p_reason => 'not this') e;
select is((select count(*)::integer from public.order_items i, edited d where i.order_id = d.order_id and i.variant_id = tests.get_variant_id('HOT')), 0, 'the line is gone');
select ok((select tests.get_variant_id('HOT') = any ((ledger.changed_since(d.horizon)).touched_variant_ids) from edited d), 'its variant is looked at');
select is((select array_agg(distinct f.check_code) from edited d, ledger.findings(null, ledger.changed_since(d.horizon)) f where f.severity <> 'warning'), null, 'and in order');
select tests.tamper($$ update public.stock_levels set on_hand = on_hand + 1 where variant_id = tests.get_variant_id('HOT') and slot = 0 $$);
select is((select array_agg(distinct f.check_code) from edited d, ledger.findings(null, ledger.changed_since(d.horizon)) f where f.severity <> 'warning'), '{stock_equals_last_movement,stock_equals_movements}', 'or not');
select is(current_setting('ledger.procedure', true), '', 'no run leaves a mark');
select * from finish();
rollback;
