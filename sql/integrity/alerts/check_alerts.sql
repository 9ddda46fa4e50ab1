create type ledger.breach as (rule_code text, subject text, value bigint);
comment on type ledger.breach is 'A subject of an alert rule whose value is above the limit.';

/* Asks one rule. It reads, and waits for nobody who has locked what it reads. */
create function ledger.breaches_of_rule(p_rule public.alert_rules)
returns setof ledger.breach
language plpgsql stable
set search_path = pg_catalog, pg_temp
set lock_timeout = '2s'
as $$
declare
  v_count bigint;
begin
  return query execute format(
    'select $1, b.subject, b.value::bigint
     from (select q.subject::text as subject, max(round(q.value)) as value from (%s) q (subject, value) where q.subject <> '''' group by 1) b
     where b.value > $2 limit 1001', p_rule.query) using p_rule.code, p_rule.limit_value;
  get diagnostics v_count = row_count;
  if v_count > 1000 then
    raise exception 'the rule has more than 1000 subjects above its limit';
  end if;
end $$;
comment on function ledger.breaches_of_rule(public.alert_rules) is 'What is above the limit of a rule with a query.';

/* One that took all the time there was, and kept others from being asked: it is asked last. */
create function ledger.rules_to_ask()
returns setof public.alert_rules
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  return query
    select r.*
    from public.alert_rules r
    left join public.alerts a on a.rule_code = 'rule_cannot_be_asked' and a.subject = r.code and a.status <> 'resolved' and a.details ->> 'sqlstate' = '57014'
    where r.enabled and r.query is not null
    order by a.last_seen_at nulls first, r.code;
end $$;
comment on function ledger.rules_to_ask() is 'Rules with a query that are switched on, those that were cancelled last.';

/*
 * Asks all rules first, which only reads, and then writes what follows. Each is asked as a step of its own:
 * one that cannot be asked leaves its alerts as they are, is an alert itself, and stops no other. The time
 * limit of the job ends one question and does not come again, so after that no further one is put:
 * those have the next turn. Alerts are written by rule and subject, so two of these at once wait for
 * each other and never in a circle.
 */
create function ledger.check_alerts()
returns integer
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_rule public.alert_rules;
  v_found ledger.breach[] := array[]::ledger.breach[];
  v_of_rule ledger.breach[];
  v_asked text[] := array[]::text[];
  v_errors jsonb := jsonb_build_object();
  v_code text;
begin
  perform ledger.watch_jobs_anew('check alerts');

  -- ask
  for v_rule in select r.* from ledger.rules_to_ask() r loop
    begin
      v_of_rule := array(select b from ledger.breaches_of_rule(v_rule) b);
      v_found := v_found || v_of_rule;
      v_asked := v_asked || v_rule.code;
    exception when query_canceled or assert_failure or others then
      v_errors := v_errors || jsonb_build_object(v_rule.code, jsonb_build_object('error', sqlerrm, 'sqlstate', sqlstate));
      exit when sqlstate = '57014';
    end;
  end loop;

  -- write: alerts of all rules, those that are gone or switched off among them
  for v_code in
    select r.code from public.alert_rules r where not r.enabled or r.query is not null
    union
    select a.rule_code from public.alerts a where a.status <> 'resolved' and not exists (select from public.alert_rules r where r.code = a.rule_code)
    order by 1
  loop
    if v_code = any (v_asked) then
      perform ledger.raise_alert(v_code, b.subject, b.value)
      from (select f.subject, f.value from unnest(v_found) f where f.rule_code = v_code order by f.subject) b;
      perform ledger.resolve_alerts(v_code, array(select f.subject from unnest(v_found) f where f.rule_code = v_code), 2::smallint);
    elsif not exists (select from public.alert_rules r where r.code = v_code and r.enabled) then
      perform ledger.resolve_alerts(v_code);
    end if;
  end loop;
  perform ledger.raise_alert('rule_cannot_be_asked', e.key, 1, e.value) from (select x.* from jsonb_each(v_errors) x order by x.key) e;
  -- of those whose turn did not come nothing is known
  perform ledger.resolve_alerts('rule_cannot_be_asked', array(
    select r.code from public.alert_rules r where r.enabled and r.query is not null and r.code <> all (v_asked)));
  return (select count(*) from public.alerts a where a.status <> 'resolved');
end $$;
comment on function ledger.check_alerts() is 'Job: evaluates the alert rules; answers how many alerts there are that are not resolved.';
