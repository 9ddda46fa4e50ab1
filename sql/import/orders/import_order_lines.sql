/* What a row of kind orders says: a line of an order, with the order's own fields repeated on it. Amounts in minor units. */
create type ledger.import_order_line as (
  order_number text,
  is_cancellation boolean,
  customer text,
  user_id uuid,
  sku text,
  product_name text,
  quantity bigint,
  unit_price_amount bigint,
  discount_amount bigint,
  tax_rate_bp integer,
  shipping_amount bigint,
  total_amount bigint,
  paid_amount bigint,
  placed_at timestamptz,
  status text,
  payment_status text,
  payment_method text,
  country text,
  notes text,
  wallet_amount bigint,
  wallet_transaction text,
  lacks_transaction boolean,
  receipt_reference text,
  receipt_amount bigint,
  has_receipt boolean,
  customer_status text,
  management_status text,
  claimed_status text,
  has_mismatch boolean,
  said_payment_status text
);
comment on type ledger.import_order_line is 'Keys of import_rows.parsed of kind orders. A cancellation has a negative quantity; payment_status is null where the row says none. wallet_amount is a part without a transaction, and paid_amount does not hold it.';

/* A word of the older system in ours: options.words says what it means, {"status": {"Complete": "delivered"}}. */
create function ledger.import_word(p_data jsonb, p_options jsonb, p_field text)
returns text
language sql immutable parallel safe
return (select coalesce(p_options #>> array['words', p_field, w.word], lower(w.word)) from ledger.import_field(p_data, p_options, p_field) w (word));
comment on function ledger.import_word(jsonb, jsonb, text) is 'What a row says for a field that has a fixed set of values, in this system''s words.';

/* A spreadsheet writes the number 17850 as 17850.0 once a cell of its column is empty. */
create function ledger.import_name(p_text text)
returns text
language sql immutable parallel safe
return regexp_replace(p_text, '^([0-9]+)\.0+$', '\1');
comment on function ledger.import_name(text) is 'A name or number of the older system without the decimals that a spreadsheet gave it.';

/* Null and an empty list of reasons, or one reason. */
create function ledger.reject_if(p_code text, p_row_number bigint, p_field text, p_value text, p_details jsonb default null)
returns ledger.import_reject[]
language sql immutable parallel safe
return case when p_code is null then '{}'::ledger.import_reject[]
            else array[row(p_row_number, p_field, p_code, p_value, p_details)::ledger.import_reject] end;
comment on function ledger.reject_if(text, bigint, text, text, jsonb) is 'The reason as a list of one, or an empty list when there is no code.';

/* Amounts are of the run's currency; a row that says another one is not converted, and not taken for it. */
create function ledger.reject_other_currency(p_row_number bigint, p_data jsonb, p_options jsonb, p_currency text)
returns ledger.import_reject[]
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_currency text := upper(ledger.import_field(p_data, p_options, 'currency'));
begin
  return ledger.reject_if(case when v_currency <> p_currency then 'row_value_unknown' end, p_row_number, 'currency', v_currency,
                          jsonb_build_object('known', p_currency));
end $$;
comment on function ledger.reject_other_currency(bigint, jsonb, jsonb, text) is 'The reason to reject a row that names another currency than the run''s.';

/*
 * Why the words and the quantity of a line cannot be taken, or no reasons. Two statuses that disagree, and
 * money that is said to have come out of a wallet of which nothing is known, are for a person to decide.
 */
create function ledger.reject_order_words(p_row_number bigint, p_data jsonb, p_options jsonb, p_line ledger.import_order_line)
returns ledger.import_reject[]
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_of_customer text := ledger.import_word(p_data, p_options, 'customer_status');
  v_payment_status text := coalesce(p_line.payment_status, p_options ->> 'default_payment_status');
begin
  return ledger.reject_if(case when v_of_customer <> p_line.claimed_status and p_line.has_mismatch is null then 'row_statuses_disagree' end,
                          p_row_number, 'status', v_of_customer || ' / ' || p_line.claimed_status)
      || ledger.reject_if(case when p_line.status <> all (ledger.order_statuses()) then 'row_value_unknown' end, p_row_number, 'status', p_line.status,
                          jsonb_build_object('known', array_to_string(ledger.order_statuses(), ', ')))
      || ledger.reject_if(case when v_payment_status not in ('paid', 'unpaid', 'partially_paid')
                                and not (v_payment_status = 'refunded' and p_line.status in ('cancelled', 'refunded')) then 'row_value_unknown' end,
                          p_row_number, 'payment_status', v_payment_status, '{"known": "paid, unpaid, partially_paid"}')
      || ledger.reject_if(case when p_line.payment_method in ('wallet', 'wallet_partial') and coalesce(p_line.wallet_transaction, p_line.lacks_transaction::text) is null
                                 then 'row_wallet_without_transaction'
                               when p_line.payment_method not in ('bank_transfer', 'bank_transfer_grace', 'card', 'cash', 'invoice', 'wallet', 'wallet_partial', 'other')
                                 then 'row_value_unknown' end,
                          p_row_number, 'payment_method', p_line.payment_method,
                          '{"known": "bank_transfer, bank_transfer_grace, card, cash, invoice, wallet, wallet_partial, other"}')
      || ledger.reject_if(case when p_line.is_cancellation and p_line.quantity >= 0 then 'row_quantity_not_negative'
                               when not p_line.is_cancellation and p_line.quantity <= 0 then 'row_quantity_not_positive' end,
                          p_row_number, 'quantity', p_line.quantity::text);
end $$;
comment on function ledger.reject_order_words(bigint, jsonb, jsonb, ledger.import_order_line) is
  'Reasons to reject a line whose status, payment or quantity cannot be taken.';
