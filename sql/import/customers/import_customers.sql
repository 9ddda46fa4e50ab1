/*
 * Kind customers: a user who has not signed in yet, with a profile and, where there is one, an address.
 * Fields: customer (the name or number of the older system), email, name, phone, created_at, and of the address
 * recipient, line1, line2, city, region, postal_code, country (ISO 3166, two letters). Without an e-mail nobody can sign in as
 * them yet, and their books are kept all the same. A customer is imported once; an e-mail that is here
 * already is that customer's.
 */
create type ledger.import_customer_row as (
  customer text,
  email text,
  name text,
  phone text,
  created_at timestamptz,
  address jsonb
);
comment on type ledger.import_customer_row is 'Keys of import_rows.parsed of kind customers.';

create function ledger.read_customer_row(p_row_number bigint, p_data jsonb, p_options jsonb)
returns ledger.import_reading
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_row ledger.import_customer_row;
  v_date ledger.parsed_date;
  v_created text := ledger.import_field(p_data, p_options, 'created_at');
  v_line1 text := ledger.import_field(p_data, p_options, 'line1');
  v_country text := upper(ledger.import_field(p_data, p_options, 'country'));
begin
  v_row.customer := coalesce(ledger.import_name(ledger.import_field(p_data, p_options, 'customer')), p_options ->> 'guest_customer');
  v_row.email := lower(ledger.import_field(p_data, p_options, 'email'));
  v_row.name := left(ledger.import_field(p_data, p_options, 'name'), 200);
  v_row.phone := left(ledger.import_field(p_data, p_options, 'phone'), 40);
  if v_created is not null then
    v_date := ledger.parse_date(v_created, p_options);
    v_row.created_at := v_date.at;
  end if;
  if v_line1 is not null then
    v_row.address := jsonb_strip_nulls(jsonb_build_object(
      'recipient', left(coalesce(ledger.import_field(p_data, p_options, 'recipient'), v_row.name), 200), 'line1', left(v_line1, 300),
      'line2', left(ledger.import_field(p_data, p_options, 'line2'), 300), 'city', left(ledger.import_field(p_data, p_options, 'city'), 200),
      'region', left(ledger.import_field(p_data, p_options, 'region'), 200),
      'postal_code', left(ledger.import_field(p_data, p_options, 'postal_code'), 20), 'country', v_country, 'phone', v_row.phone));
  end if;
  return row(p_row_number, coalesce(v_row.customer, v_row.email), null, jsonb_strip_nulls(to_jsonb(v_row)),
    ledger.reject_if(case when coalesce(v_row.customer, v_row.email) is null then 'row_value_missing'
                          when length(v_row.customer) > 200 then 'row_text_too_long' end, p_row_number, 'customer', v_row.customer, '{"maximum": 200}')
    || ledger.reject_if(case when v_row.email !~ '^[^@\s]+@[^@\s]+\.[^@\s]+$' or length(v_row.email) > 200 then 'row_email_invalid' end,
                        p_row_number, 'email', v_row.email)
    || ledger.reject_if(v_date.code, p_row_number, 'created_at', v_created)
    || ledger.reject_if(case when v_line1 is not null and not v_row.address ?& '{recipient,city,country}' then 'row_address_incomplete'
                             when v_line1 is not null and v_country !~ '^[A-Z]{2}$' then 'row_country_unknown' end,
                        p_row_number, 'country', v_country))::ledger.import_reading;
end $$;
comment on function ledger.read_customer_row(bigint, jsonb, jsonb) is 'What a row of kind customers says, and the reasons to reject it.';

create function ledger.import_customers_analyze(p_run_id uuid)
returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_run public.import_runs;
  v_first_row bigint;
  v_last_row bigint;
begin
  select r.* into v_run from public.import_runs r where r.id = p_run_id;
  for v_first_row, v_last_row in select c.first_row, c.last_row from ledger.import_chunks(p_run_id) c loop
    perform ledger.keep_import_readings(p_run_id, array(
      select ledger.read_customer_row(w.row_number, w.data, v_run.options)
      from public.import_rows w
      where w.run_id = p_run_id and w.row_number between v_first_row and v_last_row));
  end loop;
  return (
    select jsonb_build_object('customers', count(distinct w.external_id), 'without_email', count(distinct w.external_id) filter (where not w.parsed ? 'email'))
    from public.import_rows w
    where w.run_id = p_run_id and w.state = 'staged');
end $$;
comment on function ledger.import_customers_analyze(uuid) is
  'Reads the staged rows of an import of customers, rejects those that cannot be read; answers {"customers", "without_email"} of the others.';

create function ledger.import_customers_apply(p_run_id uuid, p_limit integer)
returns ledger.import_batch
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_run public.import_runs;
  v_rows bigint[];
  v_batch ledger.import_batch := row(0, 0, 0)::ledger.import_batch;
begin
  select r.* into v_run from public.import_runs r where r.id = p_run_id;
  -- imports of customers one after the other: two could bring the same person
  perform pg_advisory_xact_lock(hashtextextended('import customers', 0));
  v_rows := array(select w.row_number from public.import_rows w where w.run_id = p_run_id and w.state = 'staged' order by w.row_number limit p_limit);

  -- check: a run that was left alone has no data any more
  v_batch.rejected_rows := ledger.reject_blanked_rows(p_run_id, v_rows, 'customer');

  -- who is here by their e-mail is known under the older system's name from now on
  insert into public.import_identities (kind, external_id, target_id, run_id)
  select distinct on (w.external_id) 'customer', w.external_id, p.id, p_run_id
  from public.import_rows w
  join auth.users u on u.email = w.parsed ->> 'email'
  join public.profiles p on p.id = u.id and p.erased_at is null
  where w.run_id = p_run_id and w.row_number = any (v_rows)
  order by w.external_id, w.row_number
  on conflict (kind, external_id) do nothing;

  -- the first row of each of the others, by name and by e-mail
  v_batch.applied_rows := ledger.write_imported_customers(v_run, array(
    select n.row_number
    from (select w.row_number, row_number() over (partition by w.external_id order by w.row_number) as of_name,
                 row_number() over (partition by coalesce(w.parsed ->> 'email', w.row_number::text) order by w.row_number) as of_email
          from public.import_rows w
          where w.run_id = p_run_id and w.row_number = any (v_rows) and w.state = 'staged'
            and not exists (select from public.import_identities i where i.kind = 'customer' and i.external_id = w.external_id)) n
    where n.of_name = 1 and n.of_email = 1));

  update public.import_rows w set state = 'skipped', target_id = i.target_id, parsed = w.parsed || jsonb_build_object('user_id', i.target_id)
  from public.import_identities i
  where w.run_id = p_run_id and w.row_number = any (v_rows) and w.state = 'staged' and i.kind = 'customer' and i.external_id = w.external_id;
  get diagnostics v_batch.skipped_rows = row_count;
  return v_batch;
end $$;
comment on function ledger.import_customers_apply(uuid, integer) is 'Writes the next customers of an import; answers how many rows became what.';
