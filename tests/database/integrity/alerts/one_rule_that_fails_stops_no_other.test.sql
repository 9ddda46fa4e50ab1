begin;
select plan(15);
create table public.gauges (subject text, value numeric);
insert into public.gauges values ('a', 1), ('b', 2), ('b', 3), (null, 4), ('', 5), ('c', null);
insert into public.alert_rules (code, severity, unit, limit_value, description, query) values
  ('a_broken_one', 'warning', 'count', 0, '', 'select no_such_column from public.gauges'),
  ('a_huge_one', 'warning', 'count', 0, '', 'select ''huge'', 1e30'),
  ('a_wide_one', 'warning', 'count', 0, '', 'select n::text, 1 from generate_series(1, 1001) n'),
  ('an_empty_one', 'warning', 'count', 0, '', 'select null::text, null::bigint where false'),
  ('the_good_one', 'warning', 'count', 0, '', 'select g.subject, g.value from public.gauges g'),
  ('the_last_one', 'warning', 'count', 0, '', 'select ''x'', 1');
create view pg_temp.open as select a.rule_code, a.subject, a.value from public.alerts a where a.status <> 'resolved';
create temp table fresh as select * from pg_temp.open;

select lives_ok('select ledger.check_alerts()', 'the evaluation goes through');
select set_eq($$ select subject, value from pg_temp.open where rule_code = 'the_good_one' $$, $$ values ('a', 1::bigint), ('b', 3) $$,
              'a good rule is evaluated: the highest of a subject, and no subject without a name or a value');
select is((select count(*) from pg_temp.open where rule_code = 'the_last_one'), 1::bigint, 'and so are those after a broken one');
select set_eq($$ select subject from pg_temp.open where rule_code = 'rule_cannot_be_asked' $$, $$ values ('a_broken_one'), ('a_huge_one'), ('a_wide_one') $$, 'a rule that fails is an alert');
select is((select a.details ->> 'sqlstate' from public.alerts a where a.subject = 'a_broken_one'), '42703', 'which says why');
select is((select count(*) from pg_temp.open where rule_code in ('a_wide_one', 'a_huge_one')), 0::bigint, 'and raises nothing else');

-- one that fails later leaves its alerts as they are
alter table public.gauges rename to meters;
select ledger.check_alerts();
select is((select count(*) from pg_temp.open where rule_code = 'the_good_one'), 2::bigint, 'alerts of a rule that cannot be asked stay');
alter table public.meters rename to gauges;
delete from public.gauges;
select ledger.check_alerts(), ledger.check_alerts();
select is((select count(*) from pg_temp.open where rule_code = 'the_good_one' or subject = 'the_good_one'), 0::bigint, 'until it can be asked again');

-- whole numbers
insert into public.gauges values ('half', 1.4);
update public.alert_rules set limit_value = 1 where code = 'the_good_one';
select ledger.check_alerts();
select is((select count(*) from pg_temp.open where rule_code = 'the_good_one'), 0::bigint, 'a value is rounded before it is compared');
update public.gauges set value = 1.5;
select ledger.check_alerts();
select is((select value from pg_temp.open where rule_code = 'the_good_one'), 2::bigint, 'and told as it was compared');

select throws_ok($$ select ledger.raise_alert('no_such_rule', 'x', 1) $$, 'there is no alert rule "no_such_rule"', 'an alert of no rule is a bug');
select is(ledger.raise_alert('grace_not_ended', 'x', 0), null, 'a value within the limit raises nothing');
select isnt(ledger.raise_alert('grace_not_ended', repeat('x', 1000), 1), null, 'a long subject');
select is((select length(a.subject) from public.alerts a where a.rule_code = 'grace_not_ended'), 300, 'is cut');
select is(ledger.resolve_alerts('grace_not_ended', array[repeat('x', 1000), null]), 0, 'and is still the same subject');
select * from finish();
rollback;
