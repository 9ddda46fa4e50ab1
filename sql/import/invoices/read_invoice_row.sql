create function ledger.read_invoice_row(p_row_number bigint, p_data jsonb, p_options jsonb, p_currency text, p_exponent integer)
returns ledger.import_reading
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_external_id text := ledger.import_external_id(ledger.import_field(p_data, p_options, 'external_id'), p_options);
  v_number text := coalesce(ledger.import_field(p_data, p_options, 'invoice_number'), v_external_id);
  v_customer text := ledger.import_name(ledger.import_field(p_data, p_options, 'customer'));
  v_currency text := upper(ledger.import_field(p_data, p_options, 'currency'));
  v_status text := lower(ledger.import_field(p_data, p_options, 'status'));
  v_amount ledger.parsed_amount := ledger.parse_amount(ledger.import_field(p_data, p_options, 'amount'), p_currency, p_exponent, p_options);
  v_tax ledger.parsed_amount := ledger.parse_amount(coalesce(ledger.import_field(p_data, p_options, 'tax_amount'), '0'), p_currency, p_exponent, p_options);
  v_issued ledger.parsed_date := ledger.parse_date(ledger.import_field(p_data, p_options, 'issued_at'), p_options);
  v_due ledger.parsed_date := ledger.parse_date(ledger.import_field(p_data, p_options, 'due_at'), p_options);
  v_rejects ledger.import_reject[] := array[]::ledger.import_reject[];
begin
  v_status := coalesce(lower(p_options #>> array['statuses', coalesce(v_status, '')]), case v_status when 'overdue' then 'unpaid' else v_status end);
  if v_amount.code is null and v_amount.amount <= 0 then
    v_amount.code := 'row_amount_not_positive';
  end if;
  if v_tax.code is null and v_tax.amount not between 0 and v_amount.amount then
    v_tax.code := 'row_tax_not_part';
  end if;

  -- what is wrong with it
  select coalesce(array_agg(row(p_row_number, f.field, f.code, f.value, f.details)::ledger.import_reject), '{}') into v_rejects
  from (values
    ('external_id', case when v_external_id is null then 'row_value_missing' when length(v_external_id) > 200 then 'row_text_too_long' end,
     v_external_id, jsonb_build_object('maximum', 200)),
    ('invoice_number', case when length(v_number) > 100 then 'row_text_too_long' end, v_number, jsonb_build_object('maximum', 100)),
    ('customer', case when v_customer is null then 'row_value_missing' end, null, null),
    ('amount', v_amount.code, ledger.import_field(p_data, p_options, 'amount'), v_amount.details),
    ('tax_amount', v_tax.code, ledger.import_field(p_data, p_options, 'tax_amount'), v_tax.details),
    ('issued_at', coalesce(v_issued.code, ledger.refuse_import_time(v_issued.at)), ledger.import_field(p_data, p_options, 'issued_at'), null),
    ('due_at', case when v_due.at < v_issued.at then 'row_due_before_issued' else nullif(v_due.code, 'row_value_missing') end, ledger.import_field(p_data, p_options, 'due_at'), null),
    ('currency', case when v_currency <> p_currency then 'row_value_unknown' end, v_currency, jsonb_build_object('known', p_currency)),
    ('status', case when v_status not in ('unpaid', 'partial', 'paid') then 'row_value_unknown' end, v_status,
     jsonb_build_object('known', 'unpaid, partial, paid, overdue')),
    ('reference', case when length(ledger.import_field(p_data, p_options, 'reference')) > 200 then 'row_text_too_long' end,
     ledger.import_field(p_data, p_options, 'reference'), jsonb_build_object('maximum', 200)),
    ('notes', case when length(ledger.import_field(p_data, p_options, 'notes')) > 2000 then 'row_text_too_long' end,
     ledger.import_field(p_data, p_options, 'notes'), jsonb_build_object('maximum', 2000)),
    ('description', case when length(ledger.import_field(p_data, p_options, 'description')) > 1000 then 'row_text_too_long' end,
     ledger.import_field(p_data, p_options, 'description'), jsonb_build_object('maximum', 1000))) f (field, code, value, details)
  where f.code is not null;

  return row(p_row_number, left(v_external_id, 200),
    case when v_amount.code is null or v_amount.code = 'row_amount_not_positive' then v_amount.amount end,
    jsonb_strip_nulls(jsonb_build_object(
      'customer', left(v_customer, 300), 'invoice_number', v_number, 'tax_amount', v_tax.amount, 'issued_at', v_issued.at, 'due_at', v_due.at,
      'status', case when v_status in ('unpaid', 'partial', 'paid') then v_status end, 'reference', ledger.import_field(p_data, p_options, 'reference'), 'notes', ledger.import_field(p_data, p_options, 'notes'),
      'description', ledger.import_field(p_data, p_options, 'description'))),
    v_rejects);
end $$;
comment on function ledger.read_invoice_row(bigint, jsonb, jsonb, text, integer) is 'One staged invoice, as the analysis reads it.';

/* A number names one invoice of the older system: the second row with it is rejected, also when the first was in another file. */
create function ledger.reject_used_numbers(p_run_id uuid, p_row_numbers bigint[] default null)
returns integer
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  return ledger.reject_import_rows(p_run_id, array(
    select row(w.row_number, 'invoice_number', 'row_number_used', w.invoice_number, null)::ledger.import_reject
    from (select r.row_number, r.external_id, r.parsed ->> 'invoice_number' as invoice_number,
                 row_number() over (partition by r.parsed ->> 'invoice_number' order by r.row_number) as place
          from public.import_rows r
          where r.run_id = p_run_id and r.state = 'staged' and (p_row_numbers is null or r.row_number = any (p_row_numbers))) w
    where w.place > 1
      or exists (select from public.invoices i
                 where i.invoice_number = w.invoice_number and i.source = 'import' and i.status = 'issued' and i.external_id <> w.external_id)));
end $$;
comment on function ledger.reject_used_numbers(uuid, bigint[]) is 'Rejects staged invoices whose number another invoice has; answers how many.';
