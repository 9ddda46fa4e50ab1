/* Reads a row of kind orders, or says why it cannot be read: every reason there is, one for a field. */
create function ledger.read_order_row(p_row_number bigint, p_data jsonb, p_options jsonb, p_currency text, p_exponent integer)
returns ledger.import_reading
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_line ledger.import_order_line;
  v_rejects ledger.import_reject[] := array[]::ledger.import_reject[];
  v_amount ledger.parsed_amount;
  v_date ledger.parsed_date;
  v_field text;
  v_text text;
  v_sum numeric;
begin
  -- names and words
  v_line.order_number := ledger.import_name(ledger.import_field(p_data, p_options, 'order_number'));
  v_line.customer := coalesce(ledger.import_name(ledger.import_field(p_data, p_options, 'customer')),
                              lower(ledger.import_field(p_data, p_options, 'email')), p_options ->> 'guest_customer');
  v_line.sku := ledger.import_field(p_data, p_options, 'sku');
  v_line.product_name := left(ledger.import_field(p_data, p_options, 'product_name'), 255);
  v_line.country := left(ledger.import_field(p_data, p_options, 'country'), 100);
  v_line.notes := left(ledger.import_field(p_data, p_options, 'notes'), 2000);
  v_line.is_cancellation := coalesce(starts_with(v_line.order_number, nullif(p_options ->> 'cancellation_prefix', '')), false);
  v_line.status := coalesce(ledger.import_word(p_data, p_options, 'status'), ledger.import_word(p_data, p_options, 'customer_status'),
                            ledger.import_word(p_data, p_options, 'management_status'), p_options ->> 'default_status', 'delivered');
  v_line.payment_status := ledger.import_word(p_data, p_options, 'payment_status');
  v_line.payment_method := coalesce(ledger.import_word(p_data, p_options, 'payment_method'), p_options ->> 'default_payment_method', 'other');

  v_rejects := ledger.reject_if(case when v_line.order_number is null then 'row_value_missing'
                                     when length(v_line.order_number) > 100 then 'row_text_too_long' end, p_row_number, 'order_number', v_line.order_number, '{"maximum": 100}')
    || ledger.reject_if(case when v_line.customer is null then 'row_value_missing' end, p_row_number, 'customer', null)
    || ledger.reject_if(case when v_line.sku is null then 'row_value_missing' when length(v_line.sku) > 100 then 'row_text_too_long' end,
                        p_row_number, 'sku', v_line.sku, '{"maximum": 100}')
    || ledger.reject_other_currency(p_row_number, p_data, p_options, p_currency);

  -- numbers
  v_text := regexp_replace(ledger.latin_digits(ledger.import_field(p_data, p_options, 'quantity')), '\.0+$', '');
  if v_text ~ '^[-+]?[0-9]{1,12}$' then
    v_line.quantity := v_text::bigint;
  else
    v_rejects := v_rejects || ledger.reject_if(case when v_text is null then 'row_value_missing' else 'row_number_not_whole' end, p_row_number, 'quantity', v_text);
  end if;
  v_text := rtrim(ledger.latin_digits(ledger.import_field(p_data, p_options, 'tax_rate')), ' %');
  v_line.tax_rate_bp := case when v_text is null then coalesce((p_options ->> 'tax_rate_bp')::integer, 0)
                             when v_text ~ '^[0-9]{1,3}(\.[0-9]{1,2}0*)?$' and v_text::numeric <= 100 then v_text::numeric * 100 end;
  v_rejects := v_rejects || ledger.reject_if(case when v_line.tax_rate_bp is null then 'row_tax_rate_unreadable' end, p_row_number, 'tax_rate', v_text);

  -- amounts and the time
  foreach v_field in array '{unit_price,discount,shipping,total,paid_amount,wallet_amount,receipt_amount}'::text[] loop
    v_text := ledger.import_field(p_data, p_options, v_field);
    continue when v_text is null and v_field <> 'unit_price';
    v_amount := ledger.parse_amount(v_text, p_currency, p_exponent, p_options);
    if v_amount.amount < 0 then
      v_amount.code := 'row_amount_negative';
    end if;
    v_rejects := v_rejects || ledger.reject_if(v_amount.code, p_row_number, v_field, v_text, v_amount.details);
    case v_field
      when 'unit_price' then v_line.unit_price_amount := v_amount.amount;
      when 'discount' then v_line.discount_amount := v_amount.amount;
      when 'shipping' then v_line.shipping_amount := v_amount.amount;
      when 'total' then v_line.total_amount := v_amount.amount;
      when 'paid_amount' then v_line.paid_amount := v_amount.amount;
      when 'wallet_amount' then v_line.wallet_amount := v_amount.amount;
      else v_line.receipt_amount := v_amount.amount;
    end case;
  end loop;
  v_text := ledger.import_field(p_data, p_options, 'placed_at');
  v_date := ledger.parse_date(v_text, p_options);
  v_line.placed_at := v_date.at;
  v_rejects := v_rejects || ledger.reject_if(
    coalesce(v_date.code, case when v_date.at not between timestamptz '1970-01-02 00:00:00+00' and clock_timestamp() then 'row_date_out_of_range' end),
    p_row_number, 'placed_at', v_text);

  -- what is proven of it, and what is claimed beyond
  v_line := ledger.read_order_claims(p_data, p_options, v_line);

  -- what the line amounts to
  v_sum := v_line.unit_price_amount::numeric * v_line.quantity - coalesce(v_line.discount_amount, 0) * sign(v_line.quantity);
  if abs(v_sum) > 9007199254740991 then
    v_rejects := v_rejects || ledger.reject_if('row_amount_too_large', p_row_number, 'amount', v_sum::text);
    v_sum := null;
  elsif v_line.discount_amount > v_line.unit_price_amount::numeric * abs(v_line.quantity) then
    v_rejects := v_rejects || ledger.reject_if('row_discount_too_large', p_row_number, 'discount', ledger.import_field(p_data, p_options, 'discount'));
  end if;
  return row(p_row_number, v_line.order_number, v_sum, jsonb_strip_nulls(to_jsonb(v_line)),
             v_rejects || ledger.reject_order_words(p_row_number, p_data, p_options, v_line)
                       || ledger.reject_order_claims(p_row_number, v_line))::ledger.import_reading;
end $$;
comment on function ledger.read_order_row(bigint, jsonb, jsonb, text, integer) is
  'What a row of kind orders says, what it amounts to (quantity x price - discount, minor units, negative for a cancellation), and the reasons to reject it.';
