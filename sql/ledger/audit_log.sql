/* Who did what from where, and every hand edit the dashboard is allowed. Purged; the events stay. */
create sequence ledger.audit_id_seq as bigint;

create table public.audit_log (
  id bigint not null default nextval('ledger.audit_id_seq'),
  occurred_at timestamptz not null default clock_timestamp(),
  action text not null,
  target_type text not null,
  target_id text,
  account_id uuid,
  actor_id uuid,
  actor_role text not null,
  ip_address text,
  user_agent text,
  details jsonb not null default '{}',
  correlation_id uuid,
  primary key (id, occurred_at)
) partition by range (occurred_at);
create table ledger.audit_log_default partition of public.audit_log default;
-- profile_erase: hand edits, which keep rows as they were
create index audit_log_of_hand_edits on public.audit_log (id) where details <> '{}';
alter table public.audit_log enable row level security;
alter table ledger.audit_log_default enable row level security;
revoke all on public.audit_log from anon, authenticated, service_role;
grant select on public.audit_log to authenticated, service_role;
create policy audit_log_is_seen_by_auditors on public.audit_log for select to authenticated
  using ((select ledger.caller_may('audit.read')));
select ledger.make_immutable('public.audit_log', 'the ledger_* procedures');
select ledger.guard_partition('ledger.audit_log_default', 'audit_log', 'the ledger_* procedures');
-- two exceptions: the purge, as rows of the default partition cannot go with a whole month, and what a
-- hand edit has kept of a person who is erased
drop trigger rows_never_change on public.audit_log;
create trigger rows_never_change before update or delete on public.audit_log
  for each row when (coalesce(current_setting('ledger.procedure', true), '') not in ('purge_audit_log', 'profile_erase'))
  execute function ledger.refuse_change('audit_log');
select ledger.enable_always('public.audit_log', array['rows_never_change']);
comment on table public.audit_log is 'Immutable until purged by month after the setting audit_retention_days.';
comment on column public.audit_log.actor_role is 'Database role of the call: authenticated, service_role, or the owner in a direct session.';

/*
 * Trigger on the tables that may be edited by hand (settings, flags, roles, transitions, codes):
 * the edit goes through and leaves what was and what is.
 */
create function ledger.audit_hand_edit()
returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_outer text := coalesce(current_setting('ledger.procedure', true), '');
  v_old jsonb := case when tg_op <> 'INSERT' then to_jsonb(old) end;
  v_new jsonb := case when tg_op <> 'DELETE' then to_jsonb(new) end;
  v_role text := coalesce(nullif(current_setting('role', true), ''), 'none');
begin
  perform set_config('ledger.procedure', 'audit_hand_edit', true);
  insert into public.audit_log (action, target_type, target_id, actor_id, actor_role, ip_address, user_agent, details)
  values (lower(tg_op), tg_table_name,
          coalesce(v_new, v_old) ->> tg_argv[0],
          auth.uid(), case v_role when 'none' then session_user else v_role end,
          ledger.client_address(ledger.request_headers()), ledger.request_headers() ->> 'user-agent',
          jsonb_strip_nulls(jsonb_build_object('old', v_old, 'new', v_new)));
  perform set_config('ledger.procedure', v_outer, true);
  return null;
end $$;
comment on function ledger.audit_hand_edit() is 'Trigger: records a permitted hand edit with old and new row. Argument: the column that names the row.';

create function ledger.refuse_truncate()
returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  raise exception using
    errcode = 'insufficient_privilege',
    message = format('truncate on %I is refused', tg_argv[0]),
    hint = 'Delete the rows that should go, so that each is in audit_log.';
end $$;
comment on function ledger.refuse_truncate() is 'Trigger: refuses TRUNCATE of a table whose edits are audited row by row. Argument: the table''s name.';

create function ledger.audit_hand_edits_of(p_table regclass, p_key_column text)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_name text := (select c.relname from pg_catalog.pg_class c where c.oid = p_table);
begin
  execute format('create trigger edits_are_audited after insert or update or delete on %s
                  for each row when (coalesce(current_setting(''ledger.procedure'', true), '''') = '''')
                  execute function ledger.audit_hand_edit(%L)', p_table, p_key_column);
  execute format('create trigger rows_are_never_truncated before truncate on %s
                  for each statement execute function ledger.refuse_truncate(%L)', p_table, v_name);
end $$;
comment on function ledger.audit_hand_edits_of(regclass, text) is
  'Puts the audit trigger on a table that may be edited by hand, and refuses TRUNCATE, which would leave no trace.';

/* The same for a table that procedures keep, of which hands may edit these columns. */
create function ledger.audit_hand_edits_of_columns(p_table regclass, p_key_column text, p_columns text)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  execute format('create trigger edits_are_audited after update of %s on %s
                  for each row when (coalesce(current_setting(''ledger.procedure'', true), '''') = '''')
                  execute function ledger.audit_hand_edit(%L)', p_columns, p_table, p_key_column);
end $$;
comment on function ledger.audit_hand_edits_of_columns(regclass, text, text) is
  'Puts the audit trigger on the columns of a protected table that may be edited by hand.';

select ledger.audit_hand_edits_of('public.currencies', 'code');
select ledger.audit_hand_edits_of('public.chart_accounts', 'code');
select ledger.audit_hand_edits_of('public.settings', 'key');
select ledger.audit_hand_edits_of('public.feature_flags', 'key');
select ledger.audit_hand_edits_of('public.rate_limits', 'procedure');
select ledger.audit_hand_edits_of('public.error_codes', 'code');
select ledger.audit_hand_edits_of('public.profiles', 'id');
select ledger.audit_hand_edits_of('public.addresses', 'id');
select ledger.audit_hand_edits_of('public.roles', 'code');
select ledger.audit_hand_edits_of('public.permissions', 'code');
select ledger.audit_hand_edits_of('public.role_permissions', 'role');
select ledger.audit_hand_edits_of('public.user_roles', 'user_id');
select ledger.audit_hand_edits_of('ledger.scheduled_jobs', 'name');

select ledger.keep_schema_rows('public.currencies', 'code, exponent');
select ledger.keep_schema_rows('public.chart_accounts', 'code, kind, normal_side, scope');
select ledger.keep_schema_rows('public.settings', 'key, kind, minimum, maximum, allowed');
select ledger.keep_schema_rows('public.feature_flags', 'key, allowed_states');
select ledger.keep_schema_rows('public.error_codes', 'code');
select ledger.keep_schema_rows('public.permissions', 'code');
