/*
 * Writes users, whose profiles follow by themselves, with columns that this version of the auth server has:
 * its tokens are empty texts, as it cannot read nulls there. Answers how many.
 */
create function ledger.write_imported_customers(p_run public.import_runs, p_rows bigint[])
returns integer
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_columns text;
  v_values text;
  v_count integer;
begin
  insert into public.import_identities (kind, external_id, target_id, run_id)
  select 'customer', w.external_id, gen_random_uuid(), p_run.id
  from public.import_rows w
  where w.run_id = p_run.id and w.row_number = any (p_rows);
  update public.import_rows w set state = 'applied', target_id = i.target_id, parsed = w.parsed || jsonb_build_object('user_id', i.target_id)
  from public.import_identities i
  where w.run_id = p_run.id and w.row_number = any (p_rows) and i.kind = 'customer' and i.external_id = w.external_id;
  get diagnostics v_count = row_count;

  select string_agg(format('%I', c.name), ', '), string_agg(c.value, ', ') into v_columns, v_values
  from (values
    ('id', 'w.target_id'), ('instance_id', '''00000000-0000-0000-0000-000000000000'''), ('aud', '''authenticated'''), ('role', '''authenticated'''),
    ('email', 'w.parsed ->> ''email'''), ('raw_user_meta_data', 'jsonb_strip_nulls(jsonb_build_object(''display_name'', w.parsed ->> ''name''))'),
    ('raw_app_meta_data', '''{"provider": "email", "providers": ["email"], "imported": true}'''), ('encrypted_password', ''''''),
    ('created_at', 'coalesce((w.parsed ->> ''created_at'')::timestamptz, now())'), ('updated_at', 'now()'),
    ('confirmation_token', ''''''), ('recovery_token', ''''''), ('email_change', ''''''), ('email_change_token_new', ''''''),
    ('email_change_token_current', ''''''), ('phone_change', ''''''), ('phone_change_token', ''''''), ('reauthentication_token', '''''')) c (name, value)
  join pg_catalog.pg_attribute a on a.attrelid = 'auth.users'::regclass and a.attname = c.name and a.attnum > 0 and not a.attisdropped;
  execute format('insert into auth.users (%s) select %s from public.import_rows w where w.run_id = $1 and w.row_number = any ($2)', v_columns, v_values)
  using p_run.id, p_rows;

  insert into public.addresses (user_id, recipient, line1, line2, city, region, postal_code, country, phone)
  select w.target_id, d.recipient, d.line1, d.line2, d.city, d.region, d.postal_code, d.country, d.phone
  from public.import_rows w
  cross join lateral jsonb_populate_record(null::public.addresses, w.parsed -> 'address') d
  where w.run_id = p_run.id and w.row_number = any (p_rows) and w.parsed ? 'address';
  return v_count;
end $$;
comment on function ledger.write_imported_customers(public.import_runs, bigint[]) is 'Writes users, profiles and addresses of rows of an import whose names are new; answers how many.';
