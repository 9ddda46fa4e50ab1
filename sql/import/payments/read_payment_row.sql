create function ledger.read_payment_row(p_row_number bigint, p_data jsonb, p_options jsonb, p_currency text, p_exponent integer)
returns ledger.import_reading
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_external_id text := ledger.import_external_id(ledger.import_field(p_data, p_options, 'external_id'), p_options);
  v_customer text := ledger.import_name(ledger.import_field(p_data, p_options, 'customer'));
  v_currency text := upper(ledger.import_field(p_data, p_options, 'currency'));
  v_method text := ledger.import_field(p_data, p_options, 'method');
  v_reference text := ledger.import_field(p_data, p_options, 'reference');
  v_notes text := ledger.import_field(p_data, p_options, 'notes');
  v_flag text := ledger.import_field(p_data, p_options, 'is_allocated');
  v_amount_text text := ledger.import_field(p_data, p_options, 'amount');
  v_paid_text text := ledger.import_field(p_data, p_options, 'paid_at');
  v_amount ledger.parsed_amount := ledger.parse_amount(v_amount_text, p_currency, p_exponent, p_options);
  v_paid ledger.parsed_date := ledger.parse_date(v_paid_text, p_options);
  v_is_allocated boolean := ledger.parse_flag(v_flag);
  v_rejects ledger.import_reject[] := array[]::ledger.import_reject[];
begin
  v_method := coalesce(p_options #>> array['methods', coalesce(v_method, '')], v_method, p_options ->> 'method', 'bank_transfer');
  if v_amount.code is null and v_amount.amount <= 0 then
    v_amount.code := 'row_amount_not_positive';
  end if;

  -- what is wrong with it
  if v_external_id is null or length(v_external_id) > 200 then
    v_rejects := v_rejects || ledger.text_reject(p_row_number, 'external_id', v_external_id, 200);
  end if;
  if v_customer is null then
    v_rejects := v_rejects || row(p_row_number, 'customer', 'row_value_missing', null, null)::ledger.import_reject;
  end if;
  if v_amount.code is not null then
    v_rejects := v_rejects || row(p_row_number, 'amount', v_amount.code, v_amount_text, v_amount.details)::ledger.import_reject;
  end if;
  v_paid.code := coalesce(v_paid.code, ledger.refuse_import_time(v_paid.at));
  if v_paid.code is not null then
    v_rejects := v_rejects || row(p_row_number, 'paid_at', v_paid.code, v_paid_text, null)::ledger.import_reject;
  end if;
  if v_currency <> p_currency then
    v_rejects := v_rejects || row(p_row_number, 'currency', 'row_value_unknown', v_currency, jsonb_build_object('known', p_currency))::ledger.import_reject;
  end if;
  if v_method not in ('bank_transfer', 'card', 'cash', 'other') then
    v_rejects := v_rejects
      || row(p_row_number, 'method', 'row_value_unknown', v_method, jsonb_build_object('known', 'bank_transfer, card, cash, other'))::ledger.import_reject;
  end if;
  if v_flag is not null and v_is_allocated is null then
    v_rejects := v_rejects || row(p_row_number, 'is_allocated', 'row_value_unknown', v_flag, jsonb_build_object('known', 'true, false, 1, 0, yes, no'))::ledger.import_reject;
  end if;
  if length(v_reference) > 200 then
    v_rejects := v_rejects || ledger.text_reject(p_row_number, 'reference', v_reference, 200);
  end if;
  if length(v_notes) > 2000 then
    v_rejects := v_rejects || ledger.text_reject(p_row_number, 'notes', v_notes, 2000);
  end if;

  return row(p_row_number, left(v_external_id, 200), case when v_amount.code is null or v_amount.code = 'row_amount_not_positive' then v_amount.amount end,
    jsonb_strip_nulls(jsonb_build_object(
      'customer', left(v_customer, 300), 'paid_at', v_paid.at, 'method', v_method, 'reference', v_reference, 'notes', v_notes,
      'is_allocated', v_is_allocated, 'invoice', left(ledger.import_external_id(ledger.import_field(p_data, p_options, 'invoice'), p_options), 200))),
    v_rejects);
end $$;
comment on function ledger.read_payment_row(bigint, jsonb, jsonb, text, integer) is 'One staged payment, as the analysis reads it.';

/*
 * The same voucher is recorded once per method: the second row of a file that names it is rejected, and one
 * that names a recorded payment's. When a batch is applied its rows are asked again.
 */
create function ledger.reject_used_references(p_run_id uuid, p_row_numbers bigint[] default null)
returns integer
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  return ledger.reject_import_rows(p_run_id, array(
    select row(w.row_number, 'reference', 'row_reference_used', w.reference, jsonb_build_object('method', w.method))::ledger.import_reject
    from (select r.row_number, r.external_id, r.parsed ->> 'method' as method, r.parsed ->> 'reference' as reference,
                 row_number() over (partition by r.parsed ->> 'method', ledger.reference_key(r.parsed ->> 'reference') order by r.row_number) as place
          from public.import_rows r
          where r.run_id = p_run_id and r.state = 'staged' and r.parsed ->> 'reference' is not null
            and (p_row_numbers is null or r.row_number = any (p_row_numbers))) w
    left join public.payments p on p.method = w.method and ledger.reference_key(p.reference) = ledger.reference_key(w.reference) and p.status = 'captured'
    where w.place > 1 or (p.id is not null and p.external_id is distinct from w.external_id)));
end $$;
comment on function ledger.reject_used_references(uuid, bigint[]) is 'Rejects staged payments whose reference is taken; answers how many.';
