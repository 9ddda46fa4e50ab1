/*
 * Makes a sign-in nobody's, where the owner of this function may write the auth server's tables:
 * what can be known from it goes, its sessions end, and nobody signs in with it again. The row stays,
 * because the profile refers to it. On a project where the platform keeps these tables to itself the
 * backend does the same with auth.admin.deleteUser(id, true), the soft delete.
 */
create function ledger.erase_sign_in(p_user_id uuid)
returns boolean
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_changes text;
  v_table text;
begin
  if not (has_table_privilege('auth.users', 'update') and has_table_privilege('auth.users', 'select')) then
    return false;
  end if;

  -- columns that this version of the auth server has
  select string_agg(format('%I = %s', c.name, c.value), ', ') into v_changes
  from (values
    ('email', 'case when email is not null then id::text || ''@erased.invalid'' end'), ('phone', 'null'), ('encrypted_password', ''''''),
    ('raw_user_meta_data', '''{}'''), ('raw_app_meta_data', '''{}'''), ('email_change', ''''''), ('phone_change', ''''''),
    ('confirmation_token', ''''''), ('recovery_token', ''''''), ('email_change_token_new', ''''''),
    ('email_change_token_current', ''''''), ('phone_change_token', ''''''), ('reauthentication_token', ''''''),
    ('deleted_at', 'now()'), ('banned_until', 'timestamptz ''9999-12-31''')) c (name, value)
  join pg_catalog.pg_attribute a on a.attrelid = 'auth.users'::regclass and a.attname = c.name and a.attnum > 0 and not a.attisdropped;
  execute format('update auth.users set %s where id = $1', v_changes) using p_user_id;

  -- sessions first: what hangs on them goes with them
  foreach v_table in array array['sessions', 'refresh_tokens', 'identities', 'mfa_factors', 'one_time_tokens', 'flow_state'] loop
    continue when not exists (
      select from pg_catalog.pg_attribute a
      where a.attrelid = to_regclass('auth.' || v_table) and a.attname = 'user_id' and not a.attisdropped
        and has_table_privilege(a.attrelid, 'delete'));
    -- refresh_tokens.user_id is a text there
    execute format('delete from auth.%I where user_id::text = $1::text', v_table) using p_user_id;
  end loop;
  -- what the auth server has logged names them by their address
  if has_table_privilege(to_regclass('auth.audit_log_entries'), 'delete') and has_table_privilege(to_regclass('auth.audit_log_entries'), 'select') then
    execute $sql$ delete from auth.audit_log_entries
                  where $1::text in (payload ->> 'actor_id', payload -> 'traits' ->> 'user_id') $sql$ using p_user_id;
  end if;
  return true;
end $$;
comment on function ledger.erase_sign_in(uuid) is
  'Scrubs a user of auth.users and of the auth server''s log, and ends their sessions; false where the auth server''s tables may not be written.';
