/*
 * Settings as rows, edited in the dashboard. A value of the wrong type or range is refused by the
 * constraints below, so procedures read them without checking again.
 */
create table public.settings (
  key text primary key,
  value jsonb not null,
  kind text not null,
  minimum bigint,
  maximum bigint,
  allowed text[],
  description text not null,
  updated_at timestamptz not null default clock_timestamp(),
  constraint kind_is_known check (kind in ('integer', 'boolean', 'text')),
  constraint value_is_of_its_kind check (
    jsonb_typeof(value) = case kind when 'integer' then 'number' when 'boolean' then 'boolean' else 'string' end),
  constraint integer_is_whole_and_within_bounds check (
    case when kind = 'integer' and jsonb_typeof(value) = 'number' then
      value #>> '{}' ~ '^-?\d+$'
      and (minimum is null or (value #>> '{}')::numeric >= minimum)
      and (maximum is null or (value #>> '{}')::numeric <= maximum)
    else true end),
  constraint text_is_allowed check (kind <> 'text' or allowed is null or value #>> '{}' = any (allowed))
);
alter table public.settings enable row level security;
revoke all on public.settings from anon, authenticated, service_role;
grant select on public.settings to authenticated, service_role;
comment on table public.settings is 'Settings of the shop; edit value in the dashboard, every change is in audit_log.';

create function ledger.setting_text(p_key text)
returns text
language plpgsql stable strict
set search_path = pg_catalog, pg_temp
as $$
begin
  return (select s.value #>> '{}' from public.settings s where s.key = p_key);
end $$;
comment on function ledger.setting_text(text) is 'A setting''s value as text; cast it to the kind the setting has.';

/* For procedures that need many: one read of some twenty rows costs as much as two reads of one. */
create function ledger.all_settings()
returns jsonb
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  return (select jsonb_object_agg(s.key, s.value) from public.settings s);
end $$;
comment on function ledger.all_settings() is 'All settings as one object; read with ->> and cast to the kind the setting has.';
