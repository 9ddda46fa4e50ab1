-- sql/foundation/schemas.sql

/* `public` is what clients may see; `ledger` holds everything else and is exposed by nothing.
 *
 * Every function sets `search_path = pg_catalog, pg_temp` and names everything else in full. An empty
 * path would still look into pg_temp first for types, so that a session's own temporary domain
 * named "text" would run its checks with the owner's rights.
 */
create schema if not exists ledger;
comment on schema ledger is
  'Internals of order-ledger: helpers, jobs, outbox, partitions. Not exposed over HTTP; call the ledger_* procedures in public.';
revoke all on schema ledger from public, anon, authenticated, service_role;

-- sql/foundation/uuid_v7.sql

/*
 * A time-ordered UUID (RFC 9562, version 7): 48 bits of milliseconds, then random bits, so that
 * new rows land beside each other in every index. PostgreSQL has it built in from 18 on only.
 */
create function ledger.uuid_v7()
returns uuid
language sql volatile parallel safe
set search_path = pg_catalog, pg_temp
as $$
  select encode(
    set_bit(set_bit(
      overlay(uuid_send(gen_random_uuid())
              placing substring(int8send((extract(epoch from clock_timestamp()) * 1000)::bigint) from 3)
              from 1 for 6),
      52, 1), 53, 1),
    'hex')::uuid;
$$;
comment on function ledger.uuid_v7() is 'Time-ordered UUID, version 7.';

-- sql/foundation/currencies.sql

/* Money is a bigint in the currency's minor unit beside its code; this table knows the exponent. */
create table public.currencies (
  code text primary key,
  name text not null,
  exponent smallint not null,
  constraint code_is_iso_4217 check (code ~ '^[A-Z]{3}$'),
  constraint exponent_is_sensible check (exponent between 0 and 4)
);
alter table public.currencies enable row level security;
revoke all on public.currencies from anon, authenticated, service_role;
grant select on public.currencies to anon, authenticated, service_role;
create policy currencies_are_public on public.currencies for select to anon, authenticated using (true);
comment on table public.currencies is 'Currencies and how many decimals their minor unit stands for (JPY 0, USD 2, IQD 3).';
comment on column public.currencies.exponent is 'Decimals of the minor unit: 1234 is 12.34 at exponent 2.';

-- sql/foundation/money.sql

/* Half-up division of non-negative amounts: the one rounding rule of taxes, discounts and commissions. */
create function ledger.divide_half_up(p_dividend numeric, p_divisor numeric)
returns numeric
language sql immutable strict parallel safe
set search_path = pg_catalog, pg_temp
as $$
  select div(p_dividend * 2 + p_divisor, p_divisor * 2);
$$;
comment on function ledger.divide_half_up(numeric, numeric) is
  'Integer quotient rounded half up, for non-negative dividends and positive divisors.';

/* 1234 USD as "12.34 USD": for messages to people only. */
create function ledger.format_money(p_amount bigint, p_currency text)
returns text
language sql stable strict parallel safe
set search_path = pg_catalog, pg_temp
as $$
  select trim(to_char(p_amount / power(10::numeric, c.exponent),
                      'FM999999999999999990' || case when c.exponent > 0 then '.' || repeat('0', c.exponent) else '' end))
         || ' ' || c.code
  from public.currencies c
  where c.code = p_currency;
$$;
comment on function ledger.format_money(bigint, text) is 'An amount in minor units as text for people, such as "12.34 USD".';

-- sql/foundation/error_codes.sql

/* Every business refusal: its stable code, the HTTP status the REST layer answers with, its sentence. */
create table public.error_codes (
  code text primary key,
  http_status smallint not null,
  message text not null,
  description text not null,
  constraint code_is_snake_case check (code ~ '^[a-z][a-z0-9_]*$'),
  constraint status_is_a_client_error check (http_status between 400 and 499)
);
alter table public.error_codes enable row level security;
revoke all on public.error_codes from anon, authenticated, service_role;
grant select on public.error_codes to anon, authenticated, service_role;
create policy error_codes_are_public on public.error_codes for select to anon, authenticated using (true);
comment on table public.error_codes is
  'Codes of business refusals. {name} in a message is filled from error_details; {name:money} as an amount of error_details.currency.';

/*
 * The one place where a refusal is worded. Answers the columns every procedure shares; a code that
 * is not in the table is a bug and raises.
 */
create function ledger.refuse(p_code text, p_details jsonb default '{}')
returns jsonb
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_sentence text := (select e.message from public.error_codes e where e.code = p_code);
  v_details jsonb;
  v_message text;
begin
  if v_sentence is null then
    raise exception 'error code "%" is not in public.error_codes', p_code;
  end if;
  -- what was sent comes back as far as it helps
  select coalesce(jsonb_object_agg(d.key, case when jsonb_typeof(d.value) = 'string' and length(d.value #>> '{}') > 300
                                               then to_jsonb(left(d.value #>> '{}', 300) || '...') else d.value end), '{}')
  into v_details
  from jsonb_each(p_details) d;
  -- one pass: a value that looks like a placeholder is not looked at again
  select string_agg(case
           when p.part[1] ~ '^\{[a-z_]+\}$' then v_details ->> btrim(p.part[1], '{}')
           when p.part[1] ~ '^\{[a-z_]+:money\}$' then
             ledger.format_money((p_details ->> split_part(btrim(p.part[1], '{}'), ':', 1))::bigint, p_details ->> 'currency')
           else p.part[1] end, '' order by p.position)
  into v_message
  from regexp_matches(v_sentence, '\{[a-z_]+(?::money)?\}|[^{]+|\{', 'g') with ordinality p (part, position);
  return jsonb_build_object('success', false, 'error_code', p_code,
                            'error_message', v_message, 'error_details', v_details);
end $$;
comment on function ledger.refuse(text, jsonb) is
  'The answer of a refused call: success false, error_code, error_message made from the code''s sentence, error_details.';

-- sql/foundation/settings.sql

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
language sql stable strict
set search_path = pg_catalog, pg_temp
as $$
  select s.value #>> '{}' from public.settings s where s.key = p_key;
$$;
comment on function ledger.setting_text(text) is 'A setting''s value as text; cast it to the kind the setting has.';

-- sql/foundation/feature_flags.sql

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

-- sql/foundation/hand_edits.sql

/*
 * Guards against hands. On a hosted project the dashboard and the procedures' owner are the same
 * role, so privileges cannot tell them apart. Each procedure therefore marks its write phase with
 * set_config('ledger.procedure', <its name>, is_local => true) and clears it at its end; triggers
 * refuse what is written without that mark. This stops mistakes, not an owner who means it:
 * for that there are the seals.
 */
create function ledger.refuse_hand_edit()
returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  raise exception using
    errcode = 'insufficient_privilege',
    message = format('%s on %I by hand is refused: balances, statuses, totals and stock move only inside procedures',
                     lower(tg_op), tg_argv[0]),
    hint = format('Call %s.', tg_argv[1]);
end $$;
comment on function ledger.refuse_hand_edit() is
  'Trigger: refuses a write outside a procedure. Arguments: the table''s name, the procedures to call instead.';

create function ledger.refuse_change()
returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  raise exception using
    errcode = 'insufficient_privilege',
    message = format('%s on %I is refused: its rows are never changed or removed', lower(tg_op), tg_argv[0]),
    hint = 'Correct a record with a new one that reverses it, through the procedure for it.';
end $$;
comment on function ledger.refuse_change() is
  'Trigger: refuses UPDATE, DELETE and TRUNCATE of immutable records for everybody. Argument: the table''s name.';

/*
 * session_replication_role = replica, which restores and seed files set, switches ordinary triggers
 * off. Guards of UPDATE, DELETE and TRUNCATE stay on; those of INSERT do not, nor do those
 * of reference rows, so that a dump of the data can be loaded.
 */
create function ledger.enable_always(p_table regclass, p_triggers text[])
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_trigger text;
begin
  foreach v_trigger in array p_triggers loop
    execute format('alter table %s enable always trigger %I', p_table, v_trigger);
  end loop;
end $$;
comment on function ledger.enable_always(regclass, text[]) is 'Keeps guard triggers on in replica mode.';

create function ledger.refuse_schema_row()
returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  raise exception using
    errcode = 'insufficient_privilege',
    message = format('%s on %I by hand is refused: procedures rely on these rows and on the columns %s of them',
                     lower(tg_op), tg_argv[0], tg_argv[1]),
    hint = 'Other columns may be edited. A migration that has to change these sets ledger.procedure first.';
end $$;
comment on function ledger.refuse_schema_row() is
  'Trigger: refuses removing rows that are part of the schema, or changing what procedures rely on. Arguments: table, columns.';

/* Keeps the rows of a reference table, and the columns of them that procedures rely on, from hands. */
create function ledger.keep_schema_rows(p_table regclass, p_columns text)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_name text := (select c.relname from pg_catalog.pg_class c where c.oid = p_table);
begin
  execute format('create trigger rows_of_the_schema_stay before delete or update of %s on %s
                  for each row when (coalesce(current_setting(''ledger.procedure'', true), '''') = '''')
                  execute function ledger.refuse_schema_row(%L, %L)', p_columns, p_table, v_name, p_columns);
end $$;
comment on function ledger.keep_schema_rows(regclass, text) is
  'Puts the guard on a reference table whose rows procedures rely on; hands may still edit its other columns.';

/* Protects an immutable table: no UPDATE, DELETE or TRUNCATE by anybody, INSERT by procedures only. */
create function ledger.make_immutable(p_table regclass, p_procedures text)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_name text := (select c.relname from pg_catalog.pg_class c where c.oid = p_table);
begin
  execute format('create trigger rows_never_change before update or delete on %s
                  for each row execute function ledger.refuse_change(%L)', p_table, v_name);
  execute format('create trigger rows_are_never_truncated before truncate on %s
                  for each statement execute function ledger.refuse_change(%L)', p_table, v_name);
  perform ledger.enable_always(p_table, array['rows_never_change', 'rows_are_never_truncated']);
  execute format('create trigger rows_come_from_procedures before insert on %s
                  for each row when (coalesce(current_setting(''ledger.procedure'', true), '''') = '''') execute function ledger.refuse_hand_edit(%L, %L)',
                 p_table, v_name, p_procedures);
end $$;
comment on function ledger.make_immutable(regclass, text) is
  'Puts the guard triggers of an immutable table on it; the second argument names the procedures that write it.';

/*
 * Protects a table whose rows only procedures write. With columns named, other columns stay free
 * for hand edits; inserting, deleting and truncating is for procedures in either case.
 */
create function ledger.protect_from_hands(p_table regclass, p_procedures text, p_columns text default null)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_name text := (select c.relname from pg_catalog.pg_class c where c.oid = p_table);
begin
  execute format('create trigger rows_come_from_procedures before insert on %s
                  for each row when (coalesce(current_setting(''ledger.procedure'', true), '''') = '''') execute function ledger.refuse_hand_edit(%L, %L)',
                 p_table, v_name, p_procedures);
  execute format('create trigger rows_stay before delete on %s
                  for each row when (coalesce(current_setting(''ledger.procedure'', true), '''') = '''') execute function ledger.refuse_hand_edit(%L, %L)',
                 p_table, v_name, p_procedures);
  execute format('create trigger values_come_from_procedures before update %s on %s
                  for each row when (coalesce(current_setting(''ledger.procedure'', true), '''') = '''') execute function ledger.refuse_hand_edit(%L, %L)',
                 coalesce('of ' || p_columns, ''), p_table, v_name, p_procedures);
  execute format('create trigger rows_are_never_truncated before truncate on %s
                  for each statement execute function ledger.refuse_hand_edit(%L, %L)', p_table, v_name, p_procedures);
  perform ledger.enable_always(p_table, array['rows_stay', 'values_come_from_procedures', 'rows_are_never_truncated']);
end $$;
comment on function ledger.protect_from_hands(regclass, text, text) is
  'Puts guard triggers on a table that procedures keep; the second argument names them, the third the protected columns.';

-- sql/foundation/request_context.sql

/* Where a call came from, as PostgREST hands it over; settings come back as '' when unset. */
create function ledger.request_header(p_name text)
returns text
language sql stable strict
set search_path = pg_catalog, pg_temp
as $$
  select nullif(current_setting('request.headers', true), '')::jsonb ->> lower(p_name);
$$;
comment on function ledger.request_header(text) is 'A header of the HTTP request that is being served, or null.';

/* The hop nearest to us: what stands before it in x-forwarded-for is the client's own word. */
create function ledger.client_address()
returns text
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select coalesce(ledger.request_header('cf-connecting-ip'), trim(split_part(ledger.request_header('x-forwarded-for'), ',', -1)));
$$;
comment on function ledger.client_address() is 'Address of the client as the platform saw it, or null outside HTTP.';

/* One id through all records of one operation: the caller's x-correlation-id if it is a UUID. */
create function ledger.correlation_id()
returns uuid
language sql volatile
set search_path = pg_catalog, pg_temp
as $$
  select case when h.value ~* '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' then h.value::uuid else ledger.uuid_v7() end
  from (select ledger.request_header('x-correlation-id') as value) h;
$$;
comment on function ledger.correlation_id() is 'The caller''s x-correlation-id, or a new id.';

-- sql/foundation/idempotency.sql

/*
 * Same caller, procedure and key: same answer, nothing done twice. The first lock of every
 * procedure is an advisory lock on the key, so the second of two simultaneous calls waits for the
 * first one's commit and then reads its answer. The row is written with the effect, at the end:
 * a refusal leaves nothing behind.
 */
create table ledger.idempotency_keys (
  caller_id uuid not null,
  procedure text not null,
  key text not null,
  account_id uuid,
  request_hash uuid not null,
  answer jsonb not null,
  created_at timestamptz not null default clock_timestamp(),
  primary key (caller_id, procedure, key)
);
-- ledger.purge_idempotency_keys
create index idempotency_keys_by_age on ledger.idempotency_keys using brin (created_at);
comment on table ledger.idempotency_keys is 'Answers by idempotency key, kept for the setting idempotency_retention_days.';
comment on column ledger.idempotency_keys.caller_id is 'auth.uid() of the caller; the nil UUID for a backend.';

-- without its key a retry would act a second time
create trigger keys_stay before update or delete on ledger.idempotency_keys
  for each row when (coalesce(current_setting('ledger.procedure', true), '') = '')
  execute function ledger.refuse_hand_edit('idempotency_keys', 'ledger.purge_idempotency_keys');
create trigger keys_are_never_truncated before truncate on ledger.idempotency_keys
  for each statement execute function ledger.refuse_hand_edit('idempotency_keys', 'ledger.purge_idempotency_keys');
select ledger.enable_always('ledger.idempotency_keys', array['keys_stay', 'keys_are_never_truncated']);

/* Null when the call is new (the key is locked from here on), else the answer to give back. */
create function ledger.idempotency_begin(p_procedure text, p_key text, p_caller_id uuid, p_request jsonb)
returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_stored ledger.idempotency_keys;
begin
  if p_key is null then
    return null;
  end if;
  if length(p_key) not between 1 and 255 then
    return ledger.refuse('invalid_idempotency_key', jsonb_build_object('length', length(p_key)));
  end if;
  perform pg_advisory_xact_lock(hashtextextended(p_caller_id::text || p_procedure || ':' || p_key, 0));
  select k.* into v_stored
  from ledger.idempotency_keys k
  where k.caller_id = p_caller_id and k.procedure = p_procedure and k.key = p_key;
  if not found then
    return null;
  end if;
  if v_stored.request_hash <> md5(p_request::text)::uuid then
    return ledger.refuse('idempotency_conflict', jsonb_build_object('key', p_key, 'procedure', p_procedure));
  end if;
  return v_stored.answer;
end $$;
comment on function ledger.idempotency_begin(text, text, uuid, jsonb) is
  'Locks the key and answers what an earlier call with it was answered; null when there was none.';

create function ledger.idempotency_end(
  p_procedure text, p_key text, p_caller_id uuid, p_request jsonb, p_account_id uuid, p_answer jsonb)
returns void
language sql
set search_path = pg_catalog, pg_temp
as $$
  insert into ledger.idempotency_keys (caller_id, procedure, key, account_id, request_hash, answer)
  select p_caller_id, p_procedure, p_key, p_account_id,
         md5(p_request::text)::uuid, p_answer
  where p_key is not null;
$$;
comment on function ledger.idempotency_end(text, text, uuid, jsonb, uuid, jsonb) is
  'Stores the answer under the key, in the transaction that has the effect.';

create function ledger.purge_idempotency_keys()
returns bigint
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_count bigint;
begin
  perform set_config('ledger.procedure', 'purge_idempotency_keys', true);
  delete from ledger.idempotency_keys k
  where k.created_at < clock_timestamp() - make_interval(days => ledger.setting_text('idempotency_retention_days')::int);
  get diagnostics v_count = row_count;
  perform set_config('ledger.procedure', '', true);
  return v_count;
end $$;
comment on function ledger.purge_idempotency_keys() is 'Job: removes keys older than the retention; answers how many.';

-- sql/foundation/rate_limits.sql

/*
 * Token buckets per user and procedure. The bucket table is unlogged: it costs no WAL, and after a
 * crash everybody simply has a full bucket. Staff and backends are not limited.
 */
create table public.rate_limits (
  procedure text primary key,
  capacity integer not null,
  refill_per_second numeric(10, 3) not null,
  constraint capacity_is_positive check (capacity between 1 and 1000000),
  constraint refill_is_positive check (refill_per_second > 0 and refill_per_second <= 1000000)
);
alter table public.rate_limits enable row level security;
revoke all on public.rate_limits from anon, authenticated, service_role;
grant select on public.rate_limits to authenticated, service_role;
comment on table public.rate_limits is 'Token buckets of the procedures that ask for one; without its row such a procedure is not limited.';

create unlogged table ledger.rate_limit_buckets (
  user_id uuid not null,
  procedure text not null,
  tokens numeric(12, 3) not null,
  refilled_at timestamptz not null,
  primary key (user_id, procedure)
) with (fillfactor = 50);
comment on table ledger.rate_limit_buckets is 'Tokens left per user and procedure. Unlogged on purpose.';

/* Null when the call may go on, else the refusal. Taken after the idempotency key: a replay is free. */
create function ledger.rate_limit_take(p_user_id uuid, p_procedure text)
returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_limit public.rate_limits;
begin
  select l.* into v_limit
  from public.rate_limits l
  where l.procedure = p_procedure and not exists (select from public.user_roles u where u.user_id = p_user_id);
  if not found then
    return null;
  end if;
  insert into ledger.rate_limit_buckets as b (user_id, procedure, tokens, refilled_at)
  values (p_user_id, p_procedure, v_limit.capacity - 1, clock_timestamp())
  on conflict (user_id, procedure) do update set
    tokens = least(v_limit.capacity,
                   b.tokens + greatest(0, extract(epoch from excluded.refilled_at - b.refilled_at)) * v_limit.refill_per_second) - 1,
    refilled_at = excluded.refilled_at
  where least(v_limit.capacity,
              b.tokens + greatest(0, extract(epoch from excluded.refilled_at - b.refilled_at)) * v_limit.refill_per_second) >= 1;
  if found then
    return null;
  end if;
  return ledger.refuse('rate_limited', jsonb_build_object(
    'procedure', p_procedure,
    'retry_after_seconds', greatest(1, ceil(1 / v_limit.refill_per_second))));
end $$;
comment on function ledger.rate_limit_take(uuid, text) is 'Takes one token of the user''s bucket; answers the refusal when it is empty.';

-- sql/foundation/outbox.sql

/* Messages to the outside, written in the transaction of their cause; a worker delivers them after its commit. */
create table ledger.outbox (
  id uuid primary key default ledger.uuid_v7(),
  account_id uuid,
  type text not null,
  payload jsonb not null,
  status text not null default 'pending',
  retry_count integer not null default 0,
  next_retry_at timestamptz not null default clock_timestamp(),
  error_last text,
  created_at timestamptz not null default clock_timestamp(),
  constraint status_is_known check (status in ('pending', 'sending', 'sent', 'dead')),
  constraint retries_are_counted_up check (retry_count >= 0)
);
-- the worker's claim, and the oldest unsent message in functions/health
create index outbox_unsent on ledger.outbox (next_retry_at) where status in ('pending', 'sending');
comment on table ledger.outbox is 'Messages waiting for delivery. account_id is the customer concerned, null for the shop itself.';

-- sql/foundation/scheduled_jobs.sql

/*
 * Jobs as rows. Where pg_cron is installed ledger.schedule_jobs() hands them to it; the local
 * stack runs them from its own scheduler.
 */
create table ledger.scheduled_jobs (
  name text primary key,
  schedule text not null,
  command text not null,
  enabled boolean not null default true,
  description text not null
);
comment on table ledger.scheduled_jobs is 'SQL commands to run on a cron schedule (UTC).';

create function ledger.schedule_jobs()
returns integer
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_job ledger.scheduled_jobs;
  v_count integer := 0;
begin
  if not exists (select from pg_catalog.pg_extension e where e.extname = 'pg_cron') then
    raise exception 'pg_cron is not installed; enable it first (Database, Extensions), then call ledger.schedule_jobs() again';
  end if;
  for v_job in select * from ledger.scheduled_jobs j where j.enabled loop
    execute 'select cron.schedule($1, $2, $3)' using 'order-ledger ' || v_job.name, v_job.schedule, v_job.command;
    v_count := v_count + 1;
  end loop;
  return v_count;
end $$;
comment on function ledger.schedule_jobs() is 'Hands all enabled jobs to pg_cron; answers how many. Safe to repeat.';

-- sql/identity/profiles.sql

/* The only table that refers to auth.users: everything that moves money knows a user by id alone. */
create table public.profiles (
  id uuid primary key references auth.users (id) on delete restrict,
  display_name text,
  referral_code text not null unique default upper(substr(replace(gen_random_uuid()::text, '-', ''), 1, 10)),
  created_at timestamptz not null default clock_timestamp(),
  constraint display_name_is_short check (length(display_name) <= 200)
);
alter table public.profiles enable row level security;
revoke all on public.profiles from anon, authenticated, service_role;
grant select on public.profiles to authenticated, service_role;
comment on table public.profiles is
  'A person known to the shop. A user with a profile cannot be deleted from auth.users: the books refer to the person.';
comment on column public.profiles.referral_code is 'What a new customer quotes to ledger_register_referral.';

/* Runs inside sign-up, so it does as little as can fail. */
create function ledger.create_profile()
returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_outer text := coalesce(current_setting('ledger.procedure', true), '');
begin
  perform set_config('ledger.procedure', 'create_profile', true);
  insert into public.profiles (id, display_name)
  values (new.id, left(new.raw_user_meta_data ->> 'display_name', 200))
  on conflict (id) do nothing;
  perform set_config('ledger.procedure', v_outer, true);
  return new;
end $$;
comment on function ledger.create_profile() is 'Trigger on auth.users: every user who signs up has a profile.';

create trigger create_profile_at_sign_up
  after insert on auth.users
  for each row execute function ledger.create_profile();

-- sql/identity/roles.sql

/* Staff roles and what each may do, as rows; a customer needs none. */
create table public.roles (
  code text primary key,
  description text not null
);
alter table public.roles enable row level security;
revoke all on public.roles from anon, authenticated, service_role;
grant select on public.roles to authenticated, service_role;
comment on table public.roles is 'Staff roles.';

create table public.permissions (
  code text primary key,
  description text not null,
  constraint code_reads_as_domain_dot_action check (code ~ '^[a-z_]+\.[a-z_]+$')
);
alter table public.permissions enable row level security;
revoke all on public.permissions from anon, authenticated, service_role;
grant select on public.permissions to authenticated, service_role;
comment on table public.permissions is 'What procedures and policies ask for.';

create table public.role_permissions (
  role text not null references public.roles (code) on delete restrict,
  permission text not null references public.permissions (code) on delete restrict,
  primary key (role, permission)
);
alter table public.role_permissions enable row level security;
revoke all on public.role_permissions from anon, authenticated, service_role;
grant select on public.role_permissions to authenticated, service_role;
-- the foreign key to permissions
create index role_permissions_by_permission on public.role_permissions (permission);
comment on table public.role_permissions is 'Which role has which permission; edited in the dashboard.';

create table public.user_roles (
  user_id uuid not null references public.profiles (id) on delete restrict,
  role text not null references public.roles (code) on delete restrict,
  created_at timestamptz not null default clock_timestamp(),
  primary key (user_id, role)
);
alter table public.user_roles enable row level security;
revoke all on public.user_roles from anon, authenticated, service_role;
grant select on public.user_roles to authenticated, service_role;
-- the foreign key to roles
create index user_roles_by_role on public.user_roles (role);
comment on table public.user_roles is 'Who has which staff role; edited in the dashboard.';

-- sql/identity/actor.sql

/* Who is acting: a signed-in user, or a backend (service_role, or the owner's own session). */
create type ledger.actor as (
  user_id uuid,
  is_system boolean,
  caller_id uuid
);
comment on type ledger.actor is
  'user_id: who is recorded as acting; is_system: a backend, with all permissions; caller_id: whose idempotency keys these are (the nil UUID for backends).';

/*
 * current_setting('role') is the role PostgREST (or SET ROLE) chose, also inside definer functions,
 * where current_user is the owner. Anything that is not known to be a backend is a user or nobody.
 */
create function ledger.current_actor(p_actor_id uuid default null)
returns ledger.actor
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_role text := coalesce(nullif(current_setting('role', true), ''), 'none');
  v_user_id uuid;
begin
  if v_role in ('service_role', 'postgres', 'supabase_admin')
     or (v_role = 'none' and session_user in ('postgres', 'supabase_admin')) then
    return row(p_actor_id, true, '00000000-0000-0000-0000-000000000000')::ledger.actor;
  end if;
  if v_role = 'authenticated' then
    v_user_id := auth.uid();
  end if;
  if v_user_id is null then
    raise exception using errcode = 'insufficient_privilege',
      message = 'nobody is signed in', hint = 'Sign in and send the user''s access token.';
  end if;
  if p_actor_id is not null and p_actor_id is distinct from v_user_id then
    raise exception using errcode = 'insufficient_privilege',
      message = 'p_actor_id names somebody else', hint = 'Only a backend with the secret key may act for others; leave p_actor_id out.';
  end if;
  return row(v_user_id, false, v_user_id)::ledger.actor;
end $$;
comment on function ledger.current_actor(uuid) is
  'The acting user, or a backend and for whom it acts. Raises 42501 when nobody is signed in.';

create function ledger.has_permission(p_actor ledger.actor, p_permission text)
returns boolean
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select p_actor.is_system or exists (
    select from public.user_roles u
    join public.role_permissions r on r.role = u.role
    where u.user_id = p_actor.user_id and r.permission = p_permission);
$$;
comment on function ledger.has_permission(ledger.actor, text) is 'Whether the actor has a permission; a backend has all.';

create function ledger.require_permission(p_actor ledger.actor, p_permission text)
returns void
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  if not ledger.has_permission(p_actor, p_permission) then
    raise exception using errcode = 'insufficient_privilege',
      message = format('this needs the permission "%s"', p_permission),
      hint = format('Roles that have it: %s.', coalesce(
        (select string_agg(r.role, ', ' order by r.role) from public.role_permissions r where r.permission = p_permission), 'none'));
  end if;
end $$;
comment on function ledger.require_permission(ledger.actor, text) is 'Raises 42501 when the actor lacks the permission.';

/* The caller's own permissions, for row-level policies: `(select ledger.caller_may('orders.read'))`. */
create function ledger.caller_may(p_permission text)
returns boolean
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$
  select exists (
    select from public.user_roles u
    join public.role_permissions r on r.role = u.role
    where u.user_id = auth.uid() and r.permission = p_permission);
$$;
comment on function ledger.caller_may(text) is 'Whether the signed-in user has a permission.';

/* The customer a call is about: the caller, or somebody else with the permission for that. */
create function ledger.customer_of_call(p_actor ledger.actor, p_user_id uuid, p_permission text)
returns uuid
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  if p_user_id is not null and (p_actor.is_system or p_user_id is distinct from p_actor.user_id) then
    perform ledger.require_permission(p_actor, p_permission);
  end if;
  return coalesce(p_user_id, p_actor.user_id);
end $$;
comment on function ledger.customer_of_call(ledger.actor, uuid, text) is
  'p_user_id, or the caller when it is null; raises 42501 when the caller may not act for p_user_id.';

-- sql/identity/policies.sql

create policy profiles_are_seen_by_their_owner_and_staff on public.profiles for select to authenticated
  using (id = (select auth.uid()) or (select ledger.caller_may('customers.read')));

create policy roles_are_seen_by_members on public.roles for select to authenticated using (true);
create policy permissions_are_seen_by_members on public.permissions for select to authenticated using (true);
create policy role_permissions_are_seen_by_members on public.role_permissions for select to authenticated using (true);
create policy user_roles_are_seen_by_their_owner_and_staff on public.user_roles for select to authenticated
  using (user_id = (select auth.uid()) or (select ledger.caller_may('customers.read')));

create policy settings_are_seen_by_members on public.settings for select to authenticated using (true);
create policy feature_flags_are_seen_by_staff on public.feature_flags for select to authenticated
  using ((select ledger.caller_may('audit.read')));
create policy rate_limits_are_seen_by_members on public.rate_limits for select to authenticated using (true);

-- sql/identity/addresses.sql

/* Addresses of customers; an order keeps a snapshot, so these may change and go. */
create table public.addresses (
  id uuid primary key default ledger.uuid_v7(),
  user_id uuid not null references public.profiles (id) on delete restrict,
  recipient text not null,
  line1 text not null,
  line2 text,
  city text not null,
  region text,
  postal_code text,
  country text not null,
  phone text,
  created_at timestamptz not null default clock_timestamp(),
  constraint texts_are_short check (
    length(recipient) between 1 and 200 and length(line1) between 1 and 300 and length(line2) <= 300
    and length(city) between 1 and 200 and length(region) <= 200 and length(postal_code) <= 20 and length(phone) <= 40),
  constraint country_is_iso_3166 check (country ~ '^[A-Z]{2}$')
);
alter table public.addresses enable row level security;
revoke all on public.addresses from anon, authenticated, service_role;
grant select on public.addresses to authenticated, service_role;
create policy addresses_are_seen_by_their_owner_and_staff on public.addresses for select to authenticated
  using (user_id = (select auth.uid()) or (select ledger.caller_may('customers.read')));
-- a customer's addresses
create index addresses_by_user on public.addresses (user_id);
comment on table public.addresses is 'Shipping and billing addresses of customers; written by ledger_save_address and ledger_delete_address.';
comment on column public.addresses.country is 'ISO 3166-1 alpha-2, such as IQ.';

-- sql/identity/ledger_delete_address.sql

create type public.ledger_delete_address_result as (
  success boolean, transaction_id uuid, error_code text, error_message text, error_details jsonb
);

/* Removes an address of the caller. Orders keep the snapshot they were placed with. */
create function public.ledger_delete_address(p_address_id uuid, p_user_id uuid default null)
returns setof public.ledger_delete_address_result
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_actor ledger.actor;
  v_user_id uuid;
  v_deleted_id uuid;
begin
  -- who may
  v_actor := ledger.current_actor();
  v_user_id := ledger.customer_of_call(v_actor, p_user_id, 'orders.place');

  if v_user_id is null then
    return next jsonb_populate_record(null::public.ledger_delete_address_result, ledger.refuse('customer_required'));
    return;
  end if;

  -- check and write: one statement
  perform set_config('ledger.procedure', 'ledger_delete_address', true);
  delete from public.addresses a where a.id = p_address_id and a.user_id = v_user_id returning a.id into v_deleted_id;
  perform set_config('ledger.procedure', '', true);
  return next jsonb_populate_record(null::public.ledger_delete_address_result,
    case when v_deleted_id is not null then jsonb_build_object('success', true)
         else ledger.refuse('address_not_found', jsonb_build_object('address_id', p_address_id)) end);
end $$;
revoke execute on function public.ledger_delete_address(uuid, uuid) from public, anon;
grant execute on function public.ledger_delete_address(uuid, uuid) to authenticated, service_role;
comment on function public.ledger_delete_address(uuid, uuid) is
  'Removes an address of the caller (staff with orders.place: of p_user_id). Errors: customer_required, address_not_found.';

-- sql/identity/ledger_save_address.sql

create type public.ledger_save_address_result as (
  success boolean, transaction_id uuid, error_code text, error_message text, error_details jsonb,
  address_id uuid
);

/*
 * Adds an address of the caller, or changes one (p_address_id). Orders already placed keep the
 * address they were placed with.
 */
create function public.ledger_save_address(
  p_recipient text,
  p_line1 text,
  p_city text,
  p_country text,
  p_line2 text default null,
  p_region text default null,
  p_postal_code text default null,
  p_phone text default null,
  p_address_id uuid default null,
  p_idempotency_key text default null,
  p_user_id uuid default null)
returns setof public.ledger_save_address_result
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_actor ledger.actor;
  v_user_id uuid;
  v_request jsonb;
  v_answer jsonb;
  v_problem text;
  v_address_id uuid;
begin
  -- who may
  v_actor := ledger.current_actor();
  v_user_id := ledger.customer_of_call(v_actor, p_user_id, 'orders.place');

  -- asked before
  v_request := jsonb_build_array(v_user_id, p_address_id, p_recipient, p_line1, p_line2, p_city, p_region, p_postal_code, p_country, p_phone);
  v_answer := ledger.idempotency_begin('ledger_save_address', p_idempotency_key, v_actor.caller_id, v_request);
  if v_answer is not null then
    return next jsonb_populate_record(null::public.ledger_save_address_result, v_answer);
    return;
  end if;

  -- check
  v_problem := case
    when coalesce(length(p_recipient), 0) not between 1 and 200 then 'p_recipient: 1 to 200 characters'
    when coalesce(length(p_line1), 0) not between 1 and 300 then 'p_line1: 1 to 300 characters'
    when coalesce(length(p_city), 0) not between 1 and 200 then 'p_city: 1 to 200 characters'
    when coalesce(upper(p_country), '') !~ '^[A-Z]{2}$' then 'p_country: the two letters of ISO 3166-1, such as IQ'
    when length(p_line2) > 300 then 'p_line2: at most 300 characters'
    when length(p_region) > 200 then 'p_region: at most 200 characters'
    when length(p_postal_code) > 20 then 'p_postal_code: at most 20 characters'
    when length(p_phone) > 40 then 'p_phone: at most 40 characters'
  end;
  v_answer := case
    when v_user_id is null then ledger.refuse('customer_required')
    when not exists (select from public.profiles p where p.id = v_user_id) then
      ledger.refuse('customer_not_found', jsonb_build_object('user_id', v_user_id))
    when v_problem is not null then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', split_part(v_problem, ': ', 1), 'problem', split_part(v_problem, ': ', 2)))
    when p_address_id is not null
      and not exists (select from public.addresses a where a.id = p_address_id and a.user_id = v_user_id) then
      ledger.refuse('address_not_found', jsonb_build_object('address_id', p_address_id))
  end;
  if v_answer is not null then
    return next jsonb_populate_record(null::public.ledger_save_address_result, v_answer);
    return;
  end if;

  -- write
  perform set_config('ledger.procedure', 'ledger_save_address', true);
  insert into public.addresses as a (id, user_id, recipient, line1, line2, city, region, postal_code, country, phone)
  values (coalesce(p_address_id, ledger.uuid_v7()), v_user_id, p_recipient, p_line1, p_line2, p_city, p_region,
          p_postal_code, upper(p_country), p_phone)
  on conflict (id) do update set
    recipient = excluded.recipient, line1 = excluded.line1, line2 = excluded.line2, city = excluded.city,
    region = excluded.region, postal_code = excluded.postal_code, country = excluded.country, phone = excluded.phone
  where a.user_id = v_user_id
  returning a.id into v_address_id;

  -- answer
  v_answer := jsonb_build_object('success', true, 'address_id', v_address_id);
  perform ledger.idempotency_end('ledger_save_address', p_idempotency_key, v_actor.caller_id, v_request, null, v_answer);
  perform set_config('ledger.procedure', '', true);
  return next jsonb_populate_record(null::public.ledger_save_address_result, v_answer);
end $$;
revoke execute on function public.ledger_save_address(text, text, text, text, text, text, text, text, uuid, text, uuid) from public, anon;
grant execute on function public.ledger_save_address(text, text, text, text, text, text, text, text, uuid, text, uuid) to authenticated, service_role;
comment on function public.ledger_save_address(text, text, text, text, text, text, text, text, uuid, text, uuid) is
  'Adds or changes an address of the caller (staff with orders.place: of p_user_id). Errors: customer_required, customer_not_found, invalid_argument, address_not_found.';

-- sql/identity/my_permissions.sql

/* What the signed-in user may do, for clients that show or hide controls. */
create function public.my_permissions()
returns setof text
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$
  select distinct r.permission
  from public.user_roles u
  join public.role_permissions r on r.role = u.role
  where u.user_id = auth.uid()
  order by 1;
$$;
revoke execute on function public.my_permissions() from public, anon;
grant execute on function public.my_permissions() to authenticated, service_role;
comment on function public.my_permissions() is 'Permissions of the signed-in user through their roles; none for a customer.';

-- sql/ledger/posting_leg.sql

/* One posting before it is written. */
create type ledger.posting_leg as (
  debit_account text,
  credit_account text,
  amount bigint
);

-- sql/ledger/chart_accounts.sql

/* The chart of accounts. A posting moves an amount from a credit side to a debit side of it. */
create table public.chart_accounts (
  code text primary key,
  name text not null,
  kind text not null,
  normal_side text not null,
  scope text not null,
  constraint kind_is_known check (kind in ('asset', 'liability', 'income', 'expense')),
  constraint normal_side_follows_kind check (normal_side = case when kind in ('asset', 'expense') then 'debit' else 'credit' end),
  constraint scope_is_known check (scope in ('customer', 'system'))
);
alter table public.chart_accounts enable row level security;
revoke all on public.chart_accounts from anon, authenticated, service_role;
grant select on public.chart_accounts to authenticated, service_role;
create policy chart_accounts_are_seen_by_members on public.chart_accounts for select to authenticated using (true);
comment on table public.chart_accounts is
  'Chart of accounts. Customer accounts have one balance per customer; system accounts have no balance row, their balance is the sum of postings.';

-- sql/ledger/accounts.sql

/* One row per customer and currency: the four totals and what follows from them (source 003). */
create table public.accounts (
  id uuid primary key,
  user_id uuid not null,
  currency text not null references public.currencies (code) on delete restrict,
  total_earned bigint not null default 0,
  total_withdrawn bigint not null default 0,
  total_pending_withdrawals bigint not null default 0,
  total_orders bigint not null default 0,
  available_balance bigint not null generated always as
    (total_earned - total_withdrawn - total_pending_withdrawals - total_orders) stored,
  version bigint not null default 0,
  frozen_reason text,
  created_at timestamptz not null default clock_timestamp(),
  updated_at timestamptz not null default clock_timestamp(),
  unique (user_id, currency),
  constraint totals_are_exact check (
    total_earned between -9007199254740991 and 9007199254740991),
  constraint spent_totals_are_exact_and_not_negative check (
    total_withdrawn between 0 and 9007199254740991
    and total_pending_withdrawals between 0 and 9007199254740991 and total_orders between 0 and 9007199254740991),
  constraint frozen_reason_says_something check (length(frozen_reason) between 1 and 1000)
) with (fillfactor = 70);
alter table public.accounts enable row level security;
revoke all on public.accounts from anon, authenticated, service_role;
grant select on public.accounts to authenticated, service_role;
create policy accounts_are_seen_by_their_owner_and_staff on public.accounts for select to authenticated
  using (user_id = (select auth.uid()) or (select ledger.caller_may('accounts.read')));
select ledger.protect_from_hands('public.accounts', 'ledger_credit_account (or ledger_place_order, ledger_change_order_status, ledger_request_withdrawal, ledger_freeze_account)');
comment on table public.accounts is 'Balance of a customer in one currency, in minor units. Written by procedures only.';
comment on column public.accounts.id is 'ledger.account_id(user_id, currency): known without a look-up, so a router can shard by it.';
comment on column public.accounts.total_earned is 'Credits, adjustments and commissions; below zero when more was clawed back or adjusted away than is left of them.';
comment on column public.accounts.total_orders is 'Rises when the wallet pays for an order, falls when it is cancelled or refunded to the wallet (source 003).';
comment on column public.accounts.available_balance is 'May be negative only after a commission was clawed back.';
comment on column public.accounts.version is 'Number of transactions; transactions.account_version counts it.';
comment on column public.accounts.frozen_reason is 'Why nothing can be spent or withdrawn; null when the account is not frozen.';

create function ledger.account_id(p_user_id uuid, p_currency text)
returns uuid
language sql immutable strict parallel safe
set search_path = pg_catalog, pg_temp
as $$
  select md5(p_user_id::text || p_currency)::uuid;
$$;
comment on function ledger.account_id(uuid, text) is 'The id of a customer''s account in a currency, whether it is open or not.';

/*
 * Lock step "accounts by id", for accounts that are open and those that are not yet: an account
 * without a row is locked by its id, so that two first orders, or a first order and a commission,
 * keep the same order as everybody else. Opens what is missing unless told not to.
 */
create function ledger.lock_accounts(p_user_ids uuid[], p_currency text, p_open boolean default true)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_id uuid;
  v_user_id uuid;
begin
  for v_id, v_user_id in
    select distinct ledger.account_id(u.user_id, p_currency) as id, u.user_id from unnest(p_user_ids) u (user_id) order by 1
  loop
    perform from public.accounts a where a.id = v_id for no key update;
    continue when found;
    perform pg_advisory_xact_lock(hashtextextended('account ' || v_id::text, 0));
    perform from public.accounts a where a.id = v_id for no key update;
    continue when found;
    -- the person stays while their first account is being opened
    perform from public.profiles p where p.id = v_user_id for key share;
    if not found then
      raise exception using errcode = 'foreign_key_violation', message = format('there is no customer %s', v_user_id);
    end if;
    continue when not p_open;
    insert into public.accounts (id, user_id, currency) values (v_id, v_user_id, p_currency);
  end loop;
end $$;
comment on function ledger.lock_accounts(uuid[], text, boolean) is
  'Locks the accounts of these customers in one currency, by id, and opens those that are missing (unless p_open is false).';

/* A person with books stays: the profile is what keeps the user in auth.users. */
create function ledger.keep_profile_with_books()
returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  if exists (select from public.accounts a where a.user_id = old.id) then
    raise exception using
      errcode = 'insufficient_privilege',
      message = format('%s of the profile of %s is refused: the books refer to this person', lower(tg_op), old.id),
      hint = 'Change what the profile says, not who it is.';
  end if;
  return case tg_op when 'DELETE' then old else new end;
end $$;
comment on function ledger.keep_profile_with_books() is 'Trigger: refuses removing or renumbering a profile that has accounts.';

create trigger profiles_with_books_stay before delete or update of id on public.profiles
  for each row execute function ledger.keep_profile_with_books();
select ledger.enable_always('public.profiles', array['profiles_with_books_stay']);

-- sql/ledger/transactions.sql

/* Every change of an account, and every status change of its orders even when no money moves. */
create table public.transactions (
  id uuid primary key default ledger.uuid_v7(),
  account_id uuid not null references public.accounts (id) on delete restrict,
  account_version bigint not null,
  type text not null,
  amount bigint not null,
  balance_after bigint not null,
  order_id uuid,
  reference_id uuid,
  actor_id uuid,
  actor_action text not null,
  metadata jsonb not null default '{}',
  correlation_id uuid not null,
  created_at timestamptz not null default clock_timestamp(),
  unique (account_id, account_version),
  constraint type_is_known check (type in (
    'deposit', 'earning', 'bonus', 'adjustment', 'account_frozen', 'account_released',
    'order_created', 'order_status_changed', 'order_cancelled', 'order_refunded',
    'withdrawal_requested', 'withdrawal_approved', 'withdrawal_paid', 'withdrawal_rejected', 'withdrawal_cancelled',
    'commission_earned', 'commission_clawed_back')),
  constraint amount_is_exact check (amount between -9007199254740991 and 9007199254740991)
);
alter table public.transactions enable row level security;
revoke all on public.transactions from anon, authenticated, service_role;
grant select on public.transactions to authenticated, service_role;
create policy transactions_are_seen_by_their_owner_and_staff on public.transactions for select to authenticated
  using (account_id in (select a.id from public.accounts a where a.user_id = (select auth.uid()))
         or (select ledger.caller_may('accounts.read')));
-- the transactions of an order
create index transactions_by_order on public.transactions (order_id) where order_id is not null;
select ledger.make_immutable('public.transactions', 'the ledger_* procedures');
comment on table public.transactions is 'Immutable. One row per operation on an account, in the order of account_version.';
comment on column public.transactions.amount is 'Signed effect on available_balance, minor units; 0 for a mere status change.';
comment on column public.transactions.account_version is 'Order within the account; created_at is only when.';
comment on column public.transactions.reference_id is 'What the operation was about when it was no order: a withdrawal, a commission.';

/*
 * Moves the four totals of an account by the given differences, counts its version, and writes the
 * transaction. The account is locked by the caller.
 */
create function ledger.write_transaction(
  p_account_id uuid,
  p_type text,
  p_actor ledger.actor,
  p_actor_action text,
  p_correlation_id uuid,
  p_earned bigint default 0,
  p_withdrawn bigint default 0,
  p_pending_withdrawals bigint default 0,
  p_orders bigint default 0,
  p_order_id uuid default null,
  p_reference_id uuid default null,
  p_metadata jsonb default '{}')
returns public.transactions
language sql
set search_path = pg_catalog, pg_temp
as $$
  with moved as (
    update public.accounts a set
      total_earned = a.total_earned + p_earned,
      total_withdrawn = a.total_withdrawn + p_withdrawn,
      total_pending_withdrawals = a.total_pending_withdrawals + p_pending_withdrawals,
      total_orders = a.total_orders + p_orders,
      version = a.version + 1,
      updated_at = clock_timestamp()
    where a.id = p_account_id
    returning a.version, a.available_balance)
  insert into public.transactions as t
    (account_id, account_version, type, amount, balance_after, order_id, reference_id, actor_id, actor_action, metadata, correlation_id)
  select p_account_id, m.version, p_type, p_earned - p_withdrawn - p_pending_withdrawals - p_orders, m.available_balance,
         p_order_id, p_reference_id, p_actor.user_id, p_actor_action, coalesce(p_metadata, '{}'), p_correlation_id
  from moved m
  returning t.*;
$$;
comment on function ledger.write_transaction(uuid, text, ledger.actor, text, uuid, bigint, bigint, bigint, bigint, uuid, uuid, jsonb) is
  'Applies differences to an account''s totals and records the transaction; answers the new row.';

-- sql/ledger/postings.sql

/*
 * Double entry. One row debits one account of the chart and credits another with the same amount,
 * within one customer's books, so the books balance by construction.
 */
create sequence ledger.posting_id_seq as bigint;

create table public.postings (
  id bigint not null default nextval('ledger.posting_id_seq'),
  account_id uuid not null references public.accounts (id) on delete restrict,
  transaction_id uuid not null references public.transactions (id) on delete restrict,
  debit_account text not null references public.chart_accounts (code) on delete restrict,
  credit_account text not null references public.chart_accounts (code) on delete restrict,
  amount bigint not null,
  currency text not null references public.currencies (code) on delete restrict,
  created_at timestamptz not null default clock_timestamp(),
  primary key (account_id, id),
  constraint amount_is_positive_and_exact check (amount between 1 and 9007199254740991),
  constraint sides_differ check (debit_account <> credit_account)
);
alter table public.postings enable row level security;
revoke all on public.postings from anon, authenticated, service_role;
grant select on public.postings to authenticated, service_role;
create policy postings_are_seen_by_staff on public.postings for select to authenticated
  using ((select ledger.caller_may('accounts.read')));
-- the postings of a transaction, and the foreign key to it
create index postings_by_transaction on public.postings (transaction_id);
select ledger.make_immutable('public.postings', 'the ledger_* procedures');
comment on table public.postings is 'Immutable. Each row debits one chart account and credits another with amount (minor units of currency).';

/* Writes the postings of a transaction; legs of amount 0 are left out. */
create function ledger.write_postings(p_transaction public.transactions, p_currency text, p_legs ledger.posting_leg[])
returns void
language sql
set search_path = pg_catalog, pg_temp
as $$
  insert into public.postings (account_id, transaction_id, debit_account, credit_account, amount, currency)
  select p_transaction.account_id, p_transaction.id, l.debit_account, l.credit_account, l.amount, p_currency
  from unnest(p_legs) l
  where l.amount <> 0;
$$;
comment on function ledger.write_postings(public.transactions, text, ledger.posting_leg[]) is 'Writes the postings of a transaction.';

-- sql/ledger/immutable_events.sql

/* Each operation appends one event; every balance and every order's history can be replayed from them. */
create sequence ledger.event_id_seq as bigint;

create table public.immutable_events (
  id bigint not null default nextval('ledger.event_id_seq'),
  occurred_at timestamptz not null default clock_timestamp(),
  event_type text not null,
  stream_type text not null,
  stream_id uuid not null,
  account_id uuid,
  payload jsonb not null,
  actor_id uuid,
  correlation_id uuid not null,
  causation_id uuid,
  written_by_xid bigint not null default (pg_current_xact_id()::text)::bigint,
  primary key (id, occurred_at),
  constraint ids_count_up_from_one check (id > 0 and written_by_xid > 0)
) partition by range (occurred_at);
create table ledger.immutable_events_default partition of public.immutable_events default;
alter table public.immutable_events enable row level security;
alter table ledger.immutable_events_default enable row level security;
revoke all on public.immutable_events from anon, authenticated, service_role;
grant select on public.immutable_events to authenticated, service_role;
create policy events_are_seen_by_their_customer_and_staff on public.immutable_events for select to authenticated
  using (account_id in (select a.id from public.accounts a where a.user_id = (select auth.uid()))
         or (select ledger.caller_may('audit.read'))
         or (stream_type = 'order' and (select ledger.caller_may('orders.read'))));
-- the history of an order, the events of a stream
create index immutable_events_by_stream on public.immutable_events (stream_id, id);
-- the sealer's range; nearly free, because transaction ids rise with the table
create index immutable_events_by_xid on public.immutable_events using brin (written_by_xid);
select ledger.make_immutable('public.immutable_events', 'the ledger_* procedures');
create trigger rows_are_never_truncated before truncate on ledger.immutable_events_default
  for each statement execute function ledger.refuse_change('immutable_events');
select ledger.enable_always('ledger.immutable_events_default', array['rows_are_never_truncated']);
comment on table public.immutable_events is 'Append-only, partitioned by month of occurred_at, sealed by event_seals.';
comment on column public.immutable_events.account_id is 'Whose books the event belongs to; null for the shop''s own (stock).';
comment on column public.immutable_events.written_by_xid is
  'Transaction that wrote the event: below the oldest running one nothing can still join.';

-- sql/ledger/audit_log.sql

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
alter table public.audit_log enable row level security;
alter table ledger.audit_log_default enable row level security;
revoke all on public.audit_log from anon, authenticated, service_role;
grant select on public.audit_log to authenticated, service_role;
create policy audit_log_is_seen_by_auditors on public.audit_log for select to authenticated
  using ((select ledger.caller_may('audit.read')));
select ledger.make_immutable('public.audit_log', 'the ledger_* procedures');
create trigger rows_are_never_truncated before truncate on ledger.audit_log_default
  for each statement execute function ledger.refuse_change('audit_log');
-- the purge is the one exception: rows of the default partition cannot go with a whole month
drop trigger rows_never_change on public.audit_log;
create trigger rows_never_change before update or delete on public.audit_log
  for each row when (coalesce(current_setting('ledger.procedure', true), '') <> 'purge_audit_log')
  execute function ledger.refuse_change('audit_log');
select ledger.enable_always('public.audit_log', array['rows_never_change']);
select ledger.enable_always('ledger.audit_log_default', array['rows_are_never_truncated']);
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
          ledger.client_address(), ledger.request_header('user-agent'),
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

-- sql/ledger/partitions.sql

/*
 * Monthly partitions of events and audit log live in schema ledger, beside a default partition
 * that takes what no month covers yet, so that an insert never fails for want of a partition.
 * Months are added ahead of time; a month of which rows already lie in the default stays there.
 */
create function ledger.create_month_partitions(p_months_ahead integer default 3)
returns integer
language plpgsql
set search_path = pg_catalog, pg_temp
-- behind a long reader the job gives up until its next turn rather than make everybody wait
set lock_timeout = '3s'
as $$
declare
  v_table text;
  v_month timestamptz;
  v_partition text;
  v_taken boolean;
  v_created integer := 0;
begin
  perform pg_advisory_xact_lock(hashtextextended('ledger.create_month_partitions', 0));
  -- made apart and then attached: that waits for readers of the default partition only, and nobody
  -- who writes to a month of its own waits for it
  foreach v_table in array array['immutable_events', 'audit_log'] loop
    for v_month in
      select date_trunc('month', clock_timestamp() at time zone 'UTC') at time zone 'UTC' + make_interval(months => m)
      from generate_series(0, p_months_ahead) m
    loop
      v_partition := v_table || to_char(v_month at time zone 'UTC', '_YYYY_MM');
      continue when to_regclass('ledger.' || v_partition) is not null;
      execute format('lock table ledger.%I in access exclusive mode', v_table || '_default');
      execute format('select exists (select from ledger.%I d where d.occurred_at >= %L and d.occurred_at < %L)',
                     v_table || '_default', v_month, v_month + interval '1 month') into v_taken;
      continue when v_taken;
      execute format('create table ledger.%I (like public.%I including defaults including constraints)', v_partition, v_table);
      execute format('alter table public.%I attach partition ledger.%I for values from (%L) to (%L)',
                     v_table, v_partition, v_month, v_month + interval '1 month');
      execute format('create trigger rows_are_never_truncated before truncate on ledger.%I
                      for each statement execute function ledger.refuse_change(%L)', v_partition, v_table);
      execute format('alter table ledger.%I enable always trigger rows_are_never_truncated', v_partition);
      execute format('alter table ledger.%I enable row level security', v_partition);
      v_created := v_created + 1;
    end loop;
  end loop;
  return v_created;
end $$;
comment on function ledger.create_month_partitions(integer) is
  'Job: makes the partitions of this month and the next ones; answers how many were new.';

/* Whole months go by dropping their partition; of the default partition what is old enough goes. */
create function ledger.purge_audit_log()
returns integer
language plpgsql
set search_path = pg_catalog, pg_temp
-- dropping a partition locks audit_log: behind a long reader the job gives up until the next night
set lock_timeout = '2s'
as $$
declare
  v_limit timestamptz := clock_timestamp() - make_interval(days => ledger.setting_text('audit_retention_days')::int);
  v_partition text;
  v_dropped integer := 0;
begin
  for v_partition in
    select c.relname
    from pg_catalog.pg_inherits i
    join pg_catalog.pg_class c on c.oid = i.inhrelid
    where i.inhparent = 'public.audit_log'::regclass
      and c.relname ~ '^audit_log_\d{4}_\d{2}$'
      and (to_date(right(c.relname, 7), 'YYYY_MM') + interval '1 month') at time zone 'UTC' <= v_limit
  loop
    execute format('drop table ledger.%I', v_partition);
    v_dropped := v_dropped + 1;
  end loop;
  perform set_config('ledger.procedure', 'purge_audit_log', true);
  delete from ledger.audit_log_default d where d.occurred_at < v_limit;
  perform set_config('ledger.procedure', '', true);
  return v_dropped;
end $$;
comment on function ledger.purge_audit_log() is 'Job: removes what is older than the setting audit_retention_days; answers how many partitions were dropped.';

-- sql/ledger/event_seals.sql

/*
 * Seals make tampering visible. A seal closes a run of events in the order of (written_by_xid, id)
 * with the SHA-256 of their canonical form and of the seal before it. Only events below the oldest
 * running transaction are sealed: no older one can still join them. A changed, removed or inserted
 * event changes the hash of its run, wherever it is.
 *
 * Transaction ids start anew when a logical dump is restored into another cluster; an epoch marks
 * that break, and within an epoch ids are comparable.
 */
create table public.event_seals (
  seal_number bigint primary key,
  epoch integer not null,
  epoch_after_event_id bigint not null,
  last_xid bigint not null,
  last_event_id bigint not null,
  first_event_id bigint,
  highest_event_id bigint not null,
  event_count integer not null,
  previous_hash bytea not null,
  hash bytea not null,
  sealed_at timestamptz not null default clock_timestamp(),
  constraint count_is_not_negative check (event_count >= 0),
  constraint hashes_are_sha256 check (length(previous_hash) = 32 and length(hash) = 32)
);
alter table public.event_seals enable row level security;
revoke all on public.event_seals from anon, authenticated, service_role;
grant select on public.event_seals to authenticated, service_role;
create policy seals_are_seen_by_auditors on public.event_seals for select to authenticated
  using ((select ledger.caller_may('audit.read')));
select ledger.make_immutable('public.event_seals', 'ledger.seal_events');
comment on table public.event_seals is
  'Hash chain over immutable_events. A seal covers the events of its epoch after the previous seal''s (last_xid, last_event_id) up to its own.';
comment on column public.event_seals.highest_event_id is 'Greatest id among the events of this seal; ids are not in the order of transactions.';
comment on column public.event_seals.epoch_after_event_id is 'Events up to this id belong to earlier epochs.';

/* The canonical form of one event: independent of time zone, key order and client. */
create function ledger.event_canonical(p_event public.immutable_events)
returns text
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_build_array(
    p_event.id, (extract(epoch from p_event.occurred_at) * 1000000)::bigint, p_event.event_type, p_event.stream_type,
    p_event.stream_id, p_event.account_id, p_event.payload, p_event.actor_id, p_event.correlation_id,
    p_event.causation_id, p_event.written_by_xid)::text;
$$;
comment on function ledger.event_canonical(public.immutable_events) is 'What of an event goes into its seal.';

create function ledger.seal_hash(p_previous bytea, p_events text)
returns bytea
language sql immutable
set search_path = pg_catalog, pg_temp
as $$
  select sha256(p_previous || convert_to(coalesce(p_events, ''), 'UTF8'));
$$;
comment on function ledger.seal_hash(bytea, text) is 'Hash of a seal: SHA-256 of the previous hash and the canonical events.';

/* Closes what can be closed into the next seals; answers how many events were sealed. */
create function ledger.seal_events(p_seal_size integer default 10000)
returns bigint
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_last public.event_seals;
  v_horizon bigint;
  v_run record;
  v_sealed bigint := 0;
begin
  -- one sealer at a time; a second one has nothing to add
  if not pg_try_advisory_xact_lock(hashtextextended('ledger.seal_events', 0)) then
    return 0;
  end if;
  v_horizon := (pg_snapshot_xmin(pg_current_snapshot())::text)::bigint;
  select s.* into v_last from public.event_seals s order by s.seal_number desc limit 1;
  if not found then
    v_last := row(0, 1, 0, 0, 0, null, 0, 0, sha256(''), sha256(''), null)::public.event_seals;
  elsif v_horizon < v_last.last_xid then
    raise exception 'the last seal was made in another cluster (transaction %, here %)', v_last.last_xid, v_horizon
      using hint = 'After restoring a logical dump call ledger.start_seal_epoch() once.';
  end if;

  loop
    select max(e.written_by_xid) as last_xid, (array_agg(e.id order by e.written_by_xid desc, e.id desc))[1] as last_id,
           (array_agg(e.id order by e.written_by_xid, e.id))[1] as first_id, max(e.id) as highest_id, count(*)::int as events,
           ledger.seal_hash(v_last.hash, string_agg(e.canonical, e'\n' order by e.written_by_xid, e.id)) as hash
    into v_run
    from (select i.written_by_xid, i.id, ledger.event_canonical(i) as canonical
          from public.immutable_events i
          where i.written_by_xid >= v_last.last_xid and i.written_by_xid < v_horizon
            and (i.written_by_xid, i.id) > (v_last.last_xid, v_last.last_event_id)
            and i.id > v_last.epoch_after_event_id
          order by i.written_by_xid, i.id
          limit p_seal_size) e;
    exit when v_run.events = 0;

    perform set_config('ledger.procedure', 'seal_events', true);
    insert into public.event_seals as s
      (seal_number, epoch, epoch_after_event_id, last_xid, last_event_id, first_event_id, highest_event_id, event_count, previous_hash, hash)
    values (v_last.seal_number + 1, v_last.epoch, v_last.epoch_after_event_id, v_run.last_xid, v_run.last_id,
            v_run.first_id, v_run.highest_id, v_run.events, v_last.hash, v_run.hash)
    returning s.* into v_last;
    -- the newest seals could be remade by who can remake events: their hashes go where nobody here can
    insert into ledger.outbox (type, payload) values ('events.sealed', jsonb_build_object(
      'seal_number', v_last.seal_number, 'event_count', v_last.event_count, 'hash', encode(v_last.hash, 'hex')));
    perform set_config('ledger.procedure', '', true);
    v_sealed := v_sealed + v_run.events;
    exit when v_run.events < p_seal_size;
  end loop;
  return v_sealed;
end $$;
comment on function ledger.seal_events(integer) is 'Job: seals all events that no running transaction can still join; answers how many.';

/*
 * After a restore into another cluster: everything that came with the dump and was not sealed yet
 * is sealed, and a new epoch begins behind it. Call it once, soon after the restore.
 */
create function ledger.start_seal_epoch()
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_last public.event_seals;
begin
  lock table public.immutable_events, public.event_seals in share row exclusive mode;
  select s.* into v_last from public.event_seals s order by s.seal_number desc limit 1;
  if not found then
    raise exception 'there are no seals yet, so there is no epoch to end';
  end if;
  perform set_config('ledger.procedure', 'start_seal_epoch', true);
  insert into public.event_seals as s
    (seal_number, epoch, epoch_after_event_id, last_xid, last_event_id, first_event_id, highest_event_id, event_count, previous_hash, hash)
  select v_last.seal_number + 1, v_last.epoch, v_last.epoch_after_event_id,
         coalesce(max(e.written_by_xid), v_last.last_xid),
         coalesce((array_agg(e.id order by e.written_by_xid desc, e.id desc))[1], v_last.last_event_id),
         (array_agg(e.id order by e.written_by_xid, e.id))[1], coalesce(max(e.id), v_last.highest_event_id), count(e.id)::int, v_last.hash,
         ledger.seal_hash(v_last.hash, string_agg(ledger.event_canonical(e), e'\n' order by e.written_by_xid, e.id))
  from public.immutable_events e
  where (e.written_by_xid, e.id) > (v_last.last_xid, v_last.last_event_id) and e.id > v_last.epoch_after_event_id
  returning s.* into v_last;

  -- the old epoch ends at the highest id that came with the dump; what this cluster has written
  -- since has higher ids, whatever its transaction ids are
  insert into public.event_seals
    (seal_number, epoch, epoch_after_event_id, last_xid, last_event_id, first_event_id, highest_event_id, event_count, previous_hash, hash)
  select v_last.seal_number + 1, v_last.epoch + 1, max(s.highest_event_id), 0, 0, null, max(s.highest_event_id), 0, v_last.hash,
         ledger.seal_hash(v_last.hash, null)
  from public.event_seals s;
  perform set_config('ledger.procedure', '', true);
end $$;
comment on function ledger.start_seal_epoch() is 'Seals what a restored dump brought and starts a new epoch of transaction ids.';

/* Recomputes every seal; one row for each, problem is null where it holds. */
create function ledger.verify_seals()
returns table (seal_number bigint, event_count integer, problem text)
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  with epochs as (
    select s.epoch, min(s.epoch_after_event_id) as after_id,
           lead(min(s.epoch_after_event_id)) over (order by s.epoch) as until_id,
           max(s.last_xid) as last_xid, (array_agg(s.last_event_id order by s.seal_number desc))[1] as last_event_id
    from public.event_seals s
    group by s.epoch),
  chained as (
    select s.*,
           lag(s.hash, 1, sha256('')) over chain as hash_before,
           lag(s.seal_number, 1, 0::bigint) over chain as number_before,
           lag(s.last_xid, 1, 0::bigint) over within_epoch as xid_before,
           lag(s.last_event_id, 1, 0::bigint) over within_epoch as id_before
    from public.event_seals s
    window chain as (order by s.seal_number), within_epoch as (partition by s.epoch order by s.seal_number)),
  -- what no seal covers and none ever would: an id of a closed epoch behind its last seal, an id
  -- before the first epoch, or a transaction that has not been
  strays as (
    select count(*)::int as events
    from public.immutable_events e
    left join epochs o on e.id > o.after_id and (o.until_id is null or e.id <= o.until_id)
    where (o.until_id is not null and (e.written_by_xid, e.id) > (o.last_xid, o.last_event_id))
       or (o.epoch is null and exists (select from epochs))
       or e.written_by_xid <= 0
       or (o.until_id is null and e.written_by_xid >= greatest((pg_snapshot_xmax(pg_current_snapshot())::text)::bigint,
                                       (pg_current_xact_id_if_assigned()::text)::bigint + 1)))
  select c.seal_number, c.event_count,
         case
           when c.seal_number <> c.number_before + 1 then 'a seal before this one is missing'
           when c.previous_hash <> c.hash_before then 'does not continue the seal before it'
           when r.events <> c.event_count then format('covers %s events, %s are there', c.event_count, r.events)
           when ledger.seal_hash(c.hash_before, r.canonical) <> c.hash then 'an event was changed'
         end
  from chained c
  join epochs o on o.epoch = c.epoch
  cross join lateral (
    select count(*)::int as events,
           string_agg(ledger.event_canonical(e), e'\n' order by e.written_by_xid, e.id) as canonical
    from public.immutable_events e
    where e.written_by_xid between c.xid_before and c.last_xid
      and (e.written_by_xid, e.id) > (c.xid_before, c.id_before)
      and (e.written_by_xid, e.id) <= (c.last_xid, c.last_event_id)
      and e.id > o.after_id and (o.until_id is null or e.id <= o.until_id)) r
  union all
  select null, s.events, case
           when (pg_snapshot_xmin(pg_current_snapshot())::text)::bigint < (
             select max(o.last_xid) from epochs o where o.until_id is null) then
             'the database was restored into another cluster: call ledger.start_seal_epoch()'
           else format('%s events were inserted where no seal reaches', s.events) end
  from strays s
  where s.events > 0
  order by 1;
$$;
comment on function ledger.verify_seals() is
  'Recomputes all seals; problem says what does not hold. A row without a number counts events that no seal covers or ever would.';

-- sql/ledger/balance_effect.sql

/*
 * What an event says of an account: enough to replay every total from events alone. Not the balance:
 * order staff read the events of orders, and a customer's wealth is none of their business.
 */
create function ledger.balance_effect(
  p_transaction public.transactions,
  p_earned bigint default 0,
  p_withdrawn bigint default 0,
  p_pending_withdrawals bigint default 0,
  p_orders bigint default 0)
returns jsonb
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_build_object(
    'transaction_id', p_transaction.id,
    'transaction_type', p_transaction.type,
    'account_version', p_transaction.account_version,
    'amount', p_transaction.amount,
    'effect', jsonb_strip_nulls(jsonb_build_object(
      'total_earned', nullif(p_earned, 0),
      'total_withdrawn', nullif(p_withdrawn, 0),
      'total_pending_withdrawals', nullif(p_pending_withdrawals, 0),
      'total_orders', nullif(p_orders, 0))));
$$;
comment on function ledger.balance_effect(public.transactions, bigint, bigint, bigint, bigint) is
  'Payload part of an event: the transaction and its differences to the four totals.';

-- sql/ledger/record_operation.sql

/*
 * What every operation leaves behind beside its money: one event, one audit line, one outbox
 * message of the same type, written together.
 */
create function ledger.record_operation(
  p_event_type text,
  p_stream_type text,
  p_stream_id uuid,
  p_account_id uuid,
  p_payload jsonb,
  p_actor ledger.actor,
  p_correlation_id uuid,
  p_causation_id uuid default null)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_role text := coalesce(nullif(current_setting('role', true), ''), 'none');
begin
  insert into public.immutable_events
    (event_type, stream_type, stream_id, account_id, payload, actor_id, correlation_id, causation_id)
  values (p_event_type, p_stream_type, p_stream_id, p_account_id, p_payload, p_actor.user_id, p_correlation_id, p_causation_id);

  insert into public.audit_log
    (action, target_type, target_id, account_id, actor_id, actor_role, ip_address, user_agent, correlation_id)
  values (p_event_type, p_stream_type, p_stream_id::text, p_account_id, p_actor.user_id,
          case v_role when 'none' then session_user else v_role end,
          ledger.client_address(), ledger.request_header('user-agent'), p_correlation_id);

  insert into ledger.outbox (account_id, type, payload)
  values (p_account_id, p_event_type,
          p_payload || jsonb_build_object('stream_id', p_stream_id, 'correlation_id', p_correlation_id));
end $$;
comment on function ledger.record_operation(text, text, uuid, uuid, jsonb, ledger.actor, uuid, uuid) is
  'Appends the event, the audit line and the outbox message of an operation.';

-- sql/ledger/referrals.sql

/* Who brought whom. The rate is a snapshot: a changed setting touches new referrals only. */
create table public.referrals (
  referee_user_id uuid primary key references public.profiles (id) on delete restrict,
  referrer_user_id uuid not null references public.profiles (id) on delete restrict,
  rate_bp integer not null,
  created_at timestamptz not null default clock_timestamp(),
  constraint nobody_refers_themselves check (referee_user_id <> referrer_user_id),
  constraint rate_is_a_share check (rate_bp between 0 and 10000)
);
alter table public.referrals enable row level security;
revoke all on public.referrals from anon, authenticated, service_role;
grant select on public.referrals to authenticated, service_role;
create policy referrals_are_seen_by_both_sides_and_staff on public.referrals for select to authenticated
  using ((select auth.uid()) in (referee_user_id, referrer_user_id) or (select ledger.caller_may('customers.read')));
-- whom a customer has brought
create index referrals_by_referrer on public.referrals (referrer_user_id);
select ledger.protect_from_hands('public.referrals', 'ledger_register_referral');
comment on table public.referrals is 'One referrer per customer, registered before the first order. rate_bp is in basis points.';

/* Commission of a referrer on one delivered order, and how much of it was clawed back (source 003). */
create table public.referral_commissions (
  id uuid primary key default ledger.uuid_v7(),
  account_id uuid not null references public.accounts (id) on delete restrict,
  order_id uuid not null,
  referee_user_id uuid not null references public.profiles (id) on delete restrict,
  rate_bp integer not null,
  base_amount bigint not null,
  commission_amount bigint not null,
  clawed_back_amount bigint not null default 0,
  currency text not null references public.currencies (code) on delete restrict,
  created_at timestamptz not null default clock_timestamp(),
  unique (order_id),
  constraint amounts_are_not_negative check (base_amount >= 0 and commission_amount >= 0),
  constraint clawed_back_at_most_what_was_earned check (clawed_back_amount between 0 and commission_amount)
);
alter table public.referral_commissions enable row level security;
revoke all on public.referral_commissions from anon, authenticated, service_role;
grant select on public.referral_commissions to authenticated, service_role;
create policy commissions_are_seen_by_their_owner_and_staff on public.referral_commissions for select to authenticated
  using (account_id in (select a.id from public.accounts a where a.user_id = (select auth.uid()))
         or (select ledger.caller_may('accounts.read')));
-- a referrer's commissions, and the foreign keys
create index referral_commissions_by_account on public.referral_commissions (account_id);
create index referral_commissions_by_referee on public.referral_commissions (referee_user_id);
select ledger.protect_from_hands('public.referral_commissions', 'ledger_change_order_status');
comment on table public.referral_commissions is
  'Commission = base_amount x rate_bp / 10000, half up; base is the goods after discount, without tax and shipping. Minor units.';

-- sql/ledger/commissions.sql

create function ledger.commission_amount(p_base_amount bigint, p_rate_bp integer)
returns bigint
language sql immutable strict parallel safe
set search_path = pg_catalog, pg_temp
as $$
  select ledger.divide_half_up(p_base_amount::numeric * p_rate_bp, 10000)::bigint;
$$;
comment on function ledger.commission_amount(bigint, integer) is 'Commission on a base, rounded half up; minor units and basis points.';

/* The referrer's side of a delivery: a step of its own, so that it can become a message between shards. */
create function ledger.award_commission(
  p_order_id uuid, p_referral public.referrals, p_base_amount bigint, p_currency text, p_actor ledger.actor, p_correlation_id uuid)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_account_id uuid;
  v_commission bigint;
  v_commission_id uuid := ledger.uuid_v7();
  v_transaction public.transactions;
begin
  v_commission := ledger.commission_amount(p_base_amount, p_referral.rate_bp);
  if coalesce(v_commission, 0) = 0 then
    return;
  end if;
  v_account_id := ledger.account_id(p_referral.referrer_user_id, p_currency);

  insert into public.referral_commissions
    (id, account_id, order_id, referee_user_id, rate_bp, base_amount, commission_amount, currency)
  values (v_commission_id, v_account_id, p_order_id, p_referral.referee_user_id, p_referral.rate_bp, p_base_amount, v_commission, p_currency);
  v_transaction := ledger.write_transaction(
    v_account_id, 'commission_earned', p_actor, 'commission on a delivered order', p_correlation_id,
    p_earned => v_commission, p_reference_id => v_commission_id);
  perform ledger.write_postings(v_transaction, p_currency,
    array[row('commission_expense', 'wallet', v_commission)]::ledger.posting_leg[]);
  perform ledger.record_operation('commission.earned', 'account', v_account_id, v_account_id,
    ledger.balance_effect(v_transaction, p_earned => v_commission)
      || jsonb_build_object('commission_id', v_commission_id, 'base_amount', p_base_amount, 'rate_bp', p_referral.rate_bp),
    p_actor, p_correlation_id, p_order_id);
end $$;
comment on function ledger.award_commission(uuid, public.referrals, bigint, text, ledger.actor, uuid) is
  'Credits a referrer with the commission on an order of whom they brought; nothing when there is no referral. Both accounts are locked by the caller.';

/*
 * Takes back what of a commission belongs to the part of its base that was refunded in all so far:
 * the same rounding at every step, so that the last step ends at exactly the whole commission.
 */
create function ledger.claw_back_commission(
  p_order_id uuid, p_refunded_base_amount bigint, p_actor ledger.actor, p_correlation_id uuid)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_commission public.referral_commissions;
  v_amount bigint;
  v_transaction public.transactions;
begin
  select c.* into v_commission from public.referral_commissions c where c.order_id = p_order_id for no key update;
  if not found then
    return;
  end if;
  v_amount := ledger.divide_half_up(v_commission.commission_amount::numeric * p_refunded_base_amount, v_commission.base_amount)
              - v_commission.clawed_back_amount;
  if v_amount <= 0 then
    return;
  end if;
  update public.referral_commissions c set clawed_back_amount = c.clawed_back_amount + v_amount where c.id = v_commission.id;
  v_transaction := ledger.write_transaction(
    v_commission.account_id, 'commission_clawed_back', p_actor, 'commission of an order that was cancelled or refunded',
    p_correlation_id, p_earned => -v_amount, p_reference_id => v_commission.id);
  perform ledger.write_postings(v_transaction, v_commission.currency,
    array[row('wallet', 'commission_expense', v_amount)]::ledger.posting_leg[]);
  perform ledger.record_operation('commission.clawed_back', 'account', v_commission.account_id, v_commission.account_id,
    ledger.balance_effect(v_transaction, p_earned => -v_amount)
      || jsonb_build_object('commission_id', v_commission.id, 'refunded_base_amount', p_refunded_base_amount),
    p_actor, p_correlation_id, p_order_id);
end $$;
comment on function ledger.claw_back_commission(uuid, bigint, ledger.actor, uuid) is
  'Takes back the share of an order''s commission that its refunded base amounts to. The referrer''s account is locked by the caller.';

-- sql/ledger/ledger_credit_account.sql

create type public.ledger_credit_account_result as (
  success boolean, transaction_id uuid, error_code text, error_message text, error_details jsonb,
  account_id uuid, amount bigint, currency text, available_balance bigint
);

/*
 * Credits a customer's wallet: deposit (money that came in at the bank), earning or bonus (the
 * house's expense), or adjustment, which may also be negative but never takes the balance below
 * zero. Amounts in minor units. Source 003 (account balance logic).
 */
create function public.ledger_credit_account(
  p_user_id uuid,
  p_amount bigint,
  p_type text default 'deposit',
  p_currency text default null,
  p_notes text default null,
  p_metadata jsonb default '{}',
  p_idempotency_key text default null,
  p_actor_id uuid default null)
returns setof public.ledger_credit_account_result
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_actor ledger.actor;
  v_request jsonb;
  v_answer jsonb;
  v_currency text := upper(coalesce(p_currency, ledger.setting_text('default_currency')));
  v_account public.accounts;
  v_transaction public.transactions;
  v_correlation_id uuid;
begin
  -- who may
  v_actor := ledger.current_actor(p_actor_id);
  perform ledger.require_permission(v_actor, case p_type when 'adjustment' then 'accounts.adjust' else 'accounts.credit' end);

  -- asked before
  v_request := jsonb_build_array(p_user_id, p_amount, p_type, p_currency, p_notes, p_metadata, p_actor_id);
  v_answer := ledger.idempotency_begin('ledger_credit_account', p_idempotency_key, v_actor.caller_id, v_request);
  if v_answer is not null then
    return next jsonb_populate_record(null::public.ledger_credit_account_result, v_answer);
    return;
  end if;

  -- check what needs no lock
  v_answer := case
    when p_user_id is null then ledger.refuse('customer_required')
    when not exists (select from public.profiles p where p.id = p_user_id) then
      ledger.refuse('customer_not_found', jsonb_build_object('user_id', p_user_id))
    when p_type is null or p_type not in ('deposit', 'earning', 'bonus', 'adjustment') then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_type', 'problem', 'one of deposit, earning, bonus, adjustment'))
    when not exists (select from public.currencies c where c.code = v_currency) then
      ledger.refuse('unknown_currency', jsonb_build_object('currency', v_currency,
        'known', (select string_agg(c.code, ', ' order by c.code) from public.currencies c)))
    when p_amount is null or p_amount = 0 or (p_amount < 0 and p_type <> 'adjustment') then
      ledger.refuse('invalid_amount', jsonb_build_object('amount', p_amount,
        'expected', case p_type when 'adjustment' then 'other than zero' else 'above zero' end))
    when p_amount not between -9007199254740991 and 9007199254740991 then
      ledger.refuse('amount_too_large', jsonb_build_object('maximum', 9007199254740991))
    when p_amount < 0 and not exists (select from public.accounts a where a.id = ledger.account_id(p_user_id, v_currency)) then
      ledger.refuse('insufficient_funds', jsonb_build_object('required', -p_amount, 'available', 0, 'currency', v_currency))
    when length(p_notes) > 2000 or octet_length(p_metadata::text) > 16384 or coalesce(jsonb_typeof(p_metadata), 'object') <> 'object' then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_notes, p_metadata',
        'problem', 'notes have at most 2000 characters; metadata is a JSON object of at most 16 KB'))
  end;
  if v_answer is not null then
    return next jsonb_populate_record(null::public.ledger_credit_account_result, v_answer);
    return;
  end if;

  -- lock: account
  perform set_config('ledger.procedure', 'ledger_credit_account', true);
  perform ledger.lock_accounts(array[p_user_id], v_currency);
  select a.* into v_account from public.accounts a where a.id = ledger.account_id(p_user_id, v_currency);

  -- check
  v_answer := case
    when v_account.total_earned + p_amount > 9007199254740991 then
      ledger.refuse('amount_too_large', jsonb_build_object('maximum', 9007199254740991))
    when p_amount < 0 and v_account.available_balance + p_amount < 0 then
      ledger.refuse('insufficient_funds', jsonb_build_object('required', -p_amount,
        'available', v_account.available_balance, 'currency', v_currency))
  end;
  if v_answer is not null then
    perform set_config('ledger.procedure', '', true);
    return next jsonb_populate_record(null::public.ledger_credit_account_result, v_answer);
    return;
  end if;

  -- write: account, transaction, posting
  v_correlation_id := ledger.correlation_id();
  v_transaction := ledger.write_transaction(
    v_account.id, p_type, v_actor, coalesce(p_notes, p_type), v_correlation_id,
    p_earned => p_amount, p_metadata => p_metadata);
  perform ledger.write_postings(v_transaction, v_currency, array[case p_type
    when 'deposit' then row('bank', 'wallet', p_amount)::ledger.posting_leg
    when 'adjustment' then
      case when p_amount > 0 then row('adjustments', 'wallet', p_amount)::ledger.posting_leg
           else row('wallet', 'adjustments', -p_amount)::ledger.posting_leg end
    else row('commission_expense', 'wallet', p_amount)::ledger.posting_leg end]);

  -- record
  perform ledger.record_operation('account.credited', 'account', v_account.id, v_account.id,
    ledger.balance_effect(v_transaction, p_earned => p_amount)
      || jsonb_build_object('type', p_type, 'currency', v_currency, 'notes', p_notes, 'metadata', p_metadata),
    v_actor, v_correlation_id);

  -- answer
  v_answer := jsonb_build_object(
    'success', true, 'transaction_id', v_transaction.id, 'account_id', v_account.id, 'amount', p_amount,
    'currency', v_currency, 'available_balance', v_transaction.balance_after);
  perform ledger.idempotency_end('ledger_credit_account', p_idempotency_key, v_actor.caller_id, v_request, v_account.id, v_answer);
  perform set_config('ledger.procedure', '', true);
  return next jsonb_populate_record(null::public.ledger_credit_account_result, v_answer);
end $$;
revoke execute on function public.ledger_credit_account(uuid, bigint, text, text, text, jsonb, text, uuid) from public, anon;
grant execute on function public.ledger_credit_account(uuid, bigint, text, text, text, jsonb, text, uuid) to authenticated, service_role;
comment on function public.ledger_credit_account(uuid, bigint, text, text, text, jsonb, text, uuid) is
  'Credits p_amount (minor units) to a customer''s wallet as deposit, earning, bonus or adjustment (may be negative). Needs accounts.credit, for adjustments accounts.adjust. Errors: customer_required, customer_not_found, invalid_argument, unknown_currency, invalid_amount, amount_too_large, insufficient_funds, idempotency_conflict. Source 003.';

-- sql/ledger/ledger_freeze_account.sql

create type public.ledger_freeze_account_result as (
  success boolean, transaction_id uuid, error_code text, error_message text, error_details jsonb,
  account_id uuid, frozen boolean
);

/*
 * Freezes an account, so that nothing can be spent or withdrawn from it, or releases it again.
 * Credits and the return of money go on while it is frozen.
 */
create function public.ledger_freeze_account(
  p_user_id uuid,
  p_frozen boolean,
  p_reason text default null,
  p_currency text default null,
  p_idempotency_key text default null,
  p_actor_id uuid default null)
returns setof public.ledger_freeze_account_result
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_actor ledger.actor;
  v_request jsonb;
  v_answer jsonb;
  v_currency text := upper(coalesce(p_currency, ledger.setting_text('default_currency')));
  v_account public.accounts;
  v_transaction public.transactions;
  v_correlation_id uuid;
begin
  -- who may
  v_actor := ledger.current_actor(p_actor_id);
  perform ledger.require_permission(v_actor, 'accounts.freeze');

  -- asked before
  v_request := jsonb_build_array(p_user_id, p_frozen, p_reason, p_currency, p_actor_id);
  v_answer := ledger.idempotency_begin('ledger_freeze_account', p_idempotency_key, v_actor.caller_id, v_request);
  if v_answer is not null then
    return next jsonb_populate_record(null::public.ledger_freeze_account_result, v_answer);
    return;
  end if;

  -- lock: account
  select a.* into v_account
  from public.accounts a
  where a.id = ledger.account_id(p_user_id, v_currency)
  for no key update;

  -- check
  v_answer := case
    when v_account.id is null then ledger.refuse('account_not_found', jsonb_build_object('currency', v_currency))
    when p_frozen is null then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_frozen', 'problem', 'true to freeze, false to release'))
    when p_frozen and coalesce(length(trim(p_reason)), 0) not between 1 and 1000 then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_reason', 'problem', 'say why, in 1 to 1000 characters'))
    when length(p_reason) > 1000 then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_reason', 'problem', 'at most 1000 characters'))
    when p_frozen = (v_account.frozen_reason is not null) then
      ledger.refuse('account_already_frozen', jsonb_build_object('state', case when p_frozen then 'frozen' else 'released' end))
  end;
  if v_answer is not null then
    return next jsonb_populate_record(null::public.ledger_freeze_account_result, v_answer);
    return;
  end if;

  -- write: account, transaction
  perform set_config('ledger.procedure', 'ledger_freeze_account', true);
  v_correlation_id := ledger.correlation_id();
  update public.accounts a set frozen_reason = case when p_frozen then trim(p_reason) end where a.id = v_account.id;
  v_transaction := ledger.write_transaction(
    v_account.id, case when p_frozen then 'account_frozen' else 'account_released' end, v_actor,
    coalesce(p_reason, 'account released'), v_correlation_id);

  -- record
  perform ledger.record_operation(case when p_frozen then 'account.frozen' else 'account.released' end, 'account',
    v_account.id, v_account.id, ledger.balance_effect(v_transaction) || jsonb_build_object('reason', p_reason),
    v_actor, v_correlation_id);

  -- answer
  v_answer := jsonb_build_object('success', true, 'transaction_id', v_transaction.id, 'account_id', v_account.id, 'frozen', p_frozen);
  perform ledger.idempotency_end('ledger_freeze_account', p_idempotency_key, v_actor.caller_id, v_request, v_account.id, v_answer);
  perform set_config('ledger.procedure', '', true);
  return next jsonb_populate_record(null::public.ledger_freeze_account_result, v_answer);
end $$;
revoke execute on function public.ledger_freeze_account(uuid, boolean, text, text, text, uuid) from public, anon;
grant execute on function public.ledger_freeze_account(uuid, boolean, text, text, text, uuid) to authenticated, service_role;
comment on function public.ledger_freeze_account(uuid, boolean, text, text, text, uuid) is
  'Freezes (with a reason) or releases a customer''s account. Needs accounts.freeze. Errors: account_not_found, invalid_argument, account_already_frozen.';

-- sql/catalog/vendors.sql

/* Sellers of a marketplace; a shop of one house has one vendor, or none. */
create table public.vendors (
  id uuid primary key default ledger.uuid_v7(),
  name text not null,
  owner_user_id uuid references public.profiles (id) on delete restrict,
  platform_rate_bp integer not null default 0,
  created_at timestamptz not null default clock_timestamp(),
  constraint name_is_short check (length(name) between 1 and 200),
  constraint rate_is_a_share check (platform_rate_bp between 0 and 10000)
);
alter table public.vendors enable row level security;
revoke all on public.vendors from anon, authenticated, service_role;
grant select on public.vendors to authenticated;
grant select, insert, update on public.vendors to service_role;
create policy vendors_are_seen_by_their_owner_and_staff on public.vendors for select to authenticated
  using (owner_user_id = (select auth.uid()) or (select ledger.caller_may('stock.read')));
-- the vendor of a signed-in user, and the foreign key to profiles
create index vendors_by_owner on public.vendors (owner_user_id);
select ledger.audit_hand_edits_of('public.vendors', 'id');
comment on table public.vendors is 'Sellers. platform_rate_bp is the platform''s share of their sales in basis points.';

-- sql/catalog/products.sql

/* What is for sale. Edited in the dashboard or by a backend; prices of placed orders are snapshots. */
create table public.products (
  id uuid primary key default ledger.uuid_v7(),
  vendor_id uuid references public.vendors (id) on delete restrict,
  name text not null,
  description text,
  tax_rate_bp integer,
  is_active boolean not null default true,
  created_at timestamptz not null default clock_timestamp(),
  constraint name_is_short check (length(name) between 1 and 255),
  constraint tax_rate_is_a_share check (tax_rate_bp between 0 and 10000)
);
alter table public.products enable row level security;
revoke all on public.products from anon, authenticated, service_role;
grant select on public.products to anon, authenticated;
grant select, insert, update on public.products to service_role;
create policy products_for_sale_are_public on public.products for select to anon using (is_active);
create policy products_are_seen_when_for_sale_or_by_staff on public.products for select to authenticated
  using (is_active or (select ledger.caller_may('stock.read')));
-- the foreign key to vendors
create index products_by_vendor on public.products (vendor_id);
select ledger.audit_hand_edits_of('public.products', 'id');
comment on table public.products is 'Products. tax_rate_bp overrides the setting of the same name, in basis points.';

-- sql/catalog/variants.sql

/* What an order line names: a product in one size, colour, ... with its price. Stock has its own table. */
create table public.variants (
  id uuid primary key default ledger.uuid_v7(),
  product_id uuid not null references public.products (id) on delete restrict,
  sku text not null unique,
  name text not null,
  price_amount bigint not null,
  currency text not null references public.currencies (code) on delete restrict,
  low_stock_threshold bigint,
  is_active boolean not null default true,
  created_at timestamptz not null default clock_timestamp(),
  constraint sku_and_name_are_short check (length(sku) between 1 and 100 and length(name) between 1 and 255),
  constraint price_is_exact_and_not_negative check (price_amount between 0 and 9007199254740991),
  constraint threshold_is_not_negative check (low_stock_threshold >= 0)
);
alter table public.variants enable row level security;
revoke all on public.variants from anon, authenticated, service_role;
grant select on public.variants to anon, authenticated;
grant select, insert, update on public.variants to service_role;
create policy variants_for_sale_are_public on public.variants for select to anon using (is_active);
create policy variants_are_seen_when_for_sale_or_by_staff on public.variants for select to authenticated
  using (is_active or (select ledger.caller_may('stock.read')));
-- the variants of a product
create index variants_by_product on public.variants (product_id);
select ledger.audit_hand_edits_of('public.variants', 'id');
comment on table public.variants is 'Product variants. price_amount is in minor units of currency.';
comment on column public.variants.low_stock_threshold is 'Overrides the setting low_stock_threshold.';

-- sql/catalog/stock_levels.sql

/*
 * The hottest rows there are, so they are narrow and apart from the catalogue. A variant's stock
 * may be spread over slots; it starts with slot 0.
 */
create table public.stock_levels (
  variant_id uuid not null references public.variants (id) on delete restrict,
  slot smallint not null default 0,
  on_hand bigint not null default 0,
  held bigint not null default 0,
  version bigint not null default 0,
  primary key (variant_id, slot),
  constraint stock_is_never_below_zero check (on_hand between 0 and 9007199254740991),
  constraint held_is_part_of_on_hand check (held between 0 and on_hand),
  constraint slot_is_not_negative check (slot >= 0)
) with (fillfactor = 50);
alter table public.stock_levels enable row level security;
revoke all on public.stock_levels from anon, authenticated, service_role;
grant select on public.stock_levels to anon, authenticated, service_role;
create policy stock_levels_are_public on public.stock_levels for select to anon, authenticated using (true);
select ledger.protect_from_hands('public.stock_levels', 'ledger_adjust_stock');
comment on table public.stock_levels is 'Units on hand and held per variant and slot. Written by procedures only.';
comment on column public.stock_levels.version is 'Number of movements of this slot.';

/* Every variant has a stock row from its first moment, however it was inserted. */
create function ledger.open_stock()
returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_outer text := coalesce(current_setting('ledger.procedure', true), '');
begin
  perform set_config('ledger.procedure', 'open_stock', true);
  insert into public.stock_levels (variant_id) values (new.id);
  perform set_config('ledger.procedure', v_outer, true);
  return null;
end $$;
comment on function ledger.open_stock() is 'Trigger on variants: opens the stock row of a new variant.';

create trigger open_stock_of_new_variants
  after insert on public.variants
  for each row execute function ledger.open_stock();

/* Stock per variant, for clients. */
create view public.variant_stock
with (security_invoker = true)
as
  select s.variant_id, sum(s.on_hand)::bigint as stock_quantity, sum(s.held)::bigint as held_quantity,
         sum(s.on_hand - s.held)::bigint as available_quantity
  from public.stock_levels s
  group by s.variant_id;
revoke all on public.variant_stock from anon, authenticated, service_role;
grant select on public.variant_stock to anon, authenticated, service_role;
comment on view public.variant_stock is 'Units on hand, held and available per variant.';

-- sql/catalog/stock_movements.sql

/* Every change of stock with its reason; stock on hand is their sum. */
create sequence ledger.stock_movement_id_seq as bigint;

create table public.stock_movements (
  id bigint not null default nextval('ledger.stock_movement_id_seq'),
  variant_id uuid not null,
  slot smallint not null default 0,
  slot_version bigint not null,
  quantity bigint not null,
  on_hand_after bigint not null,
  reason text not null,
  order_id uuid,
  actor_id uuid,
  notes text,
  created_at timestamptz not null default clock_timestamp(),
  primary key (variant_id, id),
  foreign key (variant_id, slot) references public.stock_levels (variant_id, slot) on delete restrict,
  constraint reason_is_known check (reason in
    ('received', 'counted', 'damaged', 'order_placed', 'order_cancelled', 'order_refunded')),
  constraint movement_moves check (quantity <> 0),
  constraint notes_are_short check (length(notes) <= 2000)
);
alter table public.stock_movements enable row level security;
revoke all on public.stock_movements from anon, authenticated, service_role;
grant select on public.stock_movements to authenticated, service_role;
create policy stock_movements_are_seen_by_staff on public.stock_movements for select to authenticated
  using ((select ledger.caller_may('stock.read')));
-- the movements of an order
create index stock_movements_by_order on public.stock_movements (order_id) where order_id is not null;
select ledger.make_immutable('public.stock_movements', 'ledger_adjust_stock and the order procedures');
comment on table public.stock_movements is 'Immutable. Signed quantity of each change of stock; slot_version counts them per slot.';

/* A quantity of one variant, before it moves. */
create type ledger.stock_change as (
  variant_id uuid,
  quantity bigint
);

/*
 * Moves stock by signed quantities, one per variant, with its movements, and queues one low-stock
 * message per crossing of the threshold. The stock rows are locked by the caller.
 */
create function ledger.move_stock(
  p_changes ledger.stock_change[], p_reason text, p_actor ledger.actor, p_order_id uuid default null, p_notes text default null)
returns void
language sql
set search_path = pg_catalog, pg_temp
as $$
  with moved as (
    update public.stock_levels s set on_hand = s.on_hand + c.quantity, version = s.version + 1
    from unnest(p_changes) c
    where s.variant_id = c.variant_id and s.slot = 0
    returning s.variant_id, s.slot, s.version, c.quantity, s.on_hand),
  recorded as (
    insert into public.stock_movements
      (variant_id, slot, slot_version, quantity, on_hand_after, reason, order_id, actor_id, notes)
    select m.variant_id, m.slot, m.version, m.quantity, m.on_hand, p_reason, p_order_id, p_actor.user_id, p_notes
    from moved m)
  insert into ledger.outbox (type, payload)
  select 'stock.low', jsonb_build_object('variant_id', v.id, 'sku', v.sku, 'name', v.name,
                                         'on_hand', m.on_hand, 'threshold', t.threshold)
  from moved m
  join public.variants v on v.id = m.variant_id
  cross join lateral (
    select coalesce(v.low_stock_threshold, ledger.setting_text('low_stock_threshold')::bigint) as threshold) t
  where m.on_hand <= t.threshold and m.on_hand - m.quantity > t.threshold;
$$;
comment on function ledger.move_stock(ledger.stock_change[], text, ledger.actor, uuid, text) is
  'Applies signed quantities to stock, records the movements, queues stock.low once per crossing of the threshold (source 004).';

-- sql/catalog/ledger_adjust_stock.sql

create type public.ledger_adjust_stock_result as (
  success boolean, transaction_id uuid, error_code text, error_message text, error_details jsonb,
  variant_id uuid, stock_quantity bigint
);

/*
 * Adds units of a variant (received), takes some away (damaged), or sets right what a count found
 * (counted, either sign). p_quantity is the signed difference.
 */
create function public.ledger_adjust_stock(
  p_variant_id uuid,
  p_quantity bigint,
  p_reason text default 'received',
  p_notes text default null,
  p_idempotency_key text default null,
  p_actor_id uuid default null)
returns setof public.ledger_adjust_stock_result
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_actor ledger.actor;
  v_request jsonb;
  v_answer jsonb;
  v_variant public.variants;
  v_stock public.stock_levels;
begin
  -- who may
  v_actor := ledger.current_actor(p_actor_id);
  perform ledger.require_permission(v_actor, 'stock.adjust');

  -- asked before
  v_request := jsonb_build_array(p_variant_id, p_quantity, p_reason, p_notes, p_actor_id);
  v_answer := ledger.idempotency_begin('ledger_adjust_stock', p_idempotency_key, v_actor.caller_id, v_request);
  if v_answer is not null then
    return next jsonb_populate_record(null::public.ledger_adjust_stock_result, v_answer);
    return;
  end if;

  -- lock: variant's stock
  select v.* into v_variant from public.variants v where v.id = p_variant_id;
  select s.* into v_stock from public.stock_levels s where s.variant_id = p_variant_id and s.slot = 0 for no key update;

  -- check
  v_answer := case
    when v_variant.id is null then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_variant_id', 'problem', 'there is no such product variant'))
    when p_reason is null or p_reason not in ('received', 'counted', 'damaged') then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_reason', 'problem', 'one of received, counted, damaged'))
    when p_quantity not between -9007199254740991 and 9007199254740991 then
      ledger.refuse('amount_too_large', jsonb_build_object('maximum', 9007199254740991))
    when p_quantity is null or p_quantity = 0 or (p_reason = 'received' and p_quantity < 0) or (p_reason = 'damaged' and p_quantity > 0) then
      ledger.refuse('invalid_amount', jsonb_build_object('amount', p_quantity, 'expected',
        case p_reason when 'received' then 'above zero' when 'damaged' then 'below zero' else 'other than zero' end))
    when length(p_notes) > 2000 then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_notes', 'problem', 'at most 2000 characters'))
    -- far below what a column holds, so that what orders bring back always fits
    when v_stock.on_hand + p_quantity > 1000000000000 then
      ledger.refuse('stock_too_large', jsonb_build_object('name', v_variant.name, 'maximum', 1000000000000))
    when v_stock.on_hand - v_stock.held + p_quantity < 0 then
      ledger.refuse('stock_below_zero', jsonb_build_object('name', v_variant.name, 'quantity', -p_quantity,
        'available', v_stock.on_hand - v_stock.held))
  end;
  if v_answer is not null then
    return next jsonb_populate_record(null::public.ledger_adjust_stock_result, v_answer);
    return;
  end if;

  -- write: stock, movement
  perform set_config('ledger.procedure', 'ledger_adjust_stock', true);
  perform ledger.move_stock(array[row(p_variant_id, p_quantity)]::ledger.stock_change[], p_reason, v_actor, null, p_notes);

  -- record
  perform ledger.record_operation('stock.adjusted', 'variant', p_variant_id, null,
    jsonb_build_object('quantity', p_quantity, 'reason', p_reason, 'notes', p_notes, 'on_hand_after', v_stock.on_hand + p_quantity),
    v_actor, ledger.correlation_id());

  -- answer
  v_answer := jsonb_build_object('success', true, 'variant_id', p_variant_id, 'stock_quantity', v_stock.on_hand + p_quantity);
  perform ledger.idempotency_end('ledger_adjust_stock', p_idempotency_key, v_actor.caller_id, v_request, null, v_answer);
  perform set_config('ledger.procedure', '', true);
  return next jsonb_populate_record(null::public.ledger_adjust_stock_result, v_answer);
end $$;
revoke execute on function public.ledger_adjust_stock(uuid, bigint, text, text, text, uuid) from public, anon;
grant execute on function public.ledger_adjust_stock(uuid, bigint, text, text, text, uuid) to authenticated, service_role;
comment on function public.ledger_adjust_stock(uuid, bigint, text, text, text, uuid) is
  'Changes a variant''s stock by a signed quantity (units): received, damaged or counted. Needs stock.adjust. Errors: invalid_argument, invalid_amount, amount_too_large, stock_too_large, stock_below_zero.';

-- sql/orders/checkout_options.sql

/* How an order can be paid and sent. */
create table public.payment_methods (
  code text primary key,
  description text not null,
  is_active boolean not null,
  constraint method_is_known check (code in ('wallet', 'wallet_partial', 'bank_transfer', 'bank_transfer_grace', 'card', 'invoice')),
  constraint only_what_is_built_is_offered check (not is_active or code in ('wallet', 'wallet_partial', 'bank_transfer'))
);
alter table public.payment_methods enable row level security;
revoke all on public.payment_methods from anon, authenticated, service_role;
grant select on public.payment_methods to anon, authenticated, service_role;
create policy payment_methods_are_public on public.payment_methods for select to anon, authenticated using (true);
select ledger.audit_hand_edits_of('public.payment_methods', 'code');
comment on table public.payment_methods is 'Payment methods and whether they are offered.';

create table public.shipping_methods (
  code text not null,
  currency text not null references public.currencies (code) on delete restrict,
  name text not null,
  price_amount bigint not null,
  is_active boolean not null default true,
  primary key (code, currency),
  constraint price_is_exact_and_not_negative check (price_amount between 0 and 9007199254740991)
);
alter table public.shipping_methods enable row level security;
revoke all on public.shipping_methods from anon, authenticated, service_role;
grant select on public.shipping_methods to anon, authenticated;
grant select, insert, update on public.shipping_methods to service_role;
create policy shipping_methods_are_public on public.shipping_methods for select to anon, authenticated using (is_active);
select ledger.audit_hand_edits_of('public.shipping_methods', 'code');
comment on table public.shipping_methods is 'Shipping methods with their price per currency, in minor units. Shipping carries no tax.';

-- sql/orders/discount_codes.sql

/* Discount codes, a percentage or a fixed amount off the goods. */
create table public.discount_codes (
  id uuid primary key default ledger.uuid_v7(),
  code text not null unique,
  kind text not null,
  percent_bp integer,
  fixed_amount bigint,
  currency text references public.currencies (code) on delete restrict,
  minimum_subtotal_amount bigint not null default 0,
  valid_from timestamptz not null default clock_timestamp(),
  valid_until timestamptz,
  max_redemptions bigint,
  max_redemptions_per_customer bigint,
  is_active boolean not null default true,
  created_at timestamptz not null default clock_timestamp(),
  constraint code_is_upper_case check (code = upper(trim(code)) and length(code) between 1 and 50),
  constraint value_fits_kind check (
    (kind = 'percent' and percent_bp between 1 and 10000 and fixed_amount is null)
    or (kind = 'fixed' and fixed_amount between 1 and 9007199254740991 and currency is not null and percent_bp is null)),
  constraint kind_is_known check (kind in ('percent', 'fixed')),
  constraint minimum_has_a_currency check (minimum_subtotal_amount = 0 or (minimum_subtotal_amount > 0 and currency is not null)),
  constraint limits_are_positive check (max_redemptions > 0 and max_redemptions_per_customer > 0),
  constraint validity_ends_after_it_begins check (valid_until > valid_from)
);
alter table public.discount_codes enable row level security;
revoke all on public.discount_codes from anon, authenticated, service_role;
grant select on public.discount_codes to authenticated;
grant select, insert, update on public.discount_codes to service_role;
create policy discount_codes_are_seen_by_staff on public.discount_codes for select to authenticated
  using ((select ledger.caller_may('orders.read')));
select ledger.audit_hand_edits_of('public.discount_codes', 'code');
comment on table public.discount_codes is
  'Codes off the goods: percent_bp in basis points or fixed_amount in minor units; with a currency they apply to it alone.';

/* How often a code is in use, apart from the code so that orders lock only this. */
create table public.discount_usage (
  discount_code_id uuid primary key references public.discount_codes (id) on delete restrict,
  redemptions bigint not null default 0,
  constraint redemptions_are_not_negative check (redemptions >= 0)
) with (fillfactor = 50);
alter table public.discount_usage enable row level security;
revoke all on public.discount_usage from anon, authenticated, service_role;
grant select on public.discount_usage to authenticated, service_role;
create policy discount_usage_is_seen_by_staff on public.discount_usage for select to authenticated
  using ((select ledger.caller_may('orders.read')));
select ledger.protect_from_hands('public.discount_usage', 'ledger_place_order');
comment on table public.discount_usage is 'Live redemptions per code; a cancelled order gives its redemption back.';

create function ledger.open_discount_usage()
returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_outer text := coalesce(current_setting('ledger.procedure', true), '');
begin
  perform set_config('ledger.procedure', 'open_discount_usage', true);
  insert into public.discount_usage (discount_code_id) values (new.id);
  perform set_config('ledger.procedure', v_outer, true);
  return null;
end $$;
comment on function ledger.open_discount_usage() is 'Trigger on discount_codes: opens the counter of a new code.';

create trigger open_usage_of_new_codes
  after insert on public.discount_codes
  for each row execute function ledger.open_discount_usage();

-- sql/orders/orders.sql

/* One row per order is the only truth; what customers and the management see are views of it (source 000). */
create sequence ledger.order_number_seq as bigint;

create table public.orders (
  id uuid primary key default ledger.uuid_v7(),
  account_id uuid not null references public.accounts (id) on delete restrict,
  user_id uuid not null,
  order_number text not null unique,
  currency text not null references public.currencies (code) on delete restrict,
  status text not null,
  payment_status text not null,
  payment_method text not null references public.payment_methods (code) on delete restrict,
  prices_include_tax boolean not null,
  subtotal_amount bigint not null,
  discount_amount bigint not null,
  shipping_amount bigint not null,
  tax_amount bigint not null,
  total_amount bigint not null,
  wallet_amount bigint not null,
  paid_amount bigint not null,
  refunded_amount bigint not null default 0,
  amount_due bigint not null generated always as
    (case when status in ('cancelled', 'refunded') then 0 else total_amount - paid_amount end) stored,
  shipping_method text,
  discount_code_id uuid references public.discount_codes (id) on delete restrict,
  shipping_address jsonb,
  billing_address jsonb,
  notes text,
  metadata jsonb not null default '{}',
  placed_by uuid,
  version bigint not null default 1,
  created_at timestamptz not null default clock_timestamp(),
  updated_at timestamptz not null default clock_timestamp(),
  constraint status_is_known check (status in
    ('pending', 'confirmed', 'processing', 'shipped', 'delivered', 'rejected', 'cancelled', 'refunded')),
  constraint payment_status_is_known check (payment_status in
    ('unpaid', 'receipt_uploaded', 'in_grace', 'partially_paid', 'paid', 'overpaid', 'partially_refunded', 'refunded')),
  constraint total_follows_from_its_parts check (
    total_amount = subtotal_amount - discount_amount + shipping_amount
                   + case when prices_include_tax then 0 else tax_amount end),
  constraint amounts_are_exact_and_not_negative check (
    subtotal_amount between 0 and 9007199254740991 and discount_amount between 0 and subtotal_amount
    and shipping_amount between 0 and 9007199254740991 and tax_amount between 0 and 9007199254740991
    and total_amount between 0 and 9007199254740991),
  constraint wallet_part_is_part_of_what_was_paid check (
    wallet_amount between 0 and total_amount and paid_amount >= wallet_amount),
  constraint refunded_at_most_what_was_paid check (refunded_amount between 0 and paid_amount),
  constraint notes_are_short check (length(notes) <= 2000)
) with (fillfactor = 70);
alter table public.orders enable row level security;
revoke all on public.orders from anon, authenticated, service_role;
grant select on public.orders to authenticated, service_role;
create policy orders_are_seen_by_their_customer_and_staff on public.orders for select to authenticated
  using (user_id = (select auth.uid()) or (select ledger.caller_may('orders.read')));
-- a customer's orders, newest first: ids are time-ordered
create index orders_by_customer on public.orders (user_id, id);
select ledger.protect_from_hands('public.orders', 'ledger_place_order, ledger_change_order_status or ledger_cancel_order',
  'id, account_id, user_id, order_number, currency, status, payment_status, payment_method, prices_include_tax,
   subtotal_amount, discount_amount, shipping_amount, tax_amount, total_amount, wallet_amount, paid_amount,
   refunded_amount, shipping_method, discount_code_id, shipping_address, billing_address, placed_by, version, created_at, updated_at');
select ledger.audit_hand_edits_of_columns('public.orders', 'id', 'notes, metadata');
comment on table public.orders is 'Orders; all amounts in minor units of currency. Statuses and totals are written by procedures only.';
comment on column public.orders.tax_amount is 'Sum of the lines'' tax; contained in the prices when prices_include_tax.';
comment on column public.orders.wallet_amount is 'What the wallet paid; part of paid_amount.';
comment on column public.orders.amount_due is 'What is left to pay; nothing once cancelled or refunded.';
comment on column public.orders.placed_by is 'Who called: the customer, or staff on their behalf; null for a backend.';
comment on column public.orders.shipping_address is 'Snapshot of the address at placing.';

/* Lines with what they were sold as: name, SKU and price are snapshots (source 004). */
create table public.order_items (
  id uuid primary key default ledger.uuid_v7(),
  account_id uuid not null references public.accounts (id) on delete restrict,
  order_id uuid not null references public.orders (id) on delete restrict,
  line_number integer not null,
  variant_id uuid not null references public.variants (id) on delete restrict,
  vendor_id uuid references public.vendors (id) on delete restrict,
  product_name text not null,
  product_sku text not null,
  variant_name text not null,
  quantity bigint not null,
  unit_price_amount bigint not null,
  total_price_amount bigint not null,
  discount_amount bigint not null,
  tax_rate_bp integer not null,
  tax_amount bigint not null,
  created_at timestamptz not null default clock_timestamp(),
  unique (order_id, line_number),
  constraint quantity_is_positive check (quantity > 0),
  constraint total_is_price_times_quantity check (total_price_amount = unit_price_amount * quantity),
  constraint discount_is_part_of_the_line check (discount_amount between 0 and total_price_amount),
  constraint tax_is_not_negative check (tax_amount >= 0 and tax_rate_bp between 0 and 10000)
);
alter table public.order_items enable row level security;
revoke all on public.order_items from anon, authenticated, service_role;
grant select on public.order_items to authenticated, service_role;
create policy order_items_are_seen_by_their_customer_and_staff on public.order_items for select to authenticated
  using (account_id in (select a.id from public.accounts a where a.user_id = (select auth.uid()))
         or (select ledger.caller_may('orders.read')));
select ledger.protect_from_hands('public.order_items', 'ledger_place_order');
comment on table public.order_items is
  'Order lines in minor units. total_price_amount is before discount_amount (the line''s share of the order''s discount) and, unless prices include it, tax_amount.';

/* Redemptions of discount codes; released_at when the order was cancelled and gave it back. */
create table public.discount_redemptions (
  order_id uuid primary key references public.orders (id) on delete restrict,
  account_id uuid not null references public.accounts (id) on delete restrict,
  discount_code_id uuid not null references public.discount_codes (id) on delete restrict,
  amount bigint not null,
  created_at timestamptz not null default clock_timestamp(),
  released_at timestamptz,
  constraint amount_is_not_negative check (amount >= 0)
);
alter table public.discount_redemptions enable row level security;
revoke all on public.discount_redemptions from anon, authenticated, service_role;
grant select on public.discount_redemptions to authenticated, service_role;
create policy redemptions_are_seen_by_their_customer_and_staff on public.discount_redemptions for select to authenticated
  using (account_id in (select a.id from public.accounts a where a.user_id = (select auth.uid()))
         or (select ledger.caller_may('orders.read')));
-- uses by a customer, and the foreign keys
create index discount_redemptions_by_code_and_account on public.discount_redemptions (discount_code_id, account_id);
create index discount_redemptions_by_account on public.discount_redemptions (account_id);
select ledger.protect_from_hands('public.discount_redemptions', 'ledger_place_order or ledger_cancel_order');
comment on table public.discount_redemptions is 'Which order used which code, and what it took off in minor units.';

alter table public.transactions
  add constraint transactions_order_id_fkey foreign key (order_id) references public.orders (id) on delete restrict;

-- sql/orders/order_status_transitions.sql

/* Which status may follow which, who may do it, and whether it needs the money first. Editable by an admin. */
create table public.order_status_transitions (
  from_status text not null,
  to_status text not null,
  permission text not null references public.permissions (code) on delete restrict,
  needs_payment boolean not null,
  customer_may boolean not null default false,
  primary key (from_status, to_status),
  constraint statuses_are_known check (
    from_status in ('pending', 'confirmed', 'processing', 'shipped', 'delivered', 'rejected')
    and to_status in ('confirmed', 'processing', 'shipped', 'delivered', 'rejected', 'cancelled', 'refunded')),
  constraint status_changes check (from_status <> to_status),
  constraint customers_only_cancel check (not customer_may or to_status = 'cancelled'),
  constraint refund_follows_delivery check (to_status <> 'refunded' or from_status = 'delivered'),
  constraint delivery_is_not_undone check (from_status <> 'delivered' or to_status in ('cancelled', 'refunded'))
);
alter table public.order_status_transitions enable row level security;
revoke all on public.order_status_transitions from anon, authenticated, service_role;
grant select on public.order_status_transitions to authenticated, service_role;
create policy transitions_are_seen_by_members on public.order_status_transitions for select to authenticated using (true);
-- the foreign key to permissions
create index order_status_transitions_by_permission on public.order_status_transitions (permission);
select ledger.audit_hand_edits_of('public.order_status_transitions', 'from_status');
comment on table public.order_status_transitions is
  'Allowed status changes (union of sources 003 and 004). Cancelled and refunded are final: nothing can lead out of them.';
comment on column public.order_status_transitions.needs_payment is 'Only when the order is paid, or in its grace period.';
comment on column public.order_status_transitions.customer_may is 'Customers may do it themselves through ledger_cancel_order.';

-- sql/orders/views.sql

/* The customer's and the management's view of the same row: they cannot disagree (source 000). */
create view public.customer_orders
with (security_invoker = true)
as
  select o.id as order_id, o.order_number, o.user_id, o.status, o.payment_status, o.payment_method, o.currency,
         o.subtotal_amount, o.discount_amount, o.shipping_amount, o.tax_amount, o.total_amount,
         o.wallet_amount, o.paid_amount, o.refunded_amount, o.amount_due,
         o.shipping_method, o.shipping_address, o.billing_address, o.notes, o.created_at, o.updated_at
  from public.orders o;
revoke all on public.customer_orders from anon, authenticated, service_role;
grant select on public.customer_orders to authenticated, service_role;
comment on view public.customer_orders is 'Orders as their customer sees them; amounts in minor units.';

create view public.order_management
with (security_invoker = true)
as
  select o.id as order_id, o.order_number, o.user_id, o.account_id, o.status, o.payment_status, o.payment_method,
         case
           when o.status = 'pending' and o.payment_status = 'receipt_uploaded' then 'finance_review'
           when o.status = 'pending' and o.payment_status = 'in_grace' then 'bank_transfer_grace'
           when o.status = 'pending' and o.payment_status in ('paid', 'overpaid') then 'awaiting_confirmation'
           when o.status = 'pending' then 'finance_pending'
           when o.status = 'confirmed' then 'warehouse_ready'
           when o.status = 'processing' then 'warehouse_processing'
           when o.status = 'shipped' then 'logistics_dispatched'
           else o.status
         end as stage,
         o.currency, o.total_amount, o.paid_amount, o.refunded_amount, o.amount_due, o.placed_by, o.metadata,
         o.version, o.created_at, o.updated_at
  from public.orders o;
revoke all on public.order_management from anon, authenticated, service_role;
grant select on public.order_management to authenticated, service_role;
comment on view public.order_management is 'Orders as the management sees them; stage is derived from status and payment_status.';

create view public.order_status_history
with (security_invoker = true)
as
  select e.id as event_id, e.stream_id as order_id, e.payload ->> 'from_status' as from_status,
         e.payload ->> 'to_status' as status, e.payload ->> 'notes' as notes, e.actor_id as created_by,
         (e.payload ->> 'transaction_id')::uuid as transaction_id, e.occurred_at as created_at
  from public.immutable_events e
  where e.stream_type = 'order' and e.event_type in ('order.placed', 'order.status_changed');
revoke all on public.order_status_history from anon, authenticated, service_role;
grant select on public.order_status_history to authenticated, service_role;
comment on view public.order_status_history is 'Every status an order has had, from its events (source 004); order by event_id.';

-- sql/orders/refusals.sql

/* Why an order's items, discount code or next status are refused, each as a refusal or null. */

/* What is wrong with the shape of p_items, as a refusal; null when nothing is. */
create function ledger.refuse_item_shape(p_items jsonb)
returns jsonb
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_max_lines integer := ledger.setting_text('max_order_lines')::integer;
  v_max_quantity integer := ledger.setting_text('max_line_quantity')::integer;
  v_bad record;
begin
  if coalesce(jsonb_typeof(p_items), 'null') <> 'array' then
    return ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_items',
      'problem', 'must be a JSON array such as [{"variant_id": "...", "quantity": 1}]'));
  elsif jsonb_array_length(p_items) = 0 then
    return ledger.refuse('empty_order');
  elsif jsonb_array_length(p_items) > v_max_lines then
    return ledger.refuse('too_many_lines', jsonb_build_object('maximum', v_max_lines, 'lines', jsonb_array_length(p_items)));
  end if;

  select e.line, e.item, case
    when jsonb_typeof(e.item) <> 'object' then 'must be an object with variant_id and quantity'
    when jsonb_typeof(e.item -> 'variant_id') is distinct from 'string' then 'variant_id is missing or no text'
    when e.item ->> 'variant_id' !~* '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' then 'variant_id is no UUID'
    when jsonb_typeof(e.item -> 'quantity') is distinct from 'number' then 'quantity'
    when (e.item ->> 'quantity')::numeric not between 1 and v_max_quantity
      or (e.item ->> 'quantity')::numeric <> trunc((e.item ->> 'quantity')::numeric) then 'quantity'
  end as problem
  into v_bad
  from jsonb_array_elements(p_items) with ordinality e (item, line)
  where not coalesce(
    jsonb_typeof(e.item) = 'object'
    and jsonb_typeof(e.item -> 'variant_id') = 'string'
    and e.item ->> 'variant_id' ~* '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'
    and case when jsonb_typeof(e.item -> 'quantity') = 'number'
             then (e.item ->> 'quantity')::numeric between 1 and v_max_quantity
                  and (e.item ->> 'quantity')::numeric = trunc((e.item ->> 'quantity')::numeric) end, false)
  order by e.line
  limit 1;
  if not found then
    return null;
  end if;
  return case v_bad.problem
    when 'quantity' then ledger.refuse('invalid_quantity', jsonb_build_object('line', v_bad.line, 'maximum', v_max_quantity,
      'quantity', left(coalesce((v_bad.item -> 'quantity')::text, 'missing'), 50)))
    else ledger.refuse('invalid_items', jsonb_build_object('line', v_bad.line, 'problem', v_bad.problem)) end;
end $$;
comment on function ledger.refuse_item_shape(jsonb) is 'The refusal for a p_items of the wrong shape, or null.';

/* Whether a discount code can be used on goods of this subtotal; read without locks. */
create function ledger.refuse_discount(p_code public.discount_codes, p_asked text, p_currency text, p_subtotal bigint, p_account_id uuid)
returns jsonb
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select case
    when p_code.id is null or not p_code.is_active or clock_timestamp() < p_code.valid_from or clock_timestamp() >= p_code.valid_until then
      ledger.refuse('discount_code_invalid', jsonb_build_object('code', p_asked))
    when p_code.currency <> p_currency then
      ledger.refuse('discount_code_not_applicable', jsonb_build_object('code', p_asked, 'condition', 'an order in ' || p_code.currency))
    when p_subtotal < p_code.minimum_subtotal_amount then
      ledger.refuse('discount_code_not_applicable', jsonb_build_object('code', p_asked,
        'condition', 'goods for at least ' || ledger.format_money(p_code.minimum_subtotal_amount, p_code.currency)))
    when p_code.max_redemptions <= (select u.redemptions from public.discount_usage u where u.discount_code_id = p_code.id) then
      ledger.refuse('discount_code_exhausted', jsonb_build_object('code', p_asked))
    when p_code.max_redemptions_per_customer <= (
      select count(*) from public.discount_redemptions r
      where r.discount_code_id = p_code.id and r.account_id = p_account_id and r.released_at is null) then
      ledger.refuse('discount_code_already_used', jsonb_build_object('code', p_asked, 'maximum', p_code.max_redemptions_per_customer))
  end;
$$;
comment on function ledger.refuse_discount(public.discount_codes, text, text, bigint, uuid) is
  'The refusal for a discount code that cannot be used here, or null.';

/* Why an order cannot go from its present status to another, or null; the order is locked. */
create function ledger.refuse_transition(p_order public.orders, p_to text)
returns jsonb
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select case
    when t.to_status is null then ledger.refuse('invalid_transition', jsonb_build_object(
      'order_number', p_order.order_number, 'from', p_order.status, 'to', p_to,
      'possible', coalesce((select string_agg(a.to_status, ', ' order by a.to_status)
                            from public.order_status_transitions a where a.from_status = p_order.status), 'none, it is final')))
    when t.needs_payment and p_order.payment_status not in ('paid', 'overpaid', 'in_grace') then
      ledger.refuse('payment_required', jsonb_build_object('order_number', p_order.order_number, 'to', p_to,
        'due', p_order.amount_due, 'currency', p_order.currency))
  end
  from (select 1) one
  left join public.order_status_transitions t on t.from_status = p_order.status and t.to_status = p_to;
$$;
comment on function ledger.refuse_transition(public.orders, text) is 'The refusal for a status change of this order, or null.';

-- sql/orders/price_order.sql

/* A line of an order with its price, before anything is written. Amounts in minor units. */
create type ledger.priced_line as (
  line_number integer,
  variant_id uuid,
  vendor_id uuid,
  product_name text,
  product_sku text,
  variant_name text,
  quantity bigint,
  unit_price_amount bigint,
  total_price_amount bigint,
  discount_amount bigint,
  tax_rate_bp integer,
  tax_amount bigint
);

create type ledger.order_pricing as (
  refusal jsonb,
  currency text,
  prices_include_tax boolean,
  subtotal_amount bigint,
  discount_amount bigint,
  shipping_amount bigint,
  tax_amount bigint,
  total_amount bigint,
  discount_code_id uuid,
  lines ledger.priced_line[]
);

/*
 * Totals of an order from the catalogue's present prices. The discount is shared out over the lines
 * in proportion (cumulative rounding, so the shares add up to it exactly); tax is rounded half up
 * per line, on the line after its share; a tax that prices contain is taken out of them the same
 * way. Source 004 (totals arithmetic).
 */
create function ledger.price_order(p_user_id uuid, p_items jsonb, p_shipping_method text, p_discount_code text)
returns ledger.order_pricing
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_pricing ledger.order_pricing;
  v_default_tax_bp integer := ledger.setting_text('tax_rate_bp')::integer;
  v_bad record;
  v_code public.discount_codes;
  v_subtotal numeric;
  v_currencies text[];
  v_asked_code text := upper(trim(p_discount_code));
begin
  v_pricing.refusal := ledger.refuse_item_shape(p_items);
  if v_pricing.refusal is not null then
    return v_pricing;
  end if;
  v_pricing.prices_include_tax := ledger.setting_text('prices_include_tax')::boolean;

  -- catalogue
  select array_agg(row(e.line, (e.item ->> 'variant_id')::uuid, p.vendor_id, p.name, v.sku, v.name, (e.item ->> 'quantity')::numeric::bigint,
                       v.price_amount, null, null, coalesce(p.tax_rate_bp, v_default_tax_bp), null)::ledger.priced_line order by e.line),
         array_agg(distinct v.currency), sum(v.price_amount * (e.item ->> 'quantity')::numeric)
  into v_pricing.lines, v_currencies, v_subtotal
  from jsonb_array_elements(p_items) with ordinality e (item, line)
  left join public.variants v on v.id = (e.item ->> 'variant_id')::uuid
  left join public.products p on p.id = v.product_id;

  select l.line_number, l.variant_id, l.variant_name, l.product_name into v_bad
  from unnest(v_pricing.lines) l
  left join public.variants v on v.id = l.variant_id and v.is_active
  left join public.products p on p.id = v.product_id and p.is_active
  where p.id is null
  order by l.line_number
  limit 1;
  if found then
    v_pricing.refusal := case
      when v_bad.variant_name is null then
        ledger.refuse('variant_not_found', jsonb_build_object('line', v_bad.line_number, 'variant_id', v_bad.variant_id))
      else ledger.refuse('variant_unavailable', jsonb_build_object('line', v_bad.line_number, 'variant_id', v_bad.variant_id,
             'name', ledger.item_name(v_bad.product_name, v_bad.variant_name))) end;
    return v_pricing;
  elsif cardinality(v_currencies) > 1 then
    v_pricing.refusal := ledger.refuse('currency_mismatch', jsonb_build_object('currencies', array_to_string(v_currencies, ', ')));
    return v_pricing;
  elsif v_subtotal > 9007199254740991 then
    v_pricing.refusal := ledger.refuse('amount_too_large', jsonb_build_object('maximum', 9007199254740991));
    return v_pricing;
  end if;
  v_pricing.currency := v_currencies[1];
  v_pricing.subtotal_amount := v_subtotal;

  -- discount
  v_pricing.discount_amount := 0;
  if v_asked_code is not null then
    select c.* into v_code from public.discount_codes c where c.code = v_asked_code;
    v_pricing.refusal := ledger.refuse_discount(v_code, v_asked_code, v_pricing.currency, v_pricing.subtotal_amount,
                                                ledger.account_id(p_user_id, v_pricing.currency));
    if v_pricing.refusal is not null then
      return v_pricing;
    end if;
    v_pricing.discount_code_id := v_code.id;
    v_pricing.discount_amount := case v_code.kind
      when 'percent' then ledger.divide_half_up(v_subtotal * v_code.percent_bp, 10000)
      else least(v_code.fixed_amount, v_pricing.subtotal_amount) end;
  end if;

  -- shipping
  v_pricing.shipping_amount := 0;
  if p_shipping_method is not null then
    select s.price_amount into v_pricing.shipping_amount
    from public.shipping_methods s
    where s.code = p_shipping_method and s.currency = v_pricing.currency and s.is_active;
    if not found then
      v_pricing.refusal := ledger.refuse('shipping_method_unavailable', jsonb_build_object(
        'shipping_method', p_shipping_method, 'currency', v_pricing.currency,
        'available', coalesce((select string_agg(s.code, ', ' order by s.code) from public.shipping_methods s
                               where s.currency = v_pricing.currency and s.is_active), 'none')));
      return v_pricing;
    end if;
  end if;

  -- the lines' shares and taxes
  select array_agg(row(t.line_number, t.variant_id, t.vendor_id, t.product_name, t.product_sku, t.variant_name, t.quantity,
                       t.unit_price_amount, t.gross, t.share, t.tax_rate_bp, t.tax)::ledger.priced_line order by t.line_number),
         sum(t.tax)
  into v_pricing.lines, v_pricing.tax_amount
  from (
    select s.*, case when v_pricing.prices_include_tax
                     then ledger.divide_half_up((s.gross - s.share)::numeric * s.tax_rate_bp, 10000 + s.tax_rate_bp)
                     else ledger.divide_half_up((s.gross - s.share)::numeric * s.tax_rate_bp, 10000) end::bigint as tax
    from (
      select g.*, case when v_subtotal = 0 then 0
                       else div(v_pricing.discount_amount * g.so_far, v_subtotal)
                            - div(v_pricing.discount_amount * (g.so_far - g.gross), v_subtotal) end::bigint as share
      from (
        select l.*, l.unit_price_amount * l.quantity as gross,
               sum((l.unit_price_amount * l.quantity)::numeric) over (order by l.line_number) as so_far
        from unnest(v_pricing.lines) l) g) s) t;

  if v_subtotal - v_pricing.discount_amount + v_pricing.shipping_amount
     + (case when v_pricing.prices_include_tax then 0 else v_pricing.tax_amount end) > 9007199254740991 then
    v_pricing.refusal := ledger.refuse('amount_too_large', jsonb_build_object('maximum', 9007199254740991));
    return v_pricing;
  end if;
  v_pricing.total_amount := v_pricing.subtotal_amount - v_pricing.discount_amount + v_pricing.shipping_amount
                            + case when v_pricing.prices_include_tax then 0 else v_pricing.tax_amount end;
  return v_pricing;
end $$;
comment on function ledger.price_order(uuid, jsonb, text, text) is
  'Totals and priced lines of an order, or the refusal. Minor units, rounded per line, half up.';

create function ledger.item_name(p_product_name text, p_variant_name text)
returns text
language sql immutable
set search_path = pg_catalog, pg_temp
as $$
  select case when p_variant_name in ('', 'Default', p_product_name) then p_product_name
              else p_product_name || ', ' || p_variant_name end;
$$;
comment on function ledger.item_name(text, text) is 'A variant as people call it: "Blue mug, large".';

-- sql/orders/apply_order_status.sql

/* What a status change did, or why it could not. */
create type ledger.order_change as (
  refusal jsonb,
  transaction_id uuid,
  order_status text,
  payment_status text,
  returned_amount bigint,
  available_balance bigint
);

/*
 * Carries out a status change that the caller has locked the order for and checked: money, stock,
 * discount, commission, records. Accounts are locked before stock, as everywhere.
 */
create function ledger.apply_order_status(
  p_order public.orders, p_to text, p_actor ledger.actor, p_actor_action text, p_metadata jsonb)
returns ledger.order_change
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_ends boolean := p_to in ('cancelled', 'refunded');
  v_was_delivered boolean := p_order.status = 'delivered';
  v_restock boolean := v_ends and coalesce((p_metadata ->> 'restock')::boolean, not v_was_delivered);
  v_returned bigint := case when v_ends then p_order.wallet_amount - p_order.refunded_amount else 0 end;
  v_referral public.referrals;
  v_goods ledger.stock_change[];
  v_order public.orders;
  v_transaction public.transactions;
  v_correlation_id uuid := ledger.correlation_id();
  v_change ledger.order_change;
begin
  -- lock: accounts (the referrer's too where a commission moves), stock; the discount code's counter
  -- comes last in the order of locks and is locked by its update
  if p_to = 'delivered' or v_was_delivered then
    select r.* into v_referral from public.referrals r where r.referee_user_id = p_order.user_id;
  end if;
  perform ledger.lock_accounts(array_remove(array[p_order.user_id, v_referral.referrer_user_id], null), p_order.currency);
  if v_restock then
    select array_agg(row(g.variant_id, g.quantity)::ledger.stock_change) into v_goods
    from (select i.variant_id, sum(i.quantity)::bigint as quantity
          from public.order_items i
          where i.account_id = p_order.account_id and i.order_id = p_order.id
          group by i.variant_id) g;
    perform from public.stock_levels s
    where s.variant_id in (select g.variant_id from unnest(v_goods) g) and s.slot = 0
    order by s.variant_id
    for no key update;
  end if;

  -- check: the commission fits the referrer's account
  if p_to = 'delivered' and exists (
    select from public.accounts a
    where a.id = ledger.account_id(v_referral.referrer_user_id, p_order.currency)
      and a.total_earned + ledger.commission_amount(ledger.commission_base(p_order), v_referral.rate_bp) > 9007199254740991) then
    v_change.refusal := ledger.refuse('amount_too_large', jsonb_build_object('maximum', 9007199254740991));
    return v_change;
  end if;

  -- write: order
  update public.orders o set
    status = p_to,
    payment_status = case when v_ends and o.paid_amount > 0 then 'refunded' else o.payment_status end,
    refunded_amount = o.refunded_amount + v_returned,
    version = o.version + 1,
    updated_at = clock_timestamp()
  where o.account_id = p_order.account_id and o.id = p_order.id
  returning o.* into v_order;

  -- write: stock, discount
  if v_restock then
    perform ledger.move_stock(v_goods, case p_to when 'refunded' then 'order_refunded' else 'order_cancelled' end, p_actor, p_order.id);
  end if;
  if v_ends and not v_was_delivered and p_order.discount_code_id is not null then
    update public.discount_usage u set redemptions = u.redemptions - 1 where u.discount_code_id = p_order.discount_code_id;
    update public.discount_redemptions r set released_at = clock_timestamp() where r.order_id = p_order.id;
  end if;

  -- write: transaction, postings
  v_transaction := ledger.write_transaction(
    p_order.account_id,
    case p_to when 'cancelled' then 'order_cancelled' when 'refunded' then 'order_refunded' else 'order_status_changed' end,
    p_actor, coalesce(p_actor_action, format('order %s to %s', p_order.status, p_to)), v_correlation_id,
    p_orders => -v_returned, p_order_id => p_order.id, p_metadata => p_metadata);
  perform ledger.write_postings(v_transaction, p_order.currency,
    case when p_to = 'delivered' then ledger.delivery_legs(p_order)
         when v_ends and v_was_delivered then ledger.reversed(ledger.delivery_legs(p_order)) end
    || case when v_ends then array[row('order_escrow', 'wallet', v_returned)]::ledger.posting_leg[] end);

  -- record
  perform ledger.record_operation('order.status_changed', 'order', p_order.id, p_order.account_id,
    ledger.balance_effect(v_transaction, p_orders => -v_returned) || jsonb_build_object(
      'order_number', p_order.order_number, 'user_id', p_order.user_id, 'currency', p_order.currency,
      'from_status', p_order.status, 'to_status', p_to, 'payment_status', v_order.payment_status,
      'returned_amount', v_returned, 'restocked', v_restock,
      'notes', coalesce(p_metadata ->> 'notes', p_actor_action), 'metadata', p_metadata),
    p_actor, v_correlation_id);

  -- the referrer's side
  if p_to = 'delivered' then
    perform ledger.award_commission(p_order.id, v_referral, ledger.commission_base(p_order), p_order.currency,
                                    p_actor, v_correlation_id);
  elsif v_was_delivered then
    perform ledger.claw_back_commission(p_order.id, ledger.commission_base(p_order), p_actor, v_correlation_id);
  end if;

  return row(null, v_transaction.id, v_order.status, v_order.payment_status, v_returned, v_transaction.balance_after)::ledger.order_change;
end $$;
comment on function ledger.apply_order_status(public.orders, text, ledger.actor, text, jsonb) is
  'Moves a locked and checked order to a status, with its money, stock, discount, commission and records. metadata.restock (boolean) says whether goods of an ended order come back; by default unless they were delivered.';

-- sql/orders/delivery.sql

/* What a delivery means for the books, and what taking it back means. */

/*
 * The postings of a delivery: what was held in escrow becomes revenue, tax and shipping income; what
 * is not paid yet becomes a receivable; the discount shows as such beside the full revenue.
 */
create function ledger.delivery_legs(p_order public.orders)
returns ledger.posting_leg[]
language sql immutable
set search_path = pg_catalog, pg_temp
as $$
  select array[
    row('receivable', 'order_escrow', p_order.total_amount - p_order.paid_amount),
    row('order_escrow', 'revenue', p_order.total_amount - p_order.tax_amount - p_order.shipping_amount),
    row('order_escrow', 'tax_payable', p_order.tax_amount),
    row('order_escrow', 'shipping_income', p_order.shipping_amount),
    row('discounts', 'revenue', p_order.discount_amount)
  ]::ledger.posting_leg[];
$$;
comment on function ledger.delivery_legs(public.orders) is 'Postings that recognise a delivered order.';

create function ledger.reversed(p_legs ledger.posting_leg[])
returns ledger.posting_leg[]
language sql immutable
set search_path = pg_catalog, pg_temp
as $$
  select array_agg(row(l.credit_account, l.debit_account, l.amount)::ledger.posting_leg order by l.ordinality desc)
  from unnest(p_legs) with ordinality l;
$$;
comment on function ledger.reversed(ledger.posting_leg[]) is 'The same postings with sides exchanged, last first.';

/* Goods after discount, without tax and shipping: what commissions are reckoned from. */
create function ledger.commission_base(p_order public.orders)
returns bigint
language sql immutable
set search_path = pg_catalog, pg_temp
as $$
  select p_order.subtotal_amount - p_order.discount_amount
         - case when p_order.prices_include_tax then p_order.tax_amount else 0 end;
$$;
comment on function ledger.commission_base(public.orders) is 'Base of referral commissions on an order, minor units.';

-- sql/orders/ledger_cancel_order.sql

create type public.ledger_cancel_order_result as (
  success boolean, transaction_id uuid, error_code text, error_message text, error_details jsonb,
  order_id uuid, order_status text, payment_status text, returned_amount bigint, available_balance bigint
);

/*
 * The customer cancels their own order, while its status (order_status_transitions.customer_may)
 * and the cancellation window allow it. The wallet's part and the goods come back.
 */
create function public.ledger_cancel_order(
  p_order_id uuid,
  p_reason text default null,
  p_idempotency_key text default null,
  p_user_id uuid default null)
returns setof public.ledger_cancel_order_result
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_actor ledger.actor;
  v_user_id uuid;
  v_request jsonb;
  v_answer jsonb;
  v_order public.orders;
  v_window integer := ledger.setting_text('cancellation_window_minutes')::integer;
  v_change ledger.order_change;
begin
  -- who may
  v_actor := ledger.current_actor();
  v_user_id := ledger.customer_of_call(v_actor, p_user_id, 'orders.cancel');

  -- asked before
  v_request := jsonb_build_array(v_user_id, p_order_id, p_reason);
  v_answer := ledger.idempotency_begin('ledger_cancel_order', p_idempotency_key, v_actor.caller_id, v_request);
  if v_answer is null and not v_actor.is_system then
    v_answer := ledger.rate_limit_take(v_actor.user_id, 'ledger_cancel_order');
  end if;
  if v_answer is not null then
    return next jsonb_populate_record(null::public.ledger_cancel_order_result, v_answer);
    return;
  end if;

  -- lock: order
  select o.* into v_order
  from public.orders o
  where o.id = p_order_id and o.user_id = v_user_id
  for no key update;

  -- check
  v_answer := case
    when v_user_id is null then ledger.refuse('customer_required')
    when v_order.id is null then ledger.refuse('order_not_found', jsonb_build_object('order_id', p_order_id))
    when length(p_reason) > 2000 then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_reason', 'problem', 'at most 2000 characters'))
    else coalesce(
      ledger.refuse_transition(v_order, 'cancelled'),
      case
        when not (select t.customer_may from public.order_status_transitions t
                  where t.from_status = v_order.status and t.to_status = 'cancelled') then
          ledger.refuse('cancellation_not_allowed', jsonb_build_object('order_number', v_order.order_number,
            'reason', format('it is already %s', v_order.status)))
        when clock_timestamp() > v_order.created_at + make_interval(mins => v_window) then
          ledger.refuse('cancellation_not_allowed', jsonb_build_object('order_number', v_order.order_number,
            'reason', format('it was placed more than %s minutes ago', v_window)))
      end)
  end;
  if v_answer is not null then
    return next jsonb_populate_record(null::public.ledger_cancel_order_result, v_answer);
    return;
  end if;

  -- write and record
  perform set_config('ledger.procedure', 'ledger_cancel_order', true);
  v_change := ledger.apply_order_status(v_order, 'cancelled', v_actor, coalesce(p_reason, 'cancelled by the customer'), '{}');
  if v_change.refusal is not null then
    perform set_config('ledger.procedure', '', true);
    return next jsonb_populate_record(null::public.ledger_cancel_order_result, v_change.refusal);
    return;
  end if;

  -- answer
  v_answer := jsonb_build_object('success', true, 'transaction_id', v_change.transaction_id, 'order_id', v_order.id,
    'order_status', v_change.order_status, 'payment_status', v_change.payment_status,
    'returned_amount', v_change.returned_amount, 'available_balance', v_change.available_balance);
  perform ledger.idempotency_end('ledger_cancel_order', p_idempotency_key, v_actor.caller_id, v_request, v_order.account_id, v_answer);
  perform set_config('ledger.procedure', '', true);
  return next jsonb_populate_record(null::public.ledger_cancel_order_result, v_answer);
end $$;
revoke execute on function public.ledger_cancel_order(uuid, text, text, uuid) from public, anon;
grant execute on function public.ledger_cancel_order(uuid, text, text, uuid) to authenticated, service_role;
comment on function public.ledger_cancel_order(uuid, text, text, uuid) is
  'Cancels an order of the caller (staff with orders.cancel: of p_user_id). Errors: order_not_found, invalid_transition, cancellation_not_allowed. Source 004.';

-- sql/orders/ledger_change_order_status.sql

create type public.ledger_change_order_status_result as (
  success boolean, transaction_id uuid, error_code text, error_message text, error_details jsonb,
  order_id uuid, order_status text, payment_status text, returned_amount bigint, available_balance bigint
);

/*
 * Moves an order to another status. p_user_id is the customer, p_reference_id the order,
 * p_old_status its present status (of two that try, one wins), p_amount its total in minor units.
 * Cancelling or refunding returns the wallet's part and, unless delivered, the goods
 * (p_metadata.restock decides otherwise). Every change leaves a transaction, also one that moves
 * no money. Source 003.
 */
create function public.ledger_change_order_status(
  p_user_id uuid,
  p_reference_id uuid,
  p_old_status text,
  p_new_status text,
  p_amount bigint,
  p_metadata jsonb default '{}',
  p_actor_id uuid default null,
  p_actor_action text default null,
  p_idempotency_key text default null)
returns setof public.ledger_change_order_status_result
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_actor ledger.actor;
  v_request jsonb;
  v_answer jsonb;
  v_old text := lower(trim(p_old_status));
  v_new text := lower(trim(p_new_status));
  v_statuses text[] := array['pending', 'confirmed', 'processing', 'shipped', 'delivered', 'rejected', 'cancelled', 'refunded'];
  v_order public.orders;
  v_permission text;
  v_change ledger.order_change;
begin
  -- who may: staff who may read orders; which change, their permissions say below
  v_actor := ledger.current_actor(p_actor_id);
  perform ledger.require_permission(v_actor, 'orders.read');

  -- asked before
  v_request := jsonb_build_array(p_user_id, p_reference_id, v_old, v_new, p_amount, p_metadata, p_actor_id, p_actor_action);
  v_answer := ledger.idempotency_begin('ledger_change_order_status', p_idempotency_key, v_actor.caller_id, v_request);
  if v_answer is not null then
    return next jsonb_populate_record(null::public.ledger_change_order_status_result, v_answer);
    return;
  end if;

  -- lock: order
  select o.* into v_order
  from public.orders o
  where o.id = p_reference_id and o.user_id = p_user_id
  for no key update;

  -- check
  v_answer := case
    when v_order.id is null then ledger.refuse('order_not_found', jsonb_build_object('order_id', p_reference_id))
    when v_new is null or v_new <> all (v_statuses) or v_old is null or v_old <> all (v_statuses) then
      ledger.refuse('unknown_status', jsonb_build_object('known', array_to_string(v_statuses, ', '),
        'status', case when v_new = any (v_statuses) then coalesce(p_old_status, 'null') else coalesce(p_new_status, 'null') end))
    when coalesce(jsonb_typeof(p_metadata), 'object') <> 'object' or octet_length(p_metadata::text) > 16384
      or coalesce(jsonb_typeof(p_metadata -> 'restock'), 'boolean') <> 'boolean' then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_metadata',
        'problem', 'a JSON object of at most 16 KB; "restock" in it is true or false'))
    when length(p_actor_action) > 2000 then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_actor_action', 'problem', 'at most 2000 characters'))
    when v_old <> v_order.status then ledger.refuse('status_conflict', jsonb_build_object(
      'order_number', v_order.order_number, 'status', v_order.status, 'expected', v_old))
    when p_amount is distinct from v_order.total_amount then ledger.refuse('amount_mismatch', jsonb_build_object(
      'order_number', v_order.order_number, 'total', v_order.total_amount, 'amount', coalesce(p_amount, 0), 'currency', v_order.currency))
    else ledger.refuse_transition(v_order, v_new)
  end;
  select t.permission into v_permission
  from public.order_status_transitions t
  where t.from_status = v_order.status and t.to_status = v_new;
  if found then
    perform ledger.require_permission(v_actor, v_permission);
  end if;
  if v_answer is not null then
    return next jsonb_populate_record(null::public.ledger_change_order_status_result, v_answer);
    return;
  end if;

  -- write and record
  perform set_config('ledger.procedure', 'ledger_change_order_status', true);
  v_change := ledger.apply_order_status(v_order, v_new, v_actor, p_actor_action, p_metadata);
  if v_change.refusal is not null then
    perform set_config('ledger.procedure', '', true);
    return next jsonb_populate_record(null::public.ledger_change_order_status_result, v_change.refusal);
    return;
  end if;

  -- answer
  v_answer := jsonb_build_object('success', true, 'transaction_id', v_change.transaction_id, 'order_id', v_order.id,
    'order_status', v_change.order_status, 'payment_status', v_change.payment_status,
    'returned_amount', v_change.returned_amount,
    'available_balance', case when ledger.has_permission(v_actor, 'accounts.read') then v_change.available_balance end);
  perform ledger.idempotency_end('ledger_change_order_status', p_idempotency_key, v_actor.caller_id, v_request, v_order.account_id, v_answer);
  perform set_config('ledger.procedure', '', true);
  return next jsonb_populate_record(null::public.ledger_change_order_status_result, v_answer);
end $$;
revoke execute on function public.ledger_change_order_status(uuid, uuid, text, text, bigint, jsonb, uuid, text, text) from public, anon;
grant execute on function public.ledger_change_order_status(uuid, uuid, text, text, bigint, jsonb, uuid, text, text) to authenticated, service_role;
comment on function public.ledger_change_order_status(uuid, uuid, text, text, bigint, jsonb, uuid, text, text) is
  'Moves order p_reference_id of customer p_user_id from p_old_status to p_new_status (any case); p_amount is its total in minor units. Needs orders.read and the permission of the row in order_status_transitions; available_balance is answered to who has accounts.read. The customer can read p_actor_action and p_metadata. Errors: order_not_found, unknown_status, status_conflict, amount_mismatch, invalid_transition, payment_required, amount_too_large (the referrer''s account cannot hold the commission). Source 003.';

-- sql/orders/ledger_place_order.sql

create type public.ledger_place_order_result as (
  success boolean, transaction_id uuid, error_code text, error_message text, error_details jsonb,
  order_id uuid, order_number text, status text, payment_status text, currency text, total_amount bigint,
  wallet_amount bigint, amount_due bigint, available_balance bigint
);

/*
 * Places an order: prices it, takes stock, takes the wallet's part, and records it, all in one
 * transaction. p_items is [{"variant_id": uuid, "quantity": whole number}]; prices come from the
 * catalogue; amounts are minor units. Sources 000 (creation with payment), 003, 004.
 */
create function public.ledger_place_order(
  p_items jsonb,
  p_payment_method text default 'wallet',
  p_wallet_amount bigint default null,
  p_shipping_address_id uuid default null,
  p_billing_address_id uuid default null,
  p_shipping_method text default null,
  p_discount_code text default null,
  p_expected_total bigint default null,
  p_notes text default null,
  p_metadata jsonb default '{}',
  p_idempotency_key text default null,
  p_user_id uuid default null)
returns setof public.ledger_place_order_result
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_actor ledger.actor;
  v_user_id uuid;
  v_request jsonb;
  v_answer jsonb;
  v_pricing ledger.order_pricing;
  v_account public.accounts;
  v_account_id uuid;
  v_shipping_address jsonb;
  v_billing_address jsonb;
  v_wallet_amount bigint;
  v_order public.orders;
  v_transaction public.transactions;
  v_correlation_id uuid;
begin
  -- who may
  v_actor := ledger.current_actor();
  v_user_id := ledger.customer_of_call(v_actor, p_user_id, 'orders.place');

  -- asked before
  v_request := jsonb_build_array(v_user_id, p_items, p_payment_method, p_wallet_amount, p_shipping_address_id, p_billing_address_id,
                                 p_shipping_method, p_discount_code, p_expected_total, p_notes, p_metadata);
  v_answer := ledger.idempotency_begin('ledger_place_order', p_idempotency_key, v_actor.caller_id, v_request);
  if v_answer is null and not v_actor.is_system then
    v_answer := ledger.rate_limit_take(v_actor.user_id, 'ledger_place_order');
  end if;

  -- check what needs no lock: customer, arguments, prices
  if v_answer is null then
    v_pricing := ledger.price_order(v_user_id, p_items, p_shipping_method, p_discount_code);
    v_shipping_address := ledger.address_snapshot(p_shipping_address_id, v_user_id);
    v_billing_address := ledger.address_snapshot(p_billing_address_id, v_user_id);
    v_answer := case
      when v_user_id is null then ledger.refuse('customer_required')
      when not exists (select from public.profiles p where p.id = v_user_id) then
        ledger.refuse('customer_not_found', jsonb_build_object('user_id', v_user_id))
      when length(p_notes) > 2000 then
        ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_notes', 'problem', 'at most 2000 characters'))
      when coalesce(jsonb_typeof(p_metadata), 'object') <> 'object' or octet_length(p_metadata::text) > 16384 then
        ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_metadata', 'problem', 'a JSON object of at most 16 KB'))
      when p_shipping_address_id is not null and v_shipping_address is null then
        ledger.refuse('address_not_found', jsonb_build_object('address_id', p_shipping_address_id))
      when p_billing_address_id is not null and v_billing_address is null then
        ledger.refuse('address_not_found', jsonb_build_object('address_id', p_billing_address_id))
      when v_pricing.refusal is not null then v_pricing.refusal
      when p_expected_total <> v_pricing.total_amount then
        ledger.refuse('price_changed', jsonb_build_object('total', v_pricing.total_amount, 'expected', p_expected_total,
                                                          'currency', v_pricing.currency))
    end;
  end if;

  -- lock: account, stock by variant, discount code; each check under its lock
  if v_answer is null then
    v_account_id := ledger.account_id(v_user_id, v_pricing.currency);
    perform ledger.lock_accounts(array[v_user_id], v_pricing.currency, p_open => false);
    select a.* into v_account from public.accounts a where a.id = v_account_id;
    v_answer := case when v_account.frozen_reason is not null then
      ledger.refuse('account_frozen', jsonb_build_object('reason', v_account.frozen_reason)) end;
  end if;
  if v_answer is null then
    v_answer := ledger.wallet_part(p_payment_method, p_wallet_amount, v_pricing.total_amount,
                                   coalesce(v_account.available_balance, 0), v_pricing.currency);
    v_wallet_amount := (v_answer ->> 'wallet_amount')::bigint;
    -- where both are short, the stock is what the customer reads about (source 003: stock, then balance)
    v_answer := coalesce(ledger.lock_stock_for(v_pricing.lines), case when v_answer ? 'error_code' then v_answer end);
  end if;
  if v_answer is null and v_pricing.discount_code_id is not null then
    perform from public.discount_usage u where u.discount_code_id = v_pricing.discount_code_id for no key update;
    v_answer := (select ledger.refuse_discount(c, c.code, v_pricing.currency, v_pricing.subtotal_amount, v_account_id)
                 from public.discount_codes c where c.id = v_pricing.discount_code_id);
  end if;
  if v_answer is not null then
    return next jsonb_populate_record(null::public.ledger_place_order_result, v_answer);
    return;
  end if;

  -- write: account (a first order may open it), order, items, stock, discount, transaction, posting
  perform set_config('ledger.procedure', 'ledger_place_order', true);
  v_correlation_id := ledger.correlation_id();
  if v_account.id is null then
    insert into public.accounts (id, user_id, currency) values (v_account_id, v_user_id, v_pricing.currency);
  end if;

  insert into public.orders as o
    (account_id, user_id, order_number, currency, status, payment_status, payment_method, prices_include_tax,
     subtotal_amount, discount_amount, shipping_amount, tax_amount, total_amount, wallet_amount, paid_amount,
     shipping_method, discount_code_id, shipping_address, billing_address, notes, metadata, placed_by)
  values
    (v_account_id, v_user_id, ledger.next_order_number(), v_pricing.currency,
     ledger.first_status(v_wallet_amount = v_pricing.total_amount),
     case when v_wallet_amount = v_pricing.total_amount then 'paid'
          when v_wallet_amount > 0 then 'partially_paid' else 'unpaid' end,
     p_payment_method, v_pricing.prices_include_tax,
     v_pricing.subtotal_amount, v_pricing.discount_amount, v_pricing.shipping_amount, v_pricing.tax_amount,
     v_pricing.total_amount, v_wallet_amount, v_wallet_amount, p_shipping_method, v_pricing.discount_code_id,
     v_shipping_address, v_billing_address,
     p_notes, coalesce(p_metadata, '{}'), v_actor.user_id)
  returning o.* into v_order;

  insert into public.order_items
    (account_id, order_id, line_number, variant_id, vendor_id, product_name, product_sku, variant_name, quantity,
     unit_price_amount, total_price_amount, discount_amount, tax_rate_bp, tax_amount)
  select v_account_id, v_order.id, l.line_number, l.variant_id, l.vendor_id, l.product_name, l.product_sku, l.variant_name,
         l.quantity, l.unit_price_amount, l.total_price_amount, l.discount_amount, l.tax_rate_bp, l.tax_amount
  from unnest(v_pricing.lines) l;

  perform ledger.move_stock(
    (select array_agg(row(w.variant_id, -w.quantity)::ledger.stock_change)
     from (select l.variant_id, sum(l.quantity)::bigint as quantity from unnest(v_pricing.lines) l group by l.variant_id) w),
    'order_placed', v_actor, v_order.id);

  if v_pricing.discount_code_id is not null then
    update public.discount_usage u set redemptions = u.redemptions + 1 where u.discount_code_id = v_pricing.discount_code_id;
    insert into public.discount_redemptions (order_id, account_id, discount_code_id, amount)
    values (v_order.id, v_account_id, v_pricing.discount_code_id, v_pricing.discount_amount);
  end if;

  v_transaction := ledger.write_transaction(
    v_account_id, 'order_created', v_actor, 'order placed', v_correlation_id,
    p_orders => v_wallet_amount, p_order_id => v_order.id, p_metadata => jsonb_build_object('order_number', v_order.order_number));
  perform ledger.write_postings(v_transaction, v_order.currency,
    array[row('wallet', 'order_escrow', v_wallet_amount)]::ledger.posting_leg[]);

  -- record
  perform ledger.record_operation('order.placed', 'order', v_order.id, v_account_id,
    ledger.balance_effect(v_transaction, p_orders => v_wallet_amount) || jsonb_build_object(
      'order_number', v_order.order_number, 'user_id', v_user_id, 'currency', v_order.currency, 'from_status', null,
      'to_status', v_order.status, 'payment_status', v_order.payment_status, 'payment_method', p_payment_method,
      'total_amount', v_order.total_amount, 'wallet_amount', v_wallet_amount, 'notes', p_notes,
      'items', (select jsonb_agg(jsonb_build_object('variant_id', l.variant_id, 'quantity', l.quantity,
                                                    'unit_price_amount', l.unit_price_amount) order by l.line_number)
                from unnest(v_pricing.lines) l)),
    v_actor, v_correlation_id);

  -- answer
  v_answer := jsonb_build_object(
    'success', true, 'transaction_id', v_transaction.id, 'order_id', v_order.id, 'order_number', v_order.order_number,
    'status', v_order.status, 'payment_status', v_order.payment_status, 'currency', v_order.currency,
    'total_amount', v_order.total_amount, 'wallet_amount', v_wallet_amount, 'amount_due', v_order.amount_due,
    'available_balance', v_transaction.balance_after);
  perform ledger.idempotency_end('ledger_place_order', p_idempotency_key, v_actor.caller_id, v_request, v_account_id, v_answer);
  perform set_config('ledger.procedure', '', true);
  return next jsonb_populate_record(null::public.ledger_place_order_result, v_answer);
end $$;
revoke execute on function public.ledger_place_order(jsonb, text, bigint, uuid, uuid, text, text, bigint, text, jsonb, text, uuid) from public, anon;
grant execute on function public.ledger_place_order(jsonb, text, bigint, uuid, uuid, text, text, bigint, text, jsonb, text, uuid) to authenticated, service_role;
comment on function public.ledger_place_order(jsonb, text, bigint, uuid, uuid, text, text, bigint, text, jsonb, text, uuid) is
  'Places an order of p_items [{"variant_id": uuid, "quantity": int}] for the caller (staff with orders.place: for p_user_id). Amounts in minor units. Payment methods: wallet, wallet_partial (p_wallet_amount, else as much as there is), bank_transfer. Errors: insufficient_stock, insufficient_funds, price_changed, account_frozen, and those of error_codes for items, addresses, shipping, discount and payment method. Sources 000, 003, 004.';

-- sql/orders/ledger_register_referral.sql

create type public.ledger_register_referral_result as (
  success boolean, transaction_id uuid, error_code text, error_message text, error_details jsonb,
  referrer_user_id uuid, rate_bp integer
);

/*
 * Says who brought a customer, by the referrer's code: once, and before the customer's first
 * order. The commission rate is the setting's at that moment. Source 003 (referral commission).
 */
create function public.ledger_register_referral(
  p_referral_code text,
  p_idempotency_key text default null,
  p_user_id uuid default null)
returns setof public.ledger_register_referral_result
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_actor ledger.actor;
  v_user_id uuid;
  v_request jsonb;
  v_answer jsonb;
  v_referrer_id uuid;
  v_rate_bp integer := ledger.setting_text('referral_rate_bp')::integer;
begin
  -- who may
  v_actor := ledger.current_actor();
  v_user_id := ledger.customer_of_call(v_actor, p_user_id, 'orders.place');

  -- asked before
  v_request := jsonb_build_array(v_user_id, p_referral_code);
  v_answer := ledger.idempotency_begin('ledger_register_referral', p_idempotency_key, v_actor.caller_id, v_request);
  if v_answer is not null then
    return next jsonb_populate_record(null::public.ledger_register_referral_result, v_answer);
    return;
  end if;

  -- lock: the customer's profile, so that two codes at once give one referrer
  perform from public.profiles p where p.id = v_user_id for no key update;

  -- check
  select p.id into v_referrer_id from public.profiles p where p.referral_code = upper(trim(p_referral_code));
  v_answer := case
    when v_user_id is null then ledger.refuse('customer_required')
    when not exists (select from public.profiles p where p.id = v_user_id) then
      ledger.refuse('customer_not_found', jsonb_build_object('user_id', v_user_id))
    when v_referrer_id is null then ledger.refuse('referral_code_not_found', jsonb_build_object('code', p_referral_code))
    when v_referrer_id = v_user_id then
      ledger.refuse('referral_not_allowed', jsonb_build_object('reason', 'nobody can refer themselves'))
    when exists (select from public.referrals r where r.referee_user_id = v_user_id) then
      ledger.refuse('referral_not_allowed', jsonb_build_object('reason', 'the customer already has a referrer'))
    when exists (select from public.orders o where o.user_id = v_user_id) then
      ledger.refuse('referral_not_allowed', jsonb_build_object('reason', 'the customer has already ordered'))
  end;
  if v_answer is not null then
    return next jsonb_populate_record(null::public.ledger_register_referral_result, v_answer);
    return;
  end if;

  -- write
  perform set_config('ledger.procedure', 'ledger_register_referral', true);
  insert into public.referrals (referee_user_id, referrer_user_id, rate_bp) values (v_user_id, v_referrer_id, v_rate_bp);

  -- record
  perform ledger.record_operation('referral.registered', 'profile', v_user_id, null,
    jsonb_build_object('referrer_user_id', v_referrer_id, 'referee_user_id', v_user_id, 'rate_bp', v_rate_bp),
    v_actor, ledger.correlation_id());

  -- answer
  v_answer := jsonb_build_object('success', true, 'referrer_user_id', v_referrer_id, 'rate_bp', v_rate_bp);
  perform ledger.idempotency_end('ledger_register_referral', p_idempotency_key, v_actor.caller_id, v_request, null, v_answer);
  perform set_config('ledger.procedure', '', true);
  return next jsonb_populate_record(null::public.ledger_register_referral_result, v_answer);
end $$;
revoke execute on function public.ledger_register_referral(text, text, uuid) from public, anon;
grant execute on function public.ledger_register_referral(text, text, uuid) to authenticated, service_role;
comment on function public.ledger_register_referral(text, text, uuid) is
  'Registers the owner of p_referral_code as referrer of the caller (staff with orders.place: of p_user_id). rate_bp is in basis points. Errors: referral_code_not_found, referral_not_allowed, customer_required, customer_not_found. Source 003.';

-- sql/orders/next_order_number.sql

/* ORD00000001: prefix and digits from the settings (source 004). Gaps are possible, repeats are not. */
create function ledger.next_order_number()
returns text
language sql volatile
set search_path = pg_catalog, pg_temp
as $$
  select ledger.setting_text('order_number_prefix')
         || lpad(n.value::text, greatest(length(n.value::text), ledger.setting_text('order_number_length')::integer), '0')
  from (select nextval('ledger.order_number_seq') as value) n;
$$;
comment on function ledger.next_order_number() is 'The next order number.';

-- sql/orders/order_quote.sql

create type public.order_quote_result as (
  success boolean, transaction_id uuid, error_code text, error_message text, error_details jsonb,
  currency text, prices_include_tax boolean, subtotal_amount bigint, discount_amount bigint, shipping_amount bigint,
  tax_amount bigint, total_amount bigint, lines jsonb
);

/*
 * What an order would cost, without placing it. Also for visitors who are not signed in; per-customer
 * limits of a discount code count for the signed-in customer only. Stock is not promised.
 */
create function public.order_quote(
  p_items jsonb,
  p_shipping_method text default null,
  p_discount_code text default null,
  p_user_id uuid default null)
returns setof public.order_quote_result
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_user_id uuid := auth.uid();
  v_pricing ledger.order_pricing;
begin
  -- who may
  if p_user_id is distinct from v_user_id and p_user_id is not null then
    v_user_id := ledger.customer_of_call(ledger.current_actor(), p_user_id, 'orders.place');
  end if;

  -- answer
  v_pricing := ledger.price_order(v_user_id, p_items, p_shipping_method, p_discount_code);
  return next jsonb_populate_record(null::public.order_quote_result, coalesce(v_pricing.refusal, jsonb_build_object(
    'success', true, 'currency', v_pricing.currency, 'prices_include_tax', v_pricing.prices_include_tax,
    'subtotal_amount', v_pricing.subtotal_amount, 'discount_amount', v_pricing.discount_amount,
    'shipping_amount', v_pricing.shipping_amount, 'tax_amount', v_pricing.tax_amount,
    'total_amount', v_pricing.total_amount, 'lines', to_jsonb(v_pricing.lines))));
end $$;
revoke execute on function public.order_quote(jsonb, text, text, uuid) from public;
grant execute on function public.order_quote(jsonb, text, text, uuid) to anon, authenticated, service_role;
comment on function public.order_quote(jsonb, text, text, uuid) is
  'Totals (minor units) of p_items [{"variant_id": uuid, "quantity": int}] with shipping and discount; lines is an array with each line''s price, discount share and tax. Errors: as ledger_place_order''s for items, shipping and discount.';

-- sql/orders/placing_steps.sql

/* Steps of ledger_place_order that have a name of their own. */

/* How much the wallet pays, or the refusal: {"wallet_amount": ...} | {"success": false, ...}. */
create function ledger.wallet_part(
  p_payment_method text, p_wallet_amount bigint, p_total bigint, p_available bigint, p_currency text)
returns jsonb
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select case
    when not exists (select from public.payment_methods m where m.code = p_payment_method and m.is_active) then
      ledger.refuse('payment_method_unavailable', jsonb_build_object('payment_method', p_payment_method,
        'available', (select string_agg(m.code, ', ' order by m.code) from public.payment_methods m where m.is_active)))
    when p_payment_method not in ('wallet', 'wallet_partial') and p_wallet_amount <> 0 then
      ledger.refuse('invalid_wallet_amount', jsonb_build_object('wallet_amount', p_wallet_amount,
        'expected', '0 or left out when all of it is transferred; wallet_partial pays a part from the wallet'))
    when p_payment_method not in ('wallet', 'wallet_partial') then '{"wallet_amount": 0}'
    when p_payment_method = 'wallet' and p_wallet_amount <> p_total then
      ledger.refuse('invalid_wallet_amount', jsonb_build_object('wallet_amount', p_wallet_amount,
        'expected', format('the total, %s, or left out when the wallet pays', p_total)))
    when p_wallet_amount not between 0 and p_total then
      ledger.refuse('invalid_wallet_amount', jsonb_build_object('wallet_amount', p_wallet_amount,
        'expected', format('from 0 to the total, %s', p_total)))
    when case p_payment_method when 'wallet' then p_total else coalesce(p_wallet_amount, 0) end > greatest(p_available, 0) then
      ledger.refuse('insufficient_funds', jsonb_build_object('currency', p_currency, 'available', p_available,
        'required', case p_payment_method when 'wallet' then p_total else p_wallet_amount end))
    else jsonb_build_object('wallet_amount', case p_payment_method
      when 'wallet' then p_total
      else coalesce(p_wallet_amount, least(p_total, greatest(p_available, 0))) end)
  end;
$$;
comment on function ledger.wallet_part(text, bigint, bigint, bigint, text) is
  'What the wallet pays of a total with this payment method, or the refusal. Minor units.';

/*
 * Lock step "variants by id": locks the stock of a priced order and answers its first shortage as
 * a refusal. Lines of the same variant count together.
 */
create function ledger.lock_stock_for(p_lines ledger.priced_line[])
returns jsonb
language sql
set search_path = pg_catalog, pg_temp
as $$
  with wanted as (
    select l.variant_id, sum(l.quantity) as quantity, min(l.line_number) as line_number,
           min(l.product_name) as product_name, min(l.variant_name) as variant_name
    from unnest(p_lines) l
    group by l.variant_id),
  locked as materialized (
    select s.variant_id, s.on_hand - s.held as available
    from public.stock_levels s
    where s.variant_id in (select w.variant_id from wanted w) and s.slot = 0
    order by s.variant_id
    for no key update),
  short as (
    select w.*, coalesce(l.available, 0) as available
    from wanted w
    left join locked l using (variant_id)
    where coalesce(l.available, 0) < w.quantity)
  select ledger.refuse('insufficient_stock', jsonb_build_object(
    'variant_id', s.variant_id, 'name', ledger.item_name(s.product_name, s.variant_name),
    'available', s.available, 'requested', s.quantity,
    'shortages', (select jsonb_agg(jsonb_build_object('variant_id', a.variant_id, 'available', a.available, 'requested', a.quantity)
                                   order by a.line_number) from short a)))
  from short s
  order by s.line_number
  limit 1;
$$;
comment on function ledger.lock_stock_for(ledger.priced_line[]) is
  'Locks the stock rows of these lines by variant id; answers the refusal for the first variant that is short, or null.';

/* Status of a new order: the setting's, but never past a transition that needs a payment still missing. */
create function ledger.first_status(p_is_paid boolean)
returns text
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select case
    when p_is_paid and d.status = 'pending' and ledger.setting_text('auto_confirm_when_paid')::boolean then 'confirmed'
    when p_is_paid or d.status = 'pending' or exists (
      select from public.order_status_transitions t
      where t.from_status = 'pending' and t.to_status = d.status and not t.needs_payment) then d.status
    else 'pending' end
  from (select ledger.setting_text('default_order_status') as status) d;
$$;
comment on function ledger.first_status(boolean) is 'Status that a new order starts with (source 004: default status, auto-confirm).';

/* A customer's address as an order keeps it, or null. */
create function ledger.address_snapshot(p_address_id uuid, p_user_id uuid)
returns jsonb
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_strip_nulls(to_jsonb(a) - 'user_id' - 'created_at')
  from public.addresses a
  where a.id = p_address_id and a.user_id = p_user_id;
$$;
comment on function ledger.address_snapshot(uuid, uuid) is 'Snapshot of an address of this customer; null when there is none.';

-- sql/payments/withdrawals.sql

/* Money a customer takes out of their wallet. Held from the request on, so it cannot be spent meanwhile. */
create table public.withdrawals (
  id uuid primary key default ledger.uuid_v7(),
  account_id uuid not null references public.accounts (id) on delete restrict,
  user_id uuid not null,
  amount bigint not null,
  currency text not null references public.currencies (code) on delete restrict,
  status text not null default 'requested',
  destination jsonb not null,
  notes text,
  reviewed_by uuid,
  review_notes text,
  bank_reference text,
  created_at timestamptz not null default clock_timestamp(),
  updated_at timestamptz not null default clock_timestamp(),
  constraint status_is_known check (status in ('requested', 'approved', 'paid', 'rejected', 'cancelled')),
  constraint amount_is_positive_and_exact check (amount between 1 and 9007199254740991),
  constraint texts_are_short check (length(notes) <= 2000 and length(review_notes) <= 2000 and length(bank_reference) <= 200)
) with (fillfactor = 80);
alter table public.withdrawals enable row level security;
revoke all on public.withdrawals from anon, authenticated, service_role;
grant select on public.withdrawals to authenticated, service_role;
create policy withdrawals_are_seen_by_their_customer_and_finance on public.withdrawals for select to authenticated
  using (user_id = (select auth.uid()) or (select ledger.caller_may('withdrawals.review')));
-- a customer's withdrawals, newest first
create index withdrawals_by_account on public.withdrawals (account_id, id);
-- the review queue
create index withdrawals_open on public.withdrawals (id) where status in ('requested', 'approved');
select ledger.protect_from_hands('public.withdrawals', 'ledger_request_withdrawal, ledger_review_withdrawal or ledger_cancel_withdrawal');
comment on table public.withdrawals is 'Withdrawals; amount in minor units of currency. requested, then approved and paid, or rejected, or cancelled.';
comment on column public.withdrawals.destination is 'Where the money goes, as the customer gave it: a JSON object such as {"iban": "..."}.';

-- sql/payments/settle_withdrawal.sql

/* What settling a withdrawal did. */
create type ledger.withdrawal_change as (
  refusal jsonb,
  transaction_id uuid,
  status text,
  available_balance bigint
);

/*
 * Takes a withdrawal from one status to the next: account lock first, then compare-and-set on the
 * status, so of two reviewers (or a reviewer and the customer) one wins and the other is told.
 */
create function ledger.settle_withdrawal(
  p_withdrawal_id uuid, p_user_id uuid, p_from text[], p_to text, p_procedure text, p_actor ledger.actor,
  p_notes text, p_bank_reference text default null)
returns ledger.withdrawal_change
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_change ledger.withdrawal_change;
  v_withdrawal public.withdrawals;
  v_account_id uuid;
  v_frozen_reason text;
  v_returned bigint;
  v_paid bigint;
  v_transaction public.transactions;
  v_correlation_id uuid := ledger.correlation_id();
begin
  -- whose books: the one read by id alone; nothing of it is trusted before the locks
  select w.account_id into v_account_id
  from public.withdrawals w
  where w.id = p_withdrawal_id and (p_user_id is null or w.user_id = p_user_id);

  -- lock: account, withdrawal
  select a.frozen_reason into v_frozen_reason from public.accounts a where a.id = v_account_id for no key update;
  select w.* into v_withdrawal
  from public.withdrawals w
  where w.account_id = v_account_id and w.id = p_withdrawal_id
  for no key update;

  -- check
  v_change.refusal := case
    when v_withdrawal.id is null then ledger.refuse('withdrawal_not_found', jsonb_build_object('withdrawal_id', p_withdrawal_id))
    when length(p_notes) > 2000 or length(p_bank_reference) > 200 then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_notes, p_bank_reference',
        'problem', 'notes have at most 2000 characters, a bank reference at most 200'))
    when v_withdrawal.status <> all (p_from) then ledger.refuse('withdrawal_conflict', jsonb_build_object(
      'status', v_withdrawal.status, 'wanted', p_to, 'expected', array_to_string(p_from, ' or ')))
    when v_frozen_reason is not null and p_to in ('approved', 'paid') then
      ledger.refuse('account_frozen', jsonb_build_object('reason', v_frozen_reason))
  end;
  if v_change.refusal is not null then
    return v_change;
  end if;

  -- write: withdrawal, account, transaction, posting
  perform set_config('ledger.procedure', p_procedure, true);
  update public.withdrawals w set
    status = p_to,
    reviewed_by = case when p_to = 'cancelled' then w.reviewed_by else p_actor.user_id end,
    review_notes = coalesce(p_notes, w.review_notes),
    bank_reference = coalesce(p_bank_reference, w.bank_reference),
    updated_at = clock_timestamp()
  where w.account_id = v_account_id and w.id = p_withdrawal_id;
  v_returned := case when p_to in ('rejected', 'cancelled') then v_withdrawal.amount else 0 end;
  v_paid := case when p_to = 'paid' then v_withdrawal.amount else 0 end;
  v_transaction := ledger.write_transaction(
    v_account_id, 'withdrawal_' || p_to, p_actor, coalesce(p_notes, 'withdrawal ' || p_to), v_correlation_id,
    p_withdrawn => v_paid, p_pending_withdrawals => -v_returned - v_paid, p_reference_id => p_withdrawal_id);
  perform ledger.write_postings(v_transaction, v_withdrawal.currency, array[
    row('withdrawals_payable', 'wallet', v_returned), row('withdrawals_payable', 'bank', v_paid)]::ledger.posting_leg[]);

  -- record
  perform ledger.record_operation('withdrawal.' || p_to, 'withdrawal', p_withdrawal_id, v_account_id,
    ledger.balance_effect(v_transaction, p_withdrawn => v_paid, p_pending_withdrawals => -v_returned - v_paid)
      || jsonb_build_object('currency', v_withdrawal.currency, 'status', p_to, 'notes', p_notes, 'bank_reference', p_bank_reference),
    p_actor, v_correlation_id);
  perform set_config('ledger.procedure', '', true);

  v_change.transaction_id := v_transaction.id;
  v_change.status := p_to;
  v_change.available_balance := v_transaction.balance_after;
  return v_change;
end $$;
comment on function ledger.settle_withdrawal(uuid, uuid, text[], text, text, ledger.actor, text, text) is
  'Moves a withdrawal (of this customer, when one is named) from one of the given statuses to another, with its money and records.';

-- sql/payments/ledger_cancel_withdrawal.sql

create type public.ledger_cancel_withdrawal_result as (
  success boolean, transaction_id uuid, error_code text, error_message text, error_details jsonb,
  withdrawal_id uuid, status text, available_balance bigint
);

/* The customer takes a requested withdrawal back; the money returns to the wallet. */
create function public.ledger_cancel_withdrawal(
  p_withdrawal_id uuid,
  p_idempotency_key text default null,
  p_user_id uuid default null)
returns setof public.ledger_cancel_withdrawal_result
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_actor ledger.actor;
  v_user_id uuid;
  v_request jsonb;
  v_answer jsonb;
  v_change ledger.withdrawal_change;
begin
  -- who may
  v_actor := ledger.current_actor();
  v_user_id := ledger.customer_of_call(v_actor, p_user_id, 'withdrawals.review');

  -- asked before
  v_request := jsonb_build_array(v_user_id, p_withdrawal_id);
  v_answer := ledger.idempotency_begin('ledger_cancel_withdrawal', p_idempotency_key, v_actor.caller_id, v_request);
  if v_answer is null and v_user_id is null then
    v_answer := ledger.refuse('customer_required');
  end if;
  if v_answer is not null then
    return next jsonb_populate_record(null::public.ledger_cancel_withdrawal_result, v_answer);
    return;
  end if;

  -- lock, check, write, record
  v_change := ledger.settle_withdrawal(
    p_withdrawal_id, v_user_id, '{requested}', 'cancelled', 'ledger_cancel_withdrawal', v_actor, null);

  -- answer
  v_answer := coalesce(v_change.refusal, jsonb_build_object('success', true, 'transaction_id', v_change.transaction_id,
    'withdrawal_id', p_withdrawal_id, 'status', v_change.status, 'available_balance', v_change.available_balance));
  if v_change.refusal is null then
    perform ledger.idempotency_end('ledger_cancel_withdrawal', p_idempotency_key, v_actor.caller_id, v_request, null, v_answer);
  end if;
  return next jsonb_populate_record(null::public.ledger_cancel_withdrawal_result, v_answer);
end $$;
revoke execute on function public.ledger_cancel_withdrawal(uuid, text, uuid) from public, anon;
grant execute on function public.ledger_cancel_withdrawal(uuid, text, uuid) to authenticated, service_role;
comment on function public.ledger_cancel_withdrawal(uuid, text, uuid) is
  'Cancels a requested withdrawal of the caller (staff with withdrawals.review: of p_user_id). Errors: withdrawal_not_found, withdrawal_conflict, customer_required.';

-- sql/payments/ledger_request_withdrawal.sql

create type public.ledger_request_withdrawal_result as (
  success boolean, transaction_id uuid, error_code text, error_message text, error_details jsonb,
  withdrawal_id uuid, status text, amount bigint, currency text, available_balance bigint
);

/*
 * Asks for money out of the wallet. The amount (minor units) is held at once: it leaves the
 * available balance and waits in total_pending_withdrawals. Source 003 (balance formula).
 */
create function public.ledger_request_withdrawal(
  p_amount bigint,
  p_destination jsonb,
  p_currency text default null,
  p_notes text default null,
  p_idempotency_key text default null,
  p_user_id uuid default null)
returns setof public.ledger_request_withdrawal_result
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_actor ledger.actor;
  v_user_id uuid;
  v_request jsonb;
  v_answer jsonb;
  v_currency text := upper(coalesce(p_currency, ledger.setting_text('default_currency')));
  v_account public.accounts;
  v_withdrawal_id uuid := ledger.uuid_v7();
  v_transaction public.transactions;
  v_correlation_id uuid;
begin
  -- who may
  v_actor := ledger.current_actor();
  v_user_id := ledger.customer_of_call(v_actor, p_user_id, 'withdrawals.review');

  -- asked before
  v_request := jsonb_build_array(v_user_id, p_amount, p_destination, p_currency, p_notes);
  v_answer := ledger.idempotency_begin('ledger_request_withdrawal', p_idempotency_key, v_actor.caller_id, v_request);
  if v_answer is null and not v_actor.is_system then
    v_answer := ledger.rate_limit_take(v_actor.user_id, 'ledger_request_withdrawal');
  end if;
  if v_answer is not null then
    return next jsonb_populate_record(null::public.ledger_request_withdrawal_result, v_answer);
    return;
  end if;

  -- lock: account
  select a.* into v_account
  from public.accounts a
  where a.id = ledger.account_id(v_user_id, v_currency)
  for no key update;

  -- check
  v_answer := case
    when v_user_id is null then ledger.refuse('customer_required')
    when p_amount is null or p_amount <= 0 then
      ledger.refuse('invalid_amount', jsonb_build_object('amount', p_amount, 'expected', 'above zero'))
    when p_amount > 9007199254740991 then ledger.refuse('amount_too_large', jsonb_build_object('maximum', 9007199254740991))
    when coalesce(jsonb_typeof(p_destination), 'null') <> 'object' or p_destination = '{}' or octet_length(p_destination::text) > 4096 then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_destination',
        'problem', 'a JSON object of at most 4 KB that says where the money goes, such as {"iban": "..."}'))
    when length(p_notes) > 2000 then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_notes', 'problem', 'at most 2000 characters'))
    when v_account.id is null then ledger.refuse('account_not_found', jsonb_build_object('currency', v_currency))
    when v_account.frozen_reason is not null then
      ledger.refuse('account_frozen', jsonb_build_object('reason', v_account.frozen_reason))
    when p_amount > v_account.available_balance then ledger.refuse('insufficient_funds', jsonb_build_object(
      'required', p_amount, 'available', v_account.available_balance, 'currency', v_currency))
  end;
  if v_answer is not null then
    return next jsonb_populate_record(null::public.ledger_request_withdrawal_result, v_answer);
    return;
  end if;

  -- write: withdrawal, account, transaction, posting
  perform set_config('ledger.procedure', 'ledger_request_withdrawal', true);
  v_correlation_id := ledger.correlation_id();
  insert into public.withdrawals (id, account_id, user_id, amount, currency, destination, notes)
  values (v_withdrawal_id, v_account.id, v_user_id, p_amount, v_currency, p_destination, p_notes);
  v_transaction := ledger.write_transaction(
    v_account.id, 'withdrawal_requested', v_actor, coalesce(p_notes, 'withdrawal requested'), v_correlation_id,
    p_pending_withdrawals => p_amount, p_reference_id => v_withdrawal_id);
  perform ledger.write_postings(v_transaction, v_currency,
    array[row('wallet', 'withdrawals_payable', p_amount)]::ledger.posting_leg[]);

  -- record
  perform ledger.record_operation('withdrawal.requested', 'withdrawal', v_withdrawal_id, v_account.id,
    ledger.balance_effect(v_transaction, p_pending_withdrawals => p_amount)
      || jsonb_build_object('currency', v_currency, 'status', 'requested'),
    v_actor, v_correlation_id);

  -- answer
  v_answer := jsonb_build_object('success', true, 'transaction_id', v_transaction.id, 'withdrawal_id', v_withdrawal_id,
    'status', 'requested', 'amount', p_amount, 'currency', v_currency, 'available_balance', v_transaction.balance_after);
  perform ledger.idempotency_end('ledger_request_withdrawal', p_idempotency_key, v_actor.caller_id, v_request, v_account.id, v_answer);
  perform set_config('ledger.procedure', '', true);
  return next jsonb_populate_record(null::public.ledger_request_withdrawal_result, v_answer);
end $$;
revoke execute on function public.ledger_request_withdrawal(bigint, jsonb, text, text, text, uuid) from public, anon;
grant execute on function public.ledger_request_withdrawal(bigint, jsonb, text, text, text, uuid) to authenticated, service_role;
comment on function public.ledger_request_withdrawal(bigint, jsonb, text, text, text, uuid) is
  'Holds p_amount (minor units) of the caller''s wallet for paying out to p_destination (a JSON object). Errors: invalid_amount, amount_too_large, invalid_argument, account_not_found, account_frozen, insufficient_funds, rate_limited. Source 003.';

-- sql/payments/ledger_review_withdrawal.sql

create type public.ledger_review_withdrawal_result as (
  success boolean, transaction_id uuid, error_code text, error_message text, error_details jsonb,
  withdrawal_id uuid, status text, available_balance bigint
);

/*
 * Finance decides: approve a requested withdrawal, reject a requested or approved one (the money
 * returns to the wallet), or mark an approved one as paid, with the bank's reference.
 */
create function public.ledger_review_withdrawal(
  p_withdrawal_id uuid,
  p_decision text,
  p_notes text default null,
  p_bank_reference text default null,
  p_idempotency_key text default null,
  p_actor_id uuid default null)
returns setof public.ledger_review_withdrawal_result
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_actor ledger.actor;
  v_request jsonb;
  v_answer jsonb;
  v_decision text := lower(trim(p_decision));
  v_change ledger.withdrawal_change;
begin
  -- who may
  v_actor := ledger.current_actor(p_actor_id);
  perform ledger.require_permission(v_actor, 'withdrawals.review');

  -- asked before
  v_request := jsonb_build_array(p_withdrawal_id, v_decision, p_notes, p_bank_reference, p_actor_id);
  v_answer := ledger.idempotency_begin('ledger_review_withdrawal', p_idempotency_key, v_actor.caller_id, v_request);
  if v_answer is null and (v_decision is null or v_decision not in ('approve', 'reject', 'mark_paid')) then
    v_answer := ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_decision', 'problem', 'one of approve, reject, mark_paid'));
  end if;
  if v_answer is not null then
    return next jsonb_populate_record(null::public.ledger_review_withdrawal_result, v_answer);
    return;
  end if;

  -- lock, check, write, record
  v_change := ledger.settle_withdrawal(
    p_withdrawal_id, null,
    case v_decision when 'approve' then '{requested}' when 'reject' then '{requested,approved}' else '{approved}' end::text[],
    case v_decision when 'approve' then 'approved' when 'reject' then 'rejected' else 'paid' end,
    'ledger_review_withdrawal', v_actor, p_notes, p_bank_reference);

  -- answer
  v_answer := coalesce(v_change.refusal, jsonb_build_object('success', true, 'transaction_id', v_change.transaction_id,
    'withdrawal_id', p_withdrawal_id, 'status', v_change.status, 'available_balance', v_change.available_balance));
  if v_change.refusal is null then
    perform ledger.idempotency_end('ledger_review_withdrawal', p_idempotency_key, v_actor.caller_id, v_request, null, v_answer);
  end if;
  return next jsonb_populate_record(null::public.ledger_review_withdrawal_result, v_answer);
end $$;
revoke execute on function public.ledger_review_withdrawal(uuid, text, text, text, text, uuid) from public, anon;
grant execute on function public.ledger_review_withdrawal(uuid, text, text, text, text, uuid) to authenticated, service_role;
comment on function public.ledger_review_withdrawal(uuid, text, text, text, text, uuid) is
  'Decides on a withdrawal: approve, reject or mark_paid. Needs withdrawals.review. Of a frozen account none is approved or paid. Errors: withdrawal_not_found, withdrawal_conflict, account_frozen, invalid_argument.';

-- sql/integrity/integrity_check_books.sql

/*
 * Every sum that must be right, compared from its two sides in one statement and so in one
 * snapshot. Answers the rows that differ: none means the books are in order.
 */
create function ledger.book_differences()
returns table (check_code text, subject text, expected text, found text)
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  with per_account as (
    select t.account_id, sum(t.amount) as amount, count(*) as transactions, max(t.account_version) as last_version,
           (array_agg(t.balance_after order by t.account_version desc))[1] as last_balance
    from public.transactions t
    group by t.account_id),
  wallets as (
    select p.account_id, sum(case when p.credit_account = 'wallet' then p.amount else 0 end)
                         - sum(case when p.debit_account = 'wallet' then p.amount else 0 end) as balance
    from public.postings p
    where 'wallet' in (p.debit_account, p.credit_account)
    group by p.account_id),
  replayed as (
    select e.account_id,
           coalesce(sum((e.payload #>> '{effect,total_earned}')::bigint), 0) as earned,
           coalesce(sum((e.payload #>> '{effect,total_withdrawn}')::bigint), 0) as withdrawn,
           coalesce(sum((e.payload #>> '{effect,total_pending_withdrawals}')::bigint), 0) as pending,
           coalesce(sum((e.payload #>> '{effect,total_orders}')::bigint), 0) as orders
    from public.immutable_events e
    where e.payload ? 'effect'
    group by e.account_id),
  escrow as (
    select p.currency, sum(case when p.credit_account = 'order_escrow' then p.amount else 0 end)
                       - sum(case when p.debit_account = 'order_escrow' then p.amount else 0 end) as balance
    from public.postings p
    where 'order_escrow' in (p.debit_account, p.credit_account)
    group by p.currency),
  held_orders as (
    select o.currency, sum(o.paid_amount - o.refunded_amount) as amount
    from public.orders o
    where o.status in ('pending', 'confirmed', 'processing', 'shipped', 'rejected')
    group by o.currency),
  payable as (
    select p.account_id, sum(case when p.credit_account = 'withdrawals_payable' then p.amount else 0 end)
                         - sum(case when p.debit_account = 'withdrawals_payable' then p.amount else 0 end) as balance
    from public.postings p
    where 'withdrawals_payable' in (p.debit_account, p.credit_account)
    group by p.account_id),
  item_sums as (
    select i.order_id, sum(i.total_price_amount) as subtotal, sum(i.discount_amount) as discount, sum(i.tax_amount) as tax
    from public.order_items i
    group by i.order_id),
  last_status as (
    select distinct on (h.order_id) h.order_id, h.status
    from public.order_status_history h
    order by h.order_id, h.event_id desc)
  select 'account_equals_transactions', a.id::text, a.available_balance::text, coalesce(t.amount, 0)::text
  from public.accounts a left join per_account t on t.account_id = a.id
  where a.available_balance <> coalesce(t.amount, 0)
  union all
  select 'account_equals_last_transaction', a.id::text, a.available_balance::text, t.last_balance::text
  from public.accounts a join per_account t on t.account_id = a.id
  where a.available_balance <> t.last_balance
  union all
  select 'account_version_counts_transactions', a.id::text, a.version::text, coalesce(t.transactions, 0)::text
  from public.accounts a left join per_account t on t.account_id = a.id
  where a.version <> coalesce(t.transactions, 0) or a.version <> coalesce(t.last_version, 0)
  union all
  select 'account_equals_wallet_postings', a.id::text, a.available_balance::text, coalesce(w.balance, 0)::text
  from public.accounts a left join wallets w on w.account_id = a.id
  where a.available_balance <> coalesce(w.balance, 0)
  union all
  select 'account_totals_replay_from_events', a.id::text,
         format('%s/%s/%s/%s', a.total_earned, a.total_withdrawn, a.total_pending_withdrawals, a.total_orders),
         format('%s/%s/%s/%s', coalesce(r.earned, 0), coalesce(r.withdrawn, 0), coalesce(r.pending, 0), coalesce(r.orders, 0))
  from public.accounts a left join replayed r on r.account_id = a.id
  where (a.total_earned, a.total_withdrawn, a.total_pending_withdrawals, a.total_orders)
        <> (coalesce(r.earned, 0), coalesce(r.withdrawn, 0), coalesce(r.pending, 0), coalesce(r.orders, 0))
  union all
  select 'total_orders_equals_orders', a.id::text, a.total_orders::text, coalesce(sum(o.wallet_amount - o.refunded_amount), 0)::text
  from public.accounts a left join public.orders o on o.account_id = a.id
  group by a.id, a.total_orders
  having a.total_orders <> coalesce(sum(o.wallet_amount - o.refunded_amount), 0)
  union all
  select 'escrow_equals_open_orders', c.code, coalesce(h.amount, 0)::text, coalesce(e.balance, 0)::text
  from public.currencies c left join escrow e on e.currency = c.code left join held_orders h on h.currency = c.code
  where coalesce(h.amount, 0) <> coalesce(e.balance, 0)
  union all
  select 'withdrawals_payable_equals_pending', a.id::text, a.total_pending_withdrawals::text, coalesce(p.balance, 0)::text
  from public.accounts a left join payable p on p.account_id = a.id
  where a.total_pending_withdrawals <> coalesce(p.balance, 0)
  union all
  select 'pending_equals_open_withdrawals', a.id::text, a.total_pending_withdrawals::text, coalesce(sum(w.amount), 0)::text
  from public.accounts a left join public.withdrawals w on w.account_id = a.id and w.status in ('requested', 'approved')
  group by a.id, a.total_pending_withdrawals
  having a.total_pending_withdrawals <> coalesce(sum(w.amount), 0)
  union all
  select 'order_totals_equal_items', o.id::text,
         format('%s/%s/%s', o.subtotal_amount, o.discount_amount, o.tax_amount),
         format('%s/%s/%s', i.subtotal, i.discount, i.tax)
  from public.orders o left join item_sums i on i.order_id = o.id
  where (o.subtotal_amount, o.discount_amount, o.tax_amount) is distinct from (i.subtotal, i.discount, i.tax)
  union all
  select 'order_paid_by_wallet_has_a_transaction', o.id::text, o.wallet_amount::text, 'no order_created transaction of that amount'
  from public.orders o
  where not exists (select from public.transactions t where t.order_id = o.id and t.type = 'order_created' and t.amount = -o.wallet_amount)
  union all
  select 'order_status_equals_history', o.id::text, o.status, coalesce(l.status, 'none')
  from public.orders o left join last_status l on l.order_id = o.id
  where o.status is distinct from l.status
  union all
  select 'stock_equals_movements', format('%s/%s', s.variant_id, s.slot), s.on_hand::text, coalesce(sum(m.quantity), 0)::text
  from public.stock_levels s left join public.stock_movements m on m.variant_id = s.variant_id and m.slot = s.slot
  group by s.variant_id, s.slot, s.on_hand, s.version
  having s.on_hand <> coalesce(sum(m.quantity), 0) or s.version <> count(m.id)
  union all
  select 'sold_equals_order_movements', o.id::text, coalesce(sold.quantity, 0)::text, coalesce(moved.quantity, 0)::text
  from public.orders o
  left join lateral (select sum(i.quantity) as quantity from public.order_items i where i.order_id = o.id) sold on true
  left join lateral (select -sum(m.quantity) as quantity from public.stock_movements m
                     where m.order_id = o.id and m.reason = 'order_placed') moved on true
  where coalesce(sold.quantity, 0) <> coalesce(moved.quantity, 0)
  union all
  select 'discount_usage_equals_redemptions', u.discount_code_id::text, u.redemptions::text, count(r.order_id)::text
  from public.discount_usage u
  left join public.discount_redemptions r on r.discount_code_id = u.discount_code_id and r.released_at is null
  group by u.discount_code_id, u.redemptions
  having u.redemptions <> count(r.order_id);
$$;
comment on function ledger.book_differences() is 'Sums that should be equal and are not; no rows when the books are in order.';

create function public.integrity_check_books()
returns table (check_code text, subject text, expected text, found text)
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform ledger.require_permission(ledger.current_actor(), 'audit.read');
  return query select * from ledger.book_differences();
end $$;
revoke execute on function public.integrity_check_books() from public, anon;
grant execute on function public.integrity_check_books() to authenticated, service_role;
comment on function public.integrity_check_books() is
  'Rows where two sides of the books differ: accounts, transactions, postings, events, orders, stock. None is good. Needs audit.read.';

-- sql/integrity/integrity_verify_seals.sql

/* For auditors: recomputes every seal over the events, and compares one with a hash kept elsewhere. */
create function public.integrity_verify_seals(p_seal_number bigint default null, p_hash text default null)
returns table (seal_number bigint, event_count integer, problem text)
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform ledger.require_permission(ledger.current_actor(), 'audit.read');
  return query
    select v.seal_number, v.event_count, v.problem from ledger.verify_seals() v where v.problem is not null
    union all
    select p_seal_number, coalesce(s.event_count, 0), 'is not the seal whose hash was kept'
    from (select 1) one
    left join public.event_seals s on s.seal_number = p_seal_number
    where p_seal_number is not null and encode(s.hash, 'hex') is distinct from lower(p_hash);
end $$;
revoke execute on function public.integrity_verify_seals(bigint, text) from public, anon;
grant execute on function public.integrity_verify_seals(bigint, text) to authenticated, service_role;
comment on function public.integrity_verify_seals(bigint, text) is
  'Recomputes all seals over immutable_events and answers those that do not hold, with what was changed, removed or inserted. None is good. With the number and hash (hex) of an events.sealed message it also says whether that seal is still the same. Needs audit.read.';

-- sql/integrity/report_trial_balance.sql

/* Debits and credits per account of the chart; per currency they are equal because every posting has both. */
create function public.report_trial_balance()
returns table (currency text, chart_account text, name text, debit_amount bigint, credit_amount bigint, balance_amount bigint)
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform ledger.require_permission(ledger.current_actor(), 'accounts.read');
  return query
    select s.currency, c.code, c.name, sum(s.debit)::bigint, sum(s.credit)::bigint,
           (case c.normal_side when 'debit' then 1 else -1 end * sum(s.debit - s.credit))::bigint
    from (select p.currency, p.debit_account as code, p.amount as debit, 0::bigint as credit from public.postings p
          union all
          select p.currency, p.credit_account, 0, p.amount from public.postings p) s
    join public.chart_accounts c on c.code = s.code
    group by s.currency, c.code, c.name, c.normal_side
    order by s.currency, c.code;
end $$;
revoke execute on function public.report_trial_balance() from public, anon;
grant execute on function public.report_trial_balance() to authenticated, service_role;
comment on function public.report_trial_balance() is
  'Trial balance per currency and chart account in minor units; balance_amount is positive on the account''s normal side. Needs accounts.read.';

-- sql/privileges.sql

/*
 * Nothing in schema ledger is called from outside: it is not exposed, and EXECUTE is revoked beside.
 * The exceptions are what row-level policies call as the reader, and the default of ids that a
 * backend may insert.
 */
revoke execute on all functions in schema ledger from public, anon, authenticated, service_role;
grant execute on function ledger.caller_may(text) to authenticated;
grant execute on function ledger.uuid_v7() to service_role;
revoke all on all tables in schema ledger from public, anon, authenticated, service_role;

-- sql/foundation/currencies.data.sql

insert into public.currencies (code, name, exponent) values
  ('USD', 'US dollar', 2),
  ('EUR', 'Euro', 2),
  ('GBP', 'Pound sterling', 2),
  ('IQD', 'Iraqi dinar', 3),
  ('IRR', 'Iranian rial', 2),
  ('JPY', 'Yen', 0)
on conflict (code) do nothing;

-- sql/foundation/error_codes.data.sql

insert into public.error_codes (code, http_status, message, description) values
  ('idempotency_conflict', 422, 'The idempotency key "{key}" was already used for {procedure} with other arguments; send a new key for a new request.', 'Same caller, procedure and key, other arguments.'),
  ('invalid_idempotency_key', 400, 'An idempotency key has 1 to 255 characters; this one has {length}.', 'The key is empty or too long.'),
  ('rate_limited', 429, 'Too many calls of {procedure}; try again in {retry_after_seconds} s.', 'The caller''s token bucket for this procedure is empty.'),
  ('invalid_amount', 400, 'The amount must be {expected}, not {amount}.', 'An amount of the wrong sign or size. Amounts are whole minor units.'),
  ('amount_too_large', 400, 'The amount is larger than {maximum} minor units, the largest that is kept exactly.', 'An amount or total beyond 2^53 - 1.'),
  ('invalid_argument', 400, '{argument}: {problem}', 'An argument has the wrong shape or size.'),
  ('customer_required', 400, 'Say for which customer: p_user_id is missing.', 'A backend called without naming the customer.'),
  ('customer_not_found', 404, 'There is no customer {user_id}.', 'The user does not exist, or is not visible to the caller.'),
  ('account_not_found', 404, 'The customer has no {currency} account.', 'The customer has no account in this currency.'),
  ('account_frozen', 403, 'The account is frozen: {reason}. Nothing can be spent or withdrawn until it is released.', 'Frozen by ledger_freeze_account.'),
  ('account_already_frozen', 409, 'The account is already {state}.', 'The account already is in the state asked for.'),
  ('insufficient_funds', 402, '{required:money} is needed, {available:money} is available.', 'The wallet does not hold what the operation takes.'),
  ('unknown_currency', 400, 'There is no currency "{currency}"; known ones: {known}.', 'A currency code that is not in currencies.'),
  ('currency_mismatch', 400, 'One order has one currency; these items are priced in {currencies}.', 'Items of several currencies in one order.'),
  ('invalid_items', 400, 'Line {line}: {problem}', 'p_items is not [{"variant_id": uuid, "quantity": whole number}, ...].'),
  ('empty_order', 400, 'The order has no items.', 'p_items is an empty array.'),
  ('too_many_lines', 400, 'An order has at most {maximum} lines; this one has {lines}.', 'More lines than the setting max_order_lines.'),
  ('invalid_quantity', 400, 'Line {line}: the quantity must be a whole number from 1 to {maximum}, not {quantity}.', 'A quantity that is no whole number, below 1 or above the setting max_line_quantity.'),
  ('variant_not_found', 404, 'Line {line}: there is no product variant {variant_id}.', 'A variant that does not exist.'),
  ('variant_unavailable', 409, 'Line {line}: "{name}" is not for sale at present.', 'The variant or its product is archived.'),
  ('insufficient_stock', 409, 'Only {available} of "{name}" left, {requested} asked.', 'Less stock than the order''s lines of this variant together ask for.'),
  ('price_changed', 409, 'The total is {total:money}, not {expected:money}: a price, tax, shipping cost or discount has changed.', 'p_expected_total is not the present total.'),
  ('payment_method_unavailable', 400, 'Payment method "{payment_method}" is not available; available: {available}.', 'Unknown or switched-off payment method.'),
  ('invalid_wallet_amount', 400, 'The wallet''s part must be {expected}, not {wallet_amount}.', 'p_wallet_amount does not fit the payment method or the total.'),
  ('shipping_method_unavailable', 400, 'Shipping method "{shipping_method}" is not available for {currency}; available: {available}.', 'Unknown or switched-off shipping method.'),
  ('address_not_found', 404, 'There is no address {address_id} of this customer.', 'The address does not exist or is someone else''s.'),
  ('discount_code_invalid', 404, 'Discount code "{code}" does not exist or is not valid now.', 'Unknown, switched-off, not yet or no longer valid.'),
  ('discount_code_not_applicable', 409, 'Discount code "{code}" needs {condition}.', 'The order does not meet the code''s conditions.'),
  ('discount_code_exhausted', 409, 'Discount code "{code}" has been used as often as it may.', 'The total limit of the code is reached.'),
  ('discount_code_already_used', 409, 'Discount code "{code}" can be used {maximum} time(s) per customer.', 'The customer''s limit of the code is reached.'),
  ('order_not_found', 404, 'There is no order {order_id} of this customer.', 'The order does not exist, is someone else''s, or belongs to another customer than named.'),
  ('unknown_status', 400, '"{status}" is no order status; known: {known}.', 'A status name that does not exist.'),
  ('status_conflict', 409, 'Order {order_number} is "{status}", not "{expected}": somebody changed it in between. Read it again.', 'p_old_status is not the order''s present status.'),
  ('invalid_transition', 409, 'Order {order_number} cannot go from "{from}" to "{to}"; possible: {possible}.', 'No such row in order_status_transitions.'),
  ('amount_mismatch', 409, 'Order {order_number} amounts to {total:money}, not {amount:money}.', 'p_amount is not the order''s total.'),
  ('payment_required', 402, 'Order {order_number} has {due:money} left to pay before it can become "{to}".', 'The transition needs a paid order.'),
  ('cancellation_not_allowed', 409, 'Order {order_number} can no longer be cancelled by the customer: {reason}.', 'Beyond the customer''s statuses or window; staff may still cancel.'),
  ('withdrawal_not_found', 404, 'There is no withdrawal {withdrawal_id}.', 'The withdrawal does not exist or is someone else''s.'),
  ('withdrawal_conflict', 409, 'The withdrawal is already "{status}"; {wanted} needs it to be {expected}.', 'Somebody else reviewed, paid or cancelled it first.'),
  ('stock_below_zero', 409, 'Taking {quantity} of "{name}" would leave less than nothing: {available} available.', 'A stock adjustment below what is there or held.'),
  ('stock_too_large', 400, 'Stock of "{name}" is kept up to {maximum} units.', 'A stock adjustment beyond 10^12 units on hand.'),
  ('referral_code_not_found', 404, 'There is no referral code "{code}".', 'No profile has this referral code.'),
  ('referral_not_allowed', 409, 'The referral cannot be registered: {reason}.', 'Self-referral, a second referrer, or a customer who already ordered.')
on conflict (code) do nothing;

-- sql/foundation/feature_flags.data.sql

insert into public.feature_flags (key, state, allowed_states, description) values
  ('allocation_dual_write', 'off', '{off,shadow,enforce}', 'Old paid flags kept beside payment allocations.'),
  ('ledger_backfill_mode', 'off', '{off,read_only,active}', 'Backfill of synthetic allocations.'),
  ('allocation_read_switch', 'off', '{off,canary,full}', 'Debt read from allocations, for a percentage of accounts or all.'),
  ('active_reconciliation', 'off', '{off,dry,enforce}', 'Repair of integrity findings.'),
  ('outbox_enabled', 'on', '{off,on}', 'Delivery of outbox messages; they are written in either state.')
on conflict (key) do nothing;

-- sql/foundation/rate_limits.data.sql

insert into public.rate_limits (procedure, capacity, refill_per_second) values
  ('ledger_place_order', 300, 5),
  ('ledger_cancel_order', 300, 5),
  ('ledger_request_withdrawal', 60, 1)
on conflict (procedure) do nothing;

-- sql/foundation/scheduled_jobs.data.sql

insert into ledger.scheduled_jobs (name, schedule, command, description) values
  ('seal events', '* * * * *', 'select ledger.seal_events()', 'Closes events into the next seals.'),
  ('create partitions', '15 2 * * *', 'select ledger.create_month_partitions()', 'Monthly partitions of events and audit log, ahead of time.'),
  ('purge audit log', '30 2 * * *', 'select ledger.purge_audit_log()', 'Drops audit partitions beyond the retention.'),
  ('purge idempotency keys', '45 2 * * *', 'select ledger.purge_idempotency_keys()', 'Removes idempotency keys beyond the retention.')
on conflict (name) do nothing;

-- sql/foundation/settings.data.sql

insert into public.settings (key, value, kind, minimum, maximum, allowed, description) values
  ('default_currency', '"USD"', 'text', null, null, null, 'Currency of calls that name none.'),
  ('order_number_prefix', '"ORD"', 'text', null, null, null, 'Before the digits of an order number (source 004).'),
  ('order_number_length', '8', 'integer', 4, 18, null, 'Digits of an order number, zero-padded (source 004).'),
  ('default_order_status', '"pending"', 'text', null, null, '{pending,confirmed,processing}', 'Status of a new order (source 004).'),
  ('auto_confirm_when_paid', 'false', 'boolean', null, null, null, 'A covered order becomes confirmed at once (source 004, AUTO_CONFIRM_ORDERS).'),
  ('low_stock_threshold', '5', 'integer', 0, 1000000000, null, 'Stock at or below which an alert is queued, for variants without their own threshold (source 004).'),
  ('grace_hours', '72', 'integer', 1, 8760, null, 'Hours until a bank_transfer_grace order is due.'),
  ('tax_rate_bp', '0', 'integer', 0, 10000, null, 'Tax rate in basis points for products without their own; 1900 is 19 %.'),
  ('prices_include_tax', 'false', 'boolean', null, null, null, 'Whether catalogue prices contain the tax.'),
  ('cancellation_window_minutes', '1440', 'integer', 0, 525600, null, 'Minutes after placing within which customers may cancel themselves.'),
  ('max_order_lines', '500', 'integer', 1, 5000, null, 'Lines an order may have.'),
  ('max_line_quantity', '1000000', 'integer', 1, 2147483647, null, 'Largest quantity of one line.'),
  ('referral_rate_bp', '500', 'integer', 0, 10000, null, 'Commission on a referred customer''s delivered orders, in basis points, for referrals registered from now on.'),
  ('idempotency_retention_days', '30', 'integer', 1, 3650, null, 'Days that idempotency keys and their answers are kept.'),
  ('audit_retention_days', '180', 'integer', 30, 3650, null, 'Days that audit_log is kept.')
on conflict (key) do nothing;

-- sql/identity/profiles.data.sql

-- users who signed up before order-ledger was installed
insert into public.profiles (id, display_name)
select u.id, left(u.raw_user_meta_data ->> 'display_name', 200)
from auth.users u
on conflict (id) do nothing;

-- sql/identity/roles.data.sql

insert into public.roles (code, description) values
  ('admin', 'Everything.'),
  ('finance', 'Money: credits, withdrawals, payment side of orders.'),
  ('warehouse', 'Stock, and orders up to their dispatch.'),
  ('logistics', 'Dispatched orders up to their delivery.'),
  ('vendor', 'A vendor''s own products and lines.')
on conflict (code) do nothing;

insert into public.permissions (code, description) values
  ('accounts.read', 'See all accounts, transactions and postings.'),
  ('accounts.credit', 'Credit accounts: deposits, earnings, bonuses.'),
  ('accounts.adjust', 'Adjust accounts up or down.'),
  ('accounts.freeze', 'Freeze and release accounts.'),
  ('audit.read', 'See all events, seals and the audit log.'),
  ('orders.read', 'See all orders.'),
  ('orders.place', 'Place orders on behalf of customers.'),
  ('orders.confirm', 'Confirm orders.'),
  ('orders.reject', 'Reject orders.'),
  ('orders.process', 'Take orders into processing.'),
  ('orders.ship', 'Ship orders.'),
  ('orders.deliver', 'Mark orders delivered.'),
  ('orders.cancel', 'Cancel orders that are not delivered.'),
  ('orders.cancel_delivered', 'Cancel delivered orders.'),
  ('orders.refund', 'Refund delivered orders.'),
  ('customers.read', 'See all profiles, addresses and referrals.'),
  ('stock.read', 'See stock movements and what is not for sale.'),
  ('stock.adjust', 'Adjust stock.'),
  ('withdrawals.review', 'Approve, reject and pay withdrawals.')
on conflict (code) do nothing;

insert into public.role_permissions (role, permission)
select 'admin', p.code from public.permissions p
union all
select v.role, v.permission
from (values
  ('finance', 'accounts.read'), ('finance', 'accounts.credit'), ('finance', 'accounts.freeze'),
  ('finance', 'audit.read'), ('finance', 'orders.read'), ('finance', 'orders.confirm'),
  ('finance', 'orders.reject'), ('finance', 'orders.cancel'), ('finance', 'orders.refund'),
  ('finance', 'customers.read'), ('finance', 'withdrawals.review'),
  ('warehouse', 'orders.read'), ('warehouse', 'orders.process'), ('warehouse', 'orders.ship'),
  ('warehouse', 'stock.read'), ('warehouse', 'stock.adjust'),
  ('logistics', 'orders.read'), ('logistics', 'orders.ship'), ('logistics', 'orders.deliver')
) v (role, permission)
on conflict (role, permission) do nothing;

-- sql/ledger/chart_accounts.data.sql

insert into public.chart_accounts (code, name, kind, normal_side, scope) values
  ('wallet', 'Customer wallets', 'liability', 'credit', 'customer'),
  ('receivable', 'Owed by customers', 'asset', 'debit', 'customer'),
  ('unapplied_payments', 'Customer payments not yet applied', 'liability', 'credit', 'customer'),
  ('order_escrow', 'Paid for orders not yet delivered', 'liability', 'credit', 'system'),
  ('revenue', 'Revenue from goods', 'income', 'credit', 'system'),
  ('tax_payable', 'Tax to hand over', 'liability', 'credit', 'system'),
  ('shipping_income', 'Shipping income', 'income', 'credit', 'system'),
  ('discounts', 'Discounts given', 'expense', 'debit', 'system'),
  ('bank', 'Bank', 'asset', 'debit', 'system'),
  ('withdrawals_payable', 'Withdrawals to pay out', 'liability', 'credit', 'system'),
  ('commission_expense', 'Commissions, earnings and bonuses granted', 'expense', 'debit', 'system'),
  ('vendor_payable', 'Owed to vendors', 'liability', 'credit', 'system'),
  ('refunds_payable', 'Refunds to pay out', 'liability', 'credit', 'system'),
  ('adjustments', 'Adjustments', 'expense', 'debit', 'system')
on conflict (code) do nothing;

-- sql/orders/checkout_options.data.sql

insert into public.payment_methods (code, description, is_active) values
  ('wallet', 'The wallet pays all of it.', true),
  ('wallet_partial', 'The wallet pays a part, the rest is due by transfer.', true),
  ('bank_transfer', 'All of it is due by transfer.', true),
  ('bank_transfer_grace', 'Goods may go out before the transfer arrives.', false),
  ('card', 'A card provider confirms.', false),
  ('invoice', 'On credit terms.', false)
on conflict (code) do nothing;

-- sql/orders/order_status_transitions.data.sql

insert into public.order_status_transitions (from_status, to_status, permission, needs_payment, customer_may) values
  ('pending', 'confirmed', 'orders.confirm', true, false),
  ('pending', 'processing', 'orders.process', true, false),
  ('pending', 'rejected', 'orders.reject', false, false),
  ('pending', 'cancelled', 'orders.cancel', false, true),
  ('confirmed', 'processing', 'orders.process', true, false),
  ('confirmed', 'cancelled', 'orders.cancel', false, true),
  ('processing', 'shipped', 'orders.ship', true, false),
  ('processing', 'delivered', 'orders.deliver', true, false),
  ('processing', 'cancelled', 'orders.cancel', false, false),
  ('shipped', 'delivered', 'orders.deliver', true, false),
  ('shipped', 'cancelled', 'orders.cancel', false, false),
  ('delivered', 'cancelled', 'orders.cancel_delivered', false, false),
  ('delivered', 'refunded', 'orders.refund', false, false),
  ('rejected', 'cancelled', 'orders.cancel', false, true)
on conflict (from_status, to_status) do nothing;
