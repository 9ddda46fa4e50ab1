/*
 * Thresholds as rows (source 002, E-C4). A rule is a query that answers
 *
 *   subject text, value bigint
 *
 * and there is an alert for each subject whose value is above limit_value. Queries name everything with its
 * schema and are asked every few minutes, so they are answered by an index or a few rows. A rule
 * without a query is raised and resolved by the job that finds its breach. A shop may add rules of its own.
 */
create table public.alert_rules (
  code text primary key,
  severity text not null,
  unit text not null,
  limit_value bigint not null,
  query text,
  enabled boolean not null default true,
  is_own boolean not null default true,
  description text not null,
  constraint code_is_a_name check (code ~ '^[a-z][a-z0-9_]*$'),
  constraint severity_is_known check (severity in ('critical', 'error', 'warning')),
  constraint unit_is_known check (unit in ('count', 'turns', 'percent', 'ppm', 'us', 's', 'days')),
  constraint limit_is_exact check (limit_value between 0 and 9007199254740991)
);
alter table public.alert_rules enable row level security;
revoke all on public.alert_rules from anon, authenticated, service_role;
grant select on public.alert_rules to authenticated, service_role;
create policy alert_rules_are_seen_by_auditors on public.alert_rules for select to authenticated
  using ((select ledger.caller_may('audit.read')));
select ledger.audit_hand_edits_of('public.alert_rules', 'code');
-- rules of the schema stay as they are but for limit_value, enabled and description; those of a shop's own are its own
create trigger rows_of_the_schema_stay before delete or update of code, severity, unit, query, is_own on public.alert_rules
  for each row when (not old.is_own and coalesce(current_setting('ledger.procedure', true), '') = '')
  execute function ledger.refuse_schema_row('alert_rules', 'code, severity, unit, query, is_own');
comment on table public.alert_rules is 'What is watched, and from where on it is an alert; edit limit_value and enabled in the dashboard; rules of a shop''s own are added, changed and removed there as well.';
comment on column public.alert_rules.unit is 'Of value and limit_value; us are microseconds, ppm millionths, turns those of a job. A count that goes on rising is told again.';
comment on column public.alert_rules.is_own is 'Of this shop, and not of the schema.';
comment on column public.alert_rules.limit_value is 'There is an alert while a value is above this.';
comment on column public.alert_rules.query is 'Answers (subject text, value bigint), at most 1000 rows above the limit; null when a job raises it.';
