/* Feature flags with their allowed states (DESIGN section 8). Every change is in audit_log. */
create table public.feature_flags (
  key text primary key,
  state text not null,
  allowed_states text[] not null,
  percentage smallint not null default 0,
  description text not null,
  updated_at timestamptz not null default clock_timestamp(),
  constraint state_is_allowed check (state = any (allowed_states)),
  constraint percentage_is_a_share check (percentage between 0 and 100)
);
alter table public.feature_flags enable row level security;
revoke all on public.feature_flags from anon, authenticated, service_role;
grant select on public.feature_flags to authenticated, service_role;
comment on table public.feature_flags is 'Switches with allowed states; a state outside allowed_states is refused.';
comment on column public.feature_flags.percentage is 'Share of accounts a canary state applies to, in percent.';
