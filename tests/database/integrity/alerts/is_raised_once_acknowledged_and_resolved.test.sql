-- Source 002, E-C4: a breach is one alert and one message, from the first evaluation that finds it to the first that does not.
begin;
select tests.open_shop();
select tests.create_supabase_user('finn');
insert into public.user_roles (user_id, role) values (tests.get_supabase_uid('finn'), 'finance');
select plan(49);
create table public.gauges (subject text, value bigint);
insert into public.alert_rules (code, severity, unit, limit_value, description, query)
values ('gauge', 'warning', 'count', 10, 'A gauge.', 'select g.subject, g.value from public.gauges g');
create function pg_temp.show(variadic pairs text[]) returns void language sql as $$
  truncate public.gauges;
  insert into public.gauges select split_part(p, ' ', 1), split_part(p, ' ', 2)::bigint from unnest(pairs) p;
  select from (select ledger.check_alerts()) c;
$$;
create view pg_temp.alerts as
  select a.subject, a.status, a.value, a.highest_value, a.limit_value from public.alerts a where a.rule_code = 'gauge' order by a.id;
create view pg_temp.told as
  select m.type, m.payload ->> 'subject' as subject from ledger.outbox_messages m where m.type like 'alert.%' and m.payload ->> 'rule' = 'gauge' order by m.id;
create function pg_temp.acknowledge(who text, subject text, arguments text default '') returns text language sql as $$
  select tests.try_as(who, format('select * from public.ledger_acknowledge_alert(%L%s)', (select a.id from public.alerts a where a.subject = acknowledge.subject order by a.id desc limit 1), arguments));
$$;

select pg_temp.show('left 10', 'right 3');
select is_empty('select * from pg_temp.alerts', 'what is at its limit is within it');
select pg_temp.show('left 11', 'right 3');
select results_eq('select * from pg_temp.alerts', $$ values ('left', 'open', 11::bigint, 11::bigint, 10::bigint) $$, 'above it there is an alert');
select pg_temp.show('left 40', 'right 3');
select pg_temp.show('left 25', 'right 3');
select results_eq('select * from pg_temp.alerts', $$ values ('left', 'open', 25::bigint, 40::bigint, 10::bigint) $$, 'which keeps up, and remembers the highest');
select results_eq('select * from pg_temp.told', $$ values ('alert.raised', 'left') $$, 'one message');
select is((select m.payload - 'alert_id' - 'raised_at' - 'stream_id' - 'correlation_id' from ledger.outbox_messages m where m.type = 'alert.raised' and m.payload ->> 'rule' = 'gauge'),
  '{"rule": "gauge", "unit": "count", "value": 11, "highest_value": 11, "limit_value": 10, "subject": "left", "severity": "warning", "description": "A gauge.", "details": {}}',
  'says what there is to know');
select is((select count(*) from public.immutable_events e where e.event_type = 'alert.raised' and e.stream_id = (select a.id from public.alerts a where a.rule_code = 'gauge')), 1::bigint, 'one event');
select is((select count(*) from public.audit_log l where l.action = 'alert.raised' and l.target_id = (select a.id::text from public.alerts a where a.rule_code = 'gauge')), 1::bigint, 'one audit line');

-- acknowledged
select is(pg_temp.acknowledge('ann', 'left'), '42501', 'a customer acknowledges nothing');
select is(tests.try_as('finn', format('select * from public.ledger_acknowledge_alert(%L)', gen_random_uuid())), 'alert_not_found', 'nor anybody what is not there');
select is(tests.try_as('finn', 'select * from public.ledger_acknowledge_alert(null)'), 'alert_not_found', 'or nothing');
select is(pg_temp.acknowledge('finn', 'left', format(', %L', repeat('x', 2001))), 'invalid_argument', 'notes of a book''s length');
select is(pg_temp.acknowledge('finn', 'left', format(', p_actor_id => %L', tests.get_supabase_uid('ann'))), '42501', 'in another''s name');
select tests.authenticate_as('finn');
create temp table answer as select * from public.ledger_acknowledge_alert((select a.id from public.alerts a where a.rule_code = 'gauge'), 'on it', 'key');
select results_eq($$ select success, rule_code, subject, status from answer $$, $$ values (true, 'gauge', 'left', 'acknowledged') $$, 'finance does');
select results_eq($$ select status, acknowledged_at from public.ledger_acknowledge_alert((select alert_id from answer), 'on it', 'key') $$, 'select status, acknowledged_at from answer', 'the same call again gets the same answer');
select is((select error_code from public.ledger_acknowledge_alert((select alert_id from answer), 'not at all', 'key')), 'idempotency_conflict', 'with other notes it is another call');
select is((select error_code from public.ledger_acknowledge_alert((select alert_id from answer), 'me too')), 'alert_conflict', 'a second one is told');
reset role;
select set_config('request.jwt.claims', '', true);
select results_eq('select a.acknowledged_by, a.notes from public.alerts a where a.rule_code = ''gauge''', $$ values (tests.get_supabase_uid('finn'), 'on it') $$, 'who, and what they wrote');
select pg_temp.show('left 50', 'right 3');
select results_eq('select * from pg_temp.alerts', $$ values ('left', 'acknowledged', 50::bigint, 50::bigint, 10::bigint) $$, 'it goes on');
select is((select count(*) from pg_temp.told where type = 'alert.raised'), 1::bigint, 'without another message');

-- resolved, and raised again
select pg_temp.show('left 5', 'right 3');
select is((select status from pg_temp.alerts), 'acknowledged', 'one clean evaluation is not yet the end');
select pg_temp.show('left 50');
select pg_temp.show('left 5', 'right 3');
select is((select status from pg_temp.alerts), 'acknowledged', 'nor are two that are not in a row');
select pg_temp.show('left 5', 'right 12');
select results_eq('select * from pg_temp.alerts', $$ values ('left', 'resolved', 50::bigint, 50::bigint, 10::bigint), ('right', 'open', 12::bigint, 12::bigint, 10::bigint) $$,
                  'the second in a row resolves it; another subject is an alert of its own');
select pg_temp.show('left 5', 'right 12');
select set_eq('select * from pg_temp.told', $$ values ('alert.raised', 'left'), ('alert.acknowledged', 'left'), ('alert.resolved', 'left'), ('alert.raised', 'right') $$, 'each told once');
select is((select count(*) from pg_temp.told), 4::bigint, 'and not twice');
select is(pg_temp.acknowledge('finn', 'left'), 'alert_conflict', 'what is over is acknowledged no more');
select pg_temp.show('left 11');
select pg_temp.show('left 11');
select is((select count(*) from pg_temp.alerts where subject = 'left'), 2::bigint, 'a new breach is a new alert');
select is((select a.notes from public.alerts a where a.rule_code = 'gauge' and a.subject = 'left' and a.status = 'open'), null, 'which nobody has acknowledged');
select is((select status from pg_temp.alerts where subject = 'right'), 'resolved', 'a subject that is not answered any more is over');

-- in the dashboard
select is(tests.try_as('postgres', $$ update public.alert_rules set limit_value = 20 where code = 'gauge' $$), 'done', 'a limit is edited by hand');
update public.alert_rules set limit_value = 20 where code = 'gauge';
select pg_temp.show('left 11');
select pg_temp.show('left 11');
select is((select count(*) from pg_temp.alerts where status <> 'resolved'), 0::bigint, 'and takes effect');
select pg_temp.show('left 21');
update public.alert_rules set enabled = false where code = 'gauge';
select pg_temp.show('left 22');
select is((select count(*) from pg_temp.alerts where status <> 'resolved'), 0::bigint, 'a rule that is switched off has no alerts');
select is(ledger.raise_alert('gauge', 'left', 22), null, 'and raises none');
select is(tests.try_as('postgres', $$ update public.alert_rules set query = 'select 1' where code = 'job_failed' $$), '42501', 'a query is not edited');
update public.alert_rules set enabled = true where code = 'gauge';

-- a count that rises is told again, once an hour at most
create function pg_temp.acknowledged(notes text) returns text language plpgsql as $$
declare
  v_status text;
begin
  perform tests.authenticate_as('finn');
  select a.status into v_status from public.ledger_acknowledge_alert((select a.id from public.alerts a where a.subject = 'up'), notes) a;
  reset role;
  perform set_config('request.jwt.claims', '', true);
  return v_status;
end $$;
create function pg_temp.an_hour_later() returns void language sql as $$ select from tests.tamper('update public.alerts set told_at = told_at - interval ''61 minutes'' where status <> ''resolved''') t $$;
create view pg_temp.raised as select (m.payload ->> 'value')::bigint as value, (m.payload ->> 'highest_value')::bigint as highest from ledger.outbox_messages m
  where m.type = 'alert.raised' and m.payload ->> 'subject' = 'up' order by m.id;
select pg_temp.show('up 21');
select is(pg_temp.acknowledged('a little'), 'acknowledged', 'a little is acknowledged');
select pg_temp.an_hour_later();
select pg_temp.show('up 21');
select is((select status from pg_temp.alerts where subject = 'up'), 'acknowledged', 'and stays so while it is no more');
select tests.tamper('update public.alerts set told_at = clock_timestamp() where status <> ''resolved''');
select pg_temp.show('up 900');
select is((select status from pg_temp.alerts where subject = 'up'), 'acknowledged', 'more of it within the hour is not told at once');
select pg_temp.show('up 30');
select pg_temp.an_hour_later();
select pg_temp.show('up 30');
select is((select status from pg_temp.alerts where subject = 'up'), 'open', 'after the hour it is open again');
select pg_temp.an_hour_later();
select pg_temp.show('up 900');
select results_eq('select * from pg_temp.raised', $$ values (21::bigint, 21::bigint), (30, 900) $$, 'and told again with what it was at most; the same is not told twice');
select is(pg_temp.acknowledged('all of it'), 'acknowledged', 'it is acknowledged again');
update public.alert_rules set unit = 'us' where code = 'gauge';
select pg_temp.an_hour_later();
select pg_temp.show('up 901');
select is((select status from pg_temp.alerts where subject = 'up'), 'acknowledged', 'what is no count goes up and down untold');

-- what an error said is not for good
select ledger.raise_alert('grace_not_ended', 'ORD-1', 1, '{"error": "of ann@example.com", "sqlstate": "22P02"}');
select is((select e.payload -> 'details' from public.immutable_events e where e.event_type = 'alert.raised' order by e.id desc limit 1), '{"sqlstate": "22P02"}', 'the event of an alert leaves out the words of an error');
select is((select a.details ->> 'error' from public.alerts a where a.rule_code = 'grace_not_ended'), 'of ann@example.com', 'which the alert has');

-- rules of the schema and of a shop's own
select is(tests.try_as('postgres', $$ delete from public.alert_rules where code = 'job_failed' $$), '42501', 'a rule of the schema is not removed');
select is(tests.try_as('postgres', $$ update public.alert_rules set is_own = true where code = 'job_failed' $$), '42501', 'nor made the shop''s');
select is((select array_agg(r.code) from public.alert_rules r where r.is_own), '{gauge}', 'a rule that was added is the shop''s own');
select is(tests.try_as('postgres', $$ update public.alert_rules set query = 'select ''up'', 5000', unit = 'count' where code = 'gauge' $$), 'done', 'its query is edited');
update public.alert_rules set query = 'select ''up'', 5000', code = 'gauge' where code = 'gauge';
delete from public.alert_rules where code = 'gauge';
select ledger.check_alerts();
select is((select count(*) from pg_temp.alerts where status <> 'resolved'), 0::bigint, 'and with it go its alerts, which stay as what was');
select is(tests.try_as('postgres', $$ delete from public.alerts $$), '42501', 'alerts are not removed by hand');

select is_empty('select * from ledger.book_differences()', 'the books are in order');
select * from finish();
rollback;
