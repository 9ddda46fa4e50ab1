/*
 * Breaches of rules. There is one alert that is not resolved for each rule and subject: it is raised once,
 * keeps up with its value, may be acknowledged, and is resolved by the second evaluation in a row that finds
 * its value within the limit, so that one around its limit does not come and go. A later breach is
 * another alert. A count that has risen since it was told is open and told again, once an hour at most.
 * Those of a rule that its shop has removed are over, and stay: hence no foreign key.
 */
create table public.alerts (
  id uuid primary key default ledger.uuid_v7(),
  rule_code text not null,
  subject text not null,
  status text not null default 'open',
  severity text not null,
  value bigint not null,
  highest_value bigint not null,
  limit_value bigint not null,
  details jsonb not null default '{}',
  raised_at timestamptz not null default clock_timestamp(),
  last_seen_at timestamptz not null default clock_timestamp(),
  told_at timestamptz not null default clock_timestamp(),
  told_value bigint not null,
  clean_turns smallint not null default 0,
  acknowledged_at timestamptz,
  acknowledged_by uuid,
  notes text,
  resolved_at timestamptz,
  constraint status_is_known check (status in ('open', 'acknowledged', 'resolved')),
  constraint severity_is_known check (severity in ('critical', 'error', 'warning')),
  constraint subject_is_short check (length(subject) between 1 and 300),
  constraint values_are_above_the_limit check (least(value, highest_value) > limit_value and highest_value >= value),
  constraint acknowledged_says_when check (status <> 'acknowledged' or acknowledged_at is not null),
  constraint resolved_says_when check ((status = 'resolved') = (resolved_at is not null)),
  constraint notes_are_of_an_acknowledged_alert check (acknowledged_at is not null or (notes is null and acknowledged_by is null))
);
alter table public.alerts enable row level security;
revoke all on public.alerts from anon, authenticated, service_role;
grant select on public.alerts to authenticated, service_role;
create policy alerts_are_seen_by_auditors on public.alerts for select to authenticated
  using ((select ledger.caller_may('audit.read')));
-- one at a time; what is open of a rule
create unique index alerts_not_resolved on public.alerts (rule_code, subject) where status <> 'resolved';
select ledger.protect_from_hands('public.alerts', 'ledger_acknowledge_alert; an alert is resolved when its cause is gone');
comment on table public.alerts is 'Breaches of alert_rules, those that are over among them.';
comment on column public.alerts.subject is 'What it is about: a job, a check, an order number, ...';
comment on column public.alerts.value is 'As it was seen last, in the rule''s unit.';
comment on column public.alerts.highest_value is 'The highest that was seen of this breach.';
comment on column public.alerts.told_value is 'The highest value as its last message told it, at told_at.';
comment on column public.alerts.clean_turns is 'Evaluations in a row that found its value within the limit.';
comment on column public.alerts.notes is 'What staff say they do about it; goes with who wrote them, or after integrity_retention_days.';
comment on column public.alerts.limit_value is 'The limit that it was above, as of last_seen_at.';
comment on column public.alerts.severity is 'Of its rule, when it was raised.';
comment on column public.alerts.acknowledged_by is 'Who looks after it; null for a backend.';
