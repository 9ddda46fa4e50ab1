create type ledger.breach as (subject text, value bigint);
comment on type ledger.breach is 'A subject of an alert rule whose value is above the limit.';

/* Asks one rule, and raises and resolves what follows. */
create function ledger.check_alert_rule(p_rule public.alert_rules)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_breaches ledger.breach[];
begin
  execute format('select array_agg(row(b.subject, b.value)::ledger.breach order by b.subject)
                  from (select q.subject::text as subject, max(q.value)::bigint as value
                        from (%s) q (subject, value) where q.value > %s and q.subject <> '''' group by 1 limit 1001) b',
                 p_rule.query, p_rule.limit_value) into v_breaches;
  if cardinality(v_breaches) > 1000 then
    raise exception 'the rule has more than 1000 subjects above its limit';
  end if;
  perform ledger.raise_alert(p_rule.code, b.subject, b.value) from unnest(v_breaches) b;
  perform ledger.resolve_alerts(p_rule.code, array(select b.subject from unnest(v_breaches) b));
end $$;
comment on function ledger.check_alert_rule(public.alert_rules) is 'Evaluates a rule: raises, brings up to date and resolves its alerts.';

/*
 * Asks all rules, each as a step of its own: one that cannot be asked leaves its alerts as they are, is an
 * alert itself, and stops no other. Rules and subjects are taken in order, so two of these at once wait for
 * each other and never in a circle.
 */
create function ledger.check_alerts()
returns integer
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_rule public.alert_rules;
  v_failed text[] := array[]::text[];
begin
  for v_rule in select r.* from public.alert_rules r order by r.code loop
    if not v_rule.enabled then
      perform ledger.resolve_alerts(v_rule.code);
    elsif v_rule.query is not null then
      begin
        perform ledger.check_alert_rule(v_rule);
      exception when others then
        v_failed := v_failed || v_rule.code;
        perform ledger.raise_alert('rule_cannot_be_asked', v_rule.code, 1, jsonb_build_object('error', sqlerrm, 'sqlstate', sqlstate));
      end;
    end if;
  end loop;
  perform ledger.resolve_alerts('rule_cannot_be_asked', v_failed);
  return (select count(*) from public.alerts a where a.status <> 'resolved');
end $$;
comment on function ledger.check_alerts() is 'Job: evaluates the alert rules; answers how many alerts there are that are not resolved.';
