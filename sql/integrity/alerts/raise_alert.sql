/*
 * Raises an alert, or keeps one up to date that is there: message, event and audit line are of the first
 * time only. What is not above the rule's limit, or of a rule that is switched off, raises nothing. The row
 * is the last that its caller locks.
 */
create function ledger.raise_alert(p_rule text, p_subject text, p_value bigint, p_details jsonb default '{}')
returns uuid
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_phase text := coalesce(current_setting('ledger.procedure', true), '');
  v_rule public.alert_rules;
  v_id uuid := ledger.uuid_v7();
  v_alert public.alerts;
begin
  select r.* into v_rule from public.alert_rules r where r.code = p_rule;
  if not found then
    raise exception 'there is no alert rule "%"', p_rule;
  elsif not v_rule.enabled or coalesce(p_value <= v_rule.limit_value, true) then
    return null;
  end if;

  perform set_config('ledger.procedure', 'ledger.raise_alert', true);
  insert into public.alerts as a (id, rule_code, subject, severity, value, highest_value, limit_value, details)
  values (v_id, v_rule.code, left(p_subject, 300), v_rule.severity, p_value, p_value, v_rule.limit_value, coalesce(p_details, '{}'))
  on conflict (rule_code, subject) where status <> 'resolved' do update set
    value = excluded.value,
    highest_value = greatest(a.highest_value, excluded.value),
    limit_value = excluded.limit_value,
    details = excluded.details,
    last_seen_at = clock_timestamp()
  returning a.* into v_alert;
  if v_alert.id = v_id then
    perform ledger.record_operation('alert.raised', 'alert', v_id, null, ledger.alert_facts(v_alert, v_rule), null, ledger.correlation_id());
  end if;
  perform set_config('ledger.procedure', v_phase, true);
  return v_alert.id;
end $$;
comment on function ledger.raise_alert(text, text, bigint, jsonb) is
  'Raises an alert of a rule for a subject, or brings its value up to date; answers its id, or null when the value is within the limit or the rule is off.';

/* What a message about an alert says. */
create function ledger.alert_facts(p_alert public.alerts, p_rule public.alert_rules)
returns jsonb
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  return jsonb_build_object(
    'alert_id', p_alert.id, 'rule', p_alert.rule_code, 'subject', p_alert.subject, 'severity', p_alert.severity, 'value', p_alert.value,
    'highest_value', p_alert.highest_value, 'limit_value', p_alert.limit_value, 'unit', p_rule.unit, 'description', p_rule.description,
    'raised_at', p_alert.raised_at, 'details', p_alert.details);
end $$;
comment on function ledger.alert_facts(public.alerts, public.alert_rules) is 'An alert as its messages tell it.';

/* What a rule does not find any more is over, whether somebody looked after it or not. */
create function ledger.resolve_alerts(p_rule text, p_still text[] default '{}')
returns integer
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_phase text := coalesce(current_setting('ledger.procedure', true), '');
  v_rule public.alert_rules;
  v_alert public.alerts;
  v_count integer := 0;
begin
  for v_alert in
    select a.* from public.alerts a
    where a.rule_code = p_rule and a.status <> 'resolved'
      and not exists (select from unnest(p_still) s (subject) where left(s.subject, 300) = a.subject)
    order by a.subject
    for no key update
  loop
    if v_count = 0 then
      perform set_config('ledger.procedure', 'ledger.resolve_alerts', true);
      select r.* into v_rule from public.alert_rules r where r.code = p_rule;
    end if;
    update public.alerts a set status = 'resolved', resolved_at = clock_timestamp() where a.id = v_alert.id
    returning a.* into v_alert;
    perform ledger.record_operation('alert.resolved', 'alert', v_alert.id, null,
      ledger.alert_facts(v_alert, v_rule) || jsonb_build_object('resolved_at', v_alert.resolved_at), null, ledger.correlation_id());
    v_count := v_count + 1;
  end loop;
  perform set_config('ledger.procedure', v_phase, true);
  return v_count;
end $$;
comment on function ledger.resolve_alerts(text, text[]) is
  'Resolves the alerts of a rule except for the subjects that are still above its limit; answers how many.';
