/* What an analysis read out of a row: what goes into import_rows, and what is wrong with it. */
create type ledger.import_reading as (
  row_number bigint,
  external_id text,
  amount bigint,
  parsed jsonb,
  rejects ledger.import_reject[]
);
comment on type ledger.import_reading is 'A row as the analysis read it; rejects is empty or null when nothing is wrong with it.';

/* Rows of a run that are read at a time: an analysis holds so many in memory, however long the file. */
create function ledger.import_chunks(p_run_id uuid)
returns table (first_row bigint, last_row bigint)
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select min(w.row_number), max(w.row_number)
  from (select r.row_number, (row_number() over (order by r.row_number) - 1) / 10000 as chunk
        from public.import_rows r
        where r.run_id = p_run_id) w
  group by w.chunk
  order by w.chunk;
$$;
comment on function ledger.import_chunks(uuid) is 'Ranges of row numbers of a run, of ten thousand rows each.';

/*
 * Keeps what an analysis read, and rejects what it could not. With p_find_customers the customer that
 * parsed.customer names goes into parsed.user_id, and a row whose customer nobody is is rejected.
 */
create function ledger.keep_import_readings(p_run_id uuid, p_readings ledger.import_reading[], p_find_customers boolean default false)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  with customers as materialized (
    select c.value, c.user_id
    from ledger.imported_customers(case when p_find_customers then array(select distinct r.parsed ->> 'customer' from unnest(p_readings) r) end) c)
  update public.import_rows w set
    external_id = r.external_id,
    amount = r.amount,
    parsed = r.parsed || case when c.user_id is null then '{}' else jsonb_build_object('user_id', c.user_id) end
  from unnest(p_readings) r
  left join customers c on c.value = r.parsed ->> 'customer'
  where w.run_id = p_run_id and w.row_number = r.row_number;
  perform ledger.reject_import_rows(p_run_id, array(
    select row(j.row_number, j.field, j.code, j.value, j.details)::ledger.import_reject
    from unnest(p_readings) r
    cross join lateral unnest(r.rejects) j));
  if p_find_customers then
    perform ledger.reject_import_rows(p_run_id, array(
      select row(w.row_number, 'customer', 'row_customer_not_found', w.parsed ->> 'customer', null)::ledger.import_reject
      from unnest(p_readings) r
      join public.import_rows w on w.run_id = p_run_id and w.row_number = r.row_number
      where w.parsed ? 'customer' and not w.parsed ? 'user_id'));
  end if;
end $$;
comment on function ledger.keep_import_readings(uuid, ledger.import_reading[], boolean) is 'Writes what an analysis read out of rows; those with rejects are rejected.';

/* The second row of a file with an external id, in any spelling, is a duplicate, whatever it says. */
create function ledger.reject_duplicate_rows(p_run_id uuid, p_field text default 'external_id')
returns integer
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  return ledger.reject_import_rows(p_run_id, array(
    select row(d.row_number, p_field, 'row_duplicate', d.external_id, jsonb_build_object('first_row', d.first_row))::ledger.import_reject
    from (select w.row_number, w.external_id, min(w.row_number) over (partition by ledger.import_key(w.external_id)) as first_row
          from public.import_rows w
          where w.run_id = p_run_id and w.external_id is not null) d
    where d.row_number <> d.first_row));
end $$;
comment on function ledger.reject_duplicate_rows(uuid, text) is 'Rejects rows whose external id stands in an earlier row of the same import; answers how many.';

/*
 * Whom values of a file mean: an external id that was imported, the id of a profile, or the e-mail
 * address somebody signs in with. An erased person is nobody.
 */
create function ledger.imported_customers(p_values text[])
returns table (value text, user_id uuid)
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select v.value, p.id
  from (select distinct u.value from unnest(p_values) u (value) where u.value is not null) v
  left join public.import_identities i on i.kind = 'customer' and i.external_id = v.value
  left join auth.users e on i.target_id is null and position('@' in v.value) > 1 and e.email = lower(v.value)
  join public.profiles p on p.erased_at is null and p.id = coalesce(i.target_id, e.id,
    case when v.value ~* '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' then v.value::uuid end);
$$;
comment on function ledger.imported_customers(text[]) is 'The customers that external ids, profile ids or e-mail addresses mean; those that mean nobody are left out.';
