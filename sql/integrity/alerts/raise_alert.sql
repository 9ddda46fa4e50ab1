/*
 * Raises an alert, or keeps one up to date that is there. Message, event and audit line are of the first time,
 * and of each hour in which a count has risen beyond what was told: somebody may have acknowledged the
 * little that it was. What is not above the rule's limit, or of a rule that is switched off, raises nothing.
 * Whoever raises several takes them by rule and subject.
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
  v_is_told boolean;
begin
  select r.* into v_rule from public.alert_rules r where r.code = p_rule;
  if not found then
    raise exception 'there is no alert rule "%"', p_rule;
  elsif not v_rule.enabled or coalesce(p_value <= v_rule.limit_value, true) then
    return null;
  end if;

  perform set_config('ledger.procedure', 'ledger.raise_alert', true);
  insert into public.alerts as a (id, rule_code, subject, severity, value, highest_value, limit_value, details, told_value)
  values (v_id, v_rule.code, left(p_subject, 300), v_rule.severity, p_value, p_value, v_rule.limit_value, coalesce(p_details, '{}'), p_value)
  on conflict (rule_code, subject) where status <> 'resolved' do update set
    value = excluded.value,
    highest_value = greatest(a.highest_value, excluded.value),
    limit_value = excluded.limit_value,
    details = excluded.details,
    last_seen_at = clock_timestamp(),
    clean_turns = 0
  returning a.* into v_alert;
  v_is_told := v_alert.id = v_id;
  if not v_is_told and v_rule.unit = 'count' and v_alert.highest_value > v_alert.told_value
     and v_alert.told_at < clock_timestamp() - interval '1 hour' then
    update public.alerts a set status = 'open', told_at = clock_timestamp(), told_value = a.highest_value where a.id = v_alert.id
    returning a.* into v_alert;
    v_is_told := true;
  end if;
  if v_is_told then
    perform ledger.record_operation('alert.raised', 'alert', v_alert.id, null, ledger.alert_facts(v_alert, v_rule), null, ledger.correlation_id());
  end if;
  perform set_config('ledger.procedure', v_phase, true);
  return v_alert.id;
end $$;
comment on function ledger.raise_alert(text, text, bigint, jsonb) is
  'Raises an alert of a rule for a subject, or brings its value up to date; answers its id, or null when the value is within the limit or the rule is off.';

/* What a message about an alert says. The words of an error stay in the row: they quote values, and events are for good. */
create function ledger.alert_facts(p_alert public.alerts, p_rule public.alert_rules)
returns jsonb
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  return jsonb_build_object(
    'alert_id', p_alert.id, 'rule', p_alert.rule_code, 'subject', p_alert.subject, 'severity', p_alert.severity, 'value', p_alert.value,
    'highest_value', p_alert.highest_value, 'limit_value', p_alert.limit_value, 'unit', p_rule.unit, 'description', p_rule.description,
    'raised_at', p_alert.raised_at, 'details', p_alert.details - 'error');
end $$;
comment on function ledger.alert_facts(public.alerts, public.alert_rules) is 'An alert as its messages tell it.';

/*
 * What a rule does not find any more is over, whether somebody looked after it or not: at once where a job
 * says so of its own breaches, after p_turns evaluations in a row where values may go up and down.
 */
create function ledger.resolve_alerts(p_rule text, p_still text[] default '{}', p_turns smallint default 1::smallint)
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
    if v_rule is null then
      perform set_config('ledger.procedure', 'ledger.resolve_alerts', true);
      select r.* into v_rule from public.alert_rules r where r.code = p_rule;
    end if;
    update public.alerts a set
      clean_turns = a.clean_turns + 1,
      status = case when a.clean_turns + 1 >= p_turns then 'resolved' else a.status end,
      resolved_at = case when a.clean_turns + 1 >= p_turns then clock_timestamp() end
    where a.id = v_alert.id
    returning a.* into v_alert;
    continue when v_alert.resolved_at is null;
    perform ledger.record_operation('alert.resolved', 'alert', v_alert.id, null,
      ledger.alert_facts(v_alert, v_rule) || jsonb_build_object('resolved_at', v_alert.resolved_at), null, ledger.correlation_id());
    v_count := v_count + 1;
  end loop;
  perform set_config('ledger.procedure', v_phase, true);
  return v_count;
end $$;
comment on function ledger.resolve_alerts(text, text[], smallint) is
  'Resolves the alerts of a rule except for the subjects that are still above its limit, once p_turns evaluations have found them so; answers how many.';
