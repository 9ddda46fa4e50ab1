/* What is wrong with the arguments of a payment, without looking at anything; p_subjects: how many it is said to be for. */
create function ledger.refuse_payment(
  p_amount bigint, p_method text, p_reference text, p_notes text, p_paid_at timestamptz, p_subjects integer, p_has_stray_currency boolean)
returns jsonb
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  return case
    when p_subjects <> 1 or p_has_stray_currency then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_order_id, p_invoice_id, p_user_id',
        'problem', 'exactly one of them; p_currency goes with p_user_id only'))
    when p_amount is null or p_amount <= 0 then
      ledger.refuse('invalid_amount', jsonb_build_object('amount', p_amount, 'expected', 'above zero'))
    when p_amount > 9007199254740991 then ledger.refuse('amount_too_large', jsonb_build_object('maximum', 9007199254740991))
    when p_method is null or p_method not in ('bank_transfer', 'card', 'cash', 'other') then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_method', 'problem', 'one of bank_transfer, card, cash, other'))
    when length(p_reference) > 200 or length(p_notes) > 2000 then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_reference, p_notes',
        'problem', 'a reference has at most 200 characters, notes at most 2000'))
    when ledger.reference_key(p_reference) = '' and p_reference ~ '\S' then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_reference', 'problem', 'letters or digits are among it'))
    -- a day ahead, for clocks and time zones
    when p_paid_at not between '1970-01-01Z' and clock_timestamp() + interval '1 day' then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_paid_at', 'problem', 'not in the future, and not before 1970'))
  end;
end $$;
comment on function ledger.refuse_payment(bigint, text, text, text, timestamptz, integer, boolean) is
  'The refusal for a payment whose arguments cannot be right, or null.';

/* Why an invoice of an account takes no payment: it is not there, or not live. */
create function ledger.refuse_invoice(p_account_id uuid, p_invoice_id uuid)
returns jsonb
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_invoice public.invoices;
begin
  select i.* into v_invoice from public.invoices i where i.account_id = p_account_id and i.id = p_invoice_id;
  return case
    when v_invoice.id is null then ledger.refuse('invoice_not_found', jsonb_build_object('invoice_id', p_invoice_id))
    when v_invoice.kind <> 'invoice' or v_invoice.status <> 'issued' then
      ledger.refuse('invoice_not_open', jsonb_build_object('invoice_id', p_invoice_id, 'invoice_number', v_invoice.invoice_number,
        'status', case v_invoice.kind when 'invoice' then v_invoice.status else 'a credit note' end))
  end;
end $$;
comment on function ledger.refuse_invoice(uuid, uuid) is 'The refusal for paying something else than a live invoice of the account, or null.';
