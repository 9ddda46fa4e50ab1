/*
 * Kind products: a variant with its product, price and opening stock for each SKU. Fields: sku, name, price,
 * and optionally variant, product (rows with the same one are variants of one product), description, tax_rate,
 * vendor, stock, active, currency (the run's). A SKU is imported once: the first row of it that can be read counts,
 * the others are skipped, and so are SKUs that are here already; nothing of them is changed.
 */
create type ledger.import_product_row as (
  sku text,
  name text,
  variant text,
  product text,
  description text,
  price_amount bigint,
  tax_rate_bp integer,
  vendor text,
  stock bigint,
  active boolean
);
comment on type ledger.import_product_row is 'Keys of import_rows.parsed of kind products; price_amount in minor units.';

create function ledger.read_product_row(p_row_number bigint, p_data jsonb, p_options jsonb, p_currency text, p_exponent integer)
returns ledger.import_reading
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_row ledger.import_product_row;
  v_amount ledger.parsed_amount;
  v_price text := ledger.import_field(p_data, p_options, 'price');
  v_stock text := regexp_replace(ledger.latin_digits(ledger.import_field(p_data, p_options, 'stock')), '\.0+$', '');
  v_rate text := rtrim(ledger.latin_digits(ledger.import_field(p_data, p_options, 'tax_rate')), ' %');
  v_active text := lower(ledger.import_field(p_data, p_options, 'active'));
begin
  v_row.sku := ledger.import_field(p_data, p_options, 'sku');
  v_row.name := ledger.import_field(p_data, p_options, 'name');
  v_row.variant := coalesce(left(ledger.import_field(p_data, p_options, 'variant'), 255), 'Default');
  v_row.product := left(ledger.import_field(p_data, p_options, 'product'), 180);
  v_row.description := ledger.import_field(p_data, p_options, 'description');
  v_row.vendor := left(ledger.import_field(p_data, p_options, 'vendor'), 200);
  v_amount := ledger.parse_amount(v_price, p_currency, p_exponent, p_options);
  v_row.price_amount := v_amount.amount;
  v_row.tax_rate_bp := case when v_rate ~ '^[0-9]{1,3}(\.[0-9]{1,2}0*)?$' and v_rate::numeric <= 100 then v_rate::numeric * 100 end;
  v_row.stock := case when v_stock ~ '^[0-9]{1,12}$' then v_stock::bigint end;
  v_row.active := coalesce(v_active not in ('false', 'f', 'no', 'n', '0'), true);
  return row(p_row_number, v_row.sku, null, jsonb_strip_nulls(to_jsonb(v_row)),
    ledger.reject_if(case when v_row.sku is null then 'row_value_missing' when length(v_row.sku) > 100 then 'row_text_too_long' end,
                     p_row_number, 'sku', v_row.sku, '{"maximum": 100}')
    || ledger.reject_if(case when v_row.name is null then 'row_value_missing' when length(v_row.name) > 255 then 'row_text_too_long' end,
                        p_row_number, 'name', v_row.name, '{"maximum": 255}')
    || ledger.reject_if(coalesce(v_amount.code, case when v_amount.amount < 0 then 'row_amount_negative' when v_amount.amount = 0 then 'row_price_zero' end),
                        p_row_number, 'price', v_price, v_amount.details)
    || ledger.reject_if(case when v_rate is not null and v_row.tax_rate_bp is null then 'row_tax_rate_unreadable' end, p_row_number, 'tax_rate', v_rate)
    || ledger.reject_other_currency(p_row_number, p_data, p_options, p_currency)
    || ledger.reject_if(case when v_stock is not null and v_row.stock is null then 'row_number_not_whole' end, p_row_number, 'stock', v_stock))::ledger.import_reading;
end $$;
comment on function ledger.read_product_row(bigint, jsonb, jsonb, text, integer) is 'What a row of kind products says, and the reasons to reject it.';

create function ledger.import_products_analyze(p_run_id uuid)
returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_run public.import_runs;
  v_exponent integer;
  v_first_row bigint;
  v_last_row bigint;
begin
  select r.* into v_run from public.import_runs r where r.id = p_run_id;
  v_exponent := (select c.exponent from public.currencies c where c.code = v_run.currency);
  for v_first_row, v_last_row in select c.first_row, c.last_row from ledger.import_chunks(p_run_id) c loop
    perform ledger.keep_import_readings(p_run_id, array(
      select ledger.read_product_row(w.row_number, w.data, v_run.options, v_run.currency, v_exponent)
      from public.import_rows w
      where w.run_id = p_run_id and w.row_number between v_first_row and v_last_row));
  end loop;
  return (
    select jsonb_build_object('skus', count(distinct w.external_id),
      'new_skus', count(distinct w.external_id) filter (where not exists (select from public.variants v where v.sku = w.external_id)))
    from public.import_rows w
    where w.run_id = p_run_id and w.state = 'staged');
end $$;
comment on function ledger.import_products_analyze(uuid) is
  'Reads the staged rows of an import of products, rejects those that cannot be read; answers {"skus", "new_skus"} of the others.';

create function ledger.import_products_apply(p_run_id uuid, p_limit integer)
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
  -- imports of products one after the other: two could bring the same SKU
  perform pg_advisory_xact_lock(hashtextextended('import products', 0));
  v_rows := array(select w.row_number from public.import_rows w where w.run_id = p_run_id and w.state = 'staged' order by w.row_number limit p_limit);

  -- check: a run that was left alone has no data any more
  v_batch.rejected_rows := ledger.reject_blanked_rows(p_run_id, v_rows, 'sku');

  -- write: what is not here, from the first row of each SKU
  v_batch.applied_rows := ledger.write_imported_products(v_run, array(
    select distinct on (w.external_id) w.row_number
    from public.import_rows w
    where w.run_id = p_run_id and w.row_number = any (v_rows) and w.state = 'staged'
      and not exists (select from public.variants v where v.sku = w.external_id)
    order by w.external_id, w.row_number));

  -- the other rows say nothing new
  update public.import_rows w set state = 'skipped', target_id = v.id
  from public.variants v
  where w.run_id = p_run_id and w.row_number = any (v_rows) and w.state = 'staged' and v.sku = w.external_id;
  get diagnostics v_batch.skipped_rows = row_count;
  return v_batch;
end $$;
comment on function ledger.import_products_apply(uuid, integer) is 'Writes the next products of an import; answers how many rows became what.';
