-- Imports for the tests: rows go in through the same procedures that an import command calls.

/* Brings rows in, to the end; answers the run. */
create or replace function tests.bring_in(kind text, rows jsonb, options jsonb default '{}') returns uuid
language plpgsql set search_path = '' as $$
declare
  v_run_id uuid;
  v_done boolean := false;
begin
  v_run_id := tests.stage_and_analyze(kind, rows, options);
  while not v_done loop
    select (tests.expect_success(p)).done into v_done from public.import_apply(v_run_id, p_limit => 3) p;
  end loop;
  return v_run_id;
end $$;

/* The same up to its analysis. */
create or replace function tests.stage_and_analyze(kind text, rows jsonb, options jsonb default '{}') returns uuid
language plpgsql set search_path = '' as $$
declare
  v_run_id uuid;
begin
  select (tests.expect_success(b)).run_id into v_run_id
  from public.import_begin(kind, 'old shop', '{"decimal_separator": ".", "currency": "USD"}' || options) b;
  perform tests.expect_success(s) from public.import_stage(v_run_id, 1, rows, true) s;
  perform tests.expect_success(a) from public.import_analyze(v_run_id) a;
  return v_run_id;
end $$;

/* The run that was begun last. */
create or replace function tests.last_run() returns uuid
language sql stable set search_path = '' as $$
  select r.id from public.import_runs r order by r.created_at desc, r.id desc limit 1;
$$;

/* The rows of a run as "1 applied, 2 rejected row_value_missing sku, ...". */
create or replace function tests.rows_of(run_id uuid) returns text
language sql stable set search_path = '' as $$
  select string_agg(concat_ws(' ', w.row_number, w.state, j.reasons), ', ' order by w.row_number)
  from public.import_rows w
  left join (select r.row_number, string_agg(r.code || ' ' || r.field, ' ' order by r.field) as reasons
             from public.import_rejects r
             where r.run_id = rows_of.run_id
             group by r.row_number) j on j.row_number = w.row_number
  where w.run_id = rows_of.run_id;
$$;

/* Brings rows in and answers what became of them. */
create or replace function tests.outcome_of(kind text, rows jsonb, options jsonb default '{}') returns text
language plpgsql set search_path = '' as $$
declare
  v_run_id uuid := tests.bring_in(outcome_of.kind, outcome_of.rows, outcome_of.options);
begin
  return tests.rows_of(v_run_id);
end $$;

/* A line of an old order. */
create or replace function tests.old_line(
  order_number text, sku text default 'CUP', quantity text default '1', unit_price text default '2.50', customer text default 'ann-1',
  placed_at text default '2020-03-01 10:00', more jsonb default '{}'
) returns jsonb
language sql immutable set search_path = '' as $$
  select jsonb_build_object('order_number', order_number, 'sku', sku, 'quantity', quantity, 'unit_price', unit_price,
                            'customer', customer, 'placed_at', placed_at) || more;
$$;

/* The customers ann-1 and ben-2, and the products CUP and PAN with a stock of 10 each. */
create or replace function tests.open_old_shop() returns void
language plpgsql set search_path = '' as $$
begin
  perform tests.bring_in('customers', '[{"customer": "ann-1", "email": "Ann@Old.example", "name": "Ann"}, {"customer": "ben-2"}]');
  perform tests.bring_in('products', '[{"sku": "CUP", "name": "Cup", "price": "3.00", "stock": "10"}, {"sku": "PAN", "name": "Pan", "price": "20", "stock": "10"}]');
end $$;

/* An imported order by its old number. */
create or replace function tests.old_order(old_number text) returns public.orders
language sql stable set search_path = '' as $$
  select o from public.orders o join public.import_identities i on i.target_id = o.id and i.kind = 'order' and i.external_id = old_number;
$$;
