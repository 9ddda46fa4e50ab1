/*
 * What a row claims beyond what it proves: the line with what is proven, and the claims beside it. A wallet part
 * without a transaction was not paid, as far as anybody knows; a receipt that nobody has looked at proves
 * nothing yet; of two statuses the earlier one is proven, by both. An order that had ended claims nothing: the
 * wallet has what it had, and its receipt nobody has to look at.
 */
create function ledger.read_order_claims(p_data jsonb, p_options jsonb, p_line ledger.import_order_line)
returns ledger.import_order_line
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_line ledger.import_order_line := p_line;
  v_of_customer text := ledger.import_word(p_data, p_options, 'customer_status');
  v_may_claim boolean := coalesce(p_options ->> 'broken_orders' = 'claim', false) and not p_line.is_cancellation;
  v_has_ended boolean := p_line.status in ('rejected', 'cancelled', 'refunded');
  v_keeps_claims boolean := v_may_claim and not v_has_ended;
begin
  v_line.wallet_transaction := left(ledger.import_field(p_data, p_options, 'wallet_transaction'), 200);
  v_line.claimed_status := ledger.status_of_stage(ledger.import_word(p_data, p_options, 'management_status'), v_of_customer);

  -- statuses; ends are for a person to decide
  if v_keeps_claims then
    v_line.has_mismatch := ledger.status_rank(v_of_customer) <> ledger.status_rank(v_line.claimed_status);
    v_line.status := case when ledger.status_rank(v_line.claimed_status) < ledger.status_rank(v_line.status) then v_line.claimed_status else v_line.status end;
    v_line.customer_status := left(ledger.import_field(p_data, p_options, 'customer_status'), 100);
    v_line.management_status := left(ledger.import_field(p_data, p_options, 'management_status'), 100);
    v_line.said_payment_status := left(ledger.import_field(p_data, p_options, 'payment_status'), 100);
  end if;

  -- the wallet's part: with a transaction it was paid like any other
  if v_line.payment_method not in ('wallet', 'wallet_partial') then
    v_line.wallet_amount := null;
  elsif v_line.wallet_transaction is not null then
    v_line.paid_amount := coalesce(v_line.paid_amount + v_line.wallet_amount, v_line.wallet_amount, v_line.paid_amount);
    v_line.wallet_amount := null;
  elsif v_may_claim then
    v_line.lacks_transaction := v_keeps_claims;
    v_line.wallet_amount := case when v_keeps_claims then v_line.wallet_amount end;
  end if;

  -- a receipt under review
  if v_keeps_claims and v_line.payment_status = 'receipt_uploaded' then
    v_line.receipt_reference := ledger.import_field(p_data, p_options, 'receipt_reference');
    v_line.has_receipt := true;
  else
    v_line.receipt_amount := null;
  end if;
  -- what is not proven was not paid, so the amount says the payment status
  if v_line.lacks_transaction is not null or v_line.has_receipt or (v_may_claim and v_line.payment_status = 'receipt_uploaded') then
    v_line.paid_amount := case when v_has_ended and v_line.payment_method = 'wallet' then 0 else coalesce(v_line.paid_amount, 0) end;
    v_line.payment_status := case when v_has_ended or v_line.payment_status in ('paid', 'unpaid', 'partially_paid', 'receipt_uploaded')
                                  then null else v_line.payment_status end;
  end if;
  return v_line;
end $$;
comment on function ledger.read_order_claims(jsonb, jsonb, ledger.import_order_line) is
  'A line whose words and amounts are read, with its status, paid amount and payment status as far as they are proven, and what was claimed beyond.';

/*
 * What of a claim cannot be kept: a part of the wallet that nobody knows the size of, a receipt without a name,
 * or either of an order that the management had in a stage that leads nowhere.
 */
create function ledger.reject_order_claims(p_row_number bigint, p_line ledger.import_order_line)
returns ledger.import_reject[]
language sql immutable
set search_path = pg_catalog, pg_temp
as $$
  select ledger.reject_if(case when p_line.lacks_transaction and p_line.payment_method = 'wallet_partial' and p_line.wallet_amount is null then 'row_value_missing' end,
                          p_row_number, 'wallet_amount', null)
      || ledger.reject_if(case when p_line.has_receipt is not true then null
                               when coalesce(ledger.reference_key(p_line.receipt_reference), '') = '' then 'row_value_missing'
                               when length(p_line.receipt_reference) > 200 then 'row_text_too_long' end,
                          p_row_number, 'receipt_reference', p_line.receipt_reference, '{"maximum": 200}')
      || ledger.reject_if(case when (p_line.lacks_transaction or p_line.has_receipt) and p_line.has_mismatch is null
                                and p_line.claimed_status is not null and ledger.status_rank(p_line.claimed_status) is null then 'row_statuses_disagree' end,
                          p_row_number, 'management_status', p_line.status || ' / ' || p_line.claimed_status);
$$;
comment on function ledger.reject_order_claims(bigint, ledger.import_order_line) is 'Reasons to reject a line of which what is claimed cannot be kept.';
