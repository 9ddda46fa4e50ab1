/* Why a receipt cannot be sent as it is, each as a refusal or null. */

/* What is wrong with what the customer says of the transfer. Locks its file, which stays as it is from here on. */
create function ledger.refuse_receipt_claim(p_receipt public.payment_receipts)
returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  return case
    when p_receipt.amount is null or p_receipt.amount <= 0 then
      ledger.refuse('invalid_amount', jsonb_build_object('amount', p_receipt.amount, 'expected', 'above zero'))
    when p_receipt.amount > 9007199254740991 then ledger.refuse('amount_too_large', jsonb_build_object('maximum', 9007199254740991))
    when p_receipt.reference is null and p_receipt.storage_path is null then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_reference, p_storage_path',
        'problem', 'say how the bank names the transfer, or upload its receipt'))
    when length(p_receipt.reference) > 200 or ledger.reference_key(p_receipt.reference) = '' then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_reference', 'problem', 'at most 200 characters, letters or digits among them'))
    when length(p_receipt.notes) > 2000 then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_notes', 'problem', 'at most 2000 characters'))
    -- tomorrow is today already somewhere
    when p_receipt.paid_on not between date '2000-01-01' and (clock_timestamp() at time zone 'UTC')::date + 1 then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_paid_on', 'problem', 'the day of the transfer, not one to come'))
    else ledger.refuse_receipt_file(p_receipt.user_id, p_receipt.storage_path)
  end;
end $$;
comment on function ledger.refuse_receipt_claim(public.payment_receipts) is
  'The refusal for a receipt whose amount, reference, texts, day or file is not what it has to be, or null.';

/* What it is for: an order that has not ended or an invoice that is not void. Both are locked by their account. */
create function ledger.refuse_receipt_subject(p_order public.orders, p_invoice public.invoices)
returns jsonb
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  return case
    when p_order.status in ('rejected', 'cancelled', 'refunded') then
      ledger.refuse('receipt_not_allowed', jsonb_build_object('subject', 'order ' || p_order.order_number, 'reason', 'it is ' || p_order.status))
    when p_invoice.kind <> 'invoice' then
      ledger.refuse('receipt_not_allowed', jsonb_build_object('subject', p_invoice.invoice_number, 'reason', 'it is a credit note'))
    when p_invoice.status <> 'issued' then
      ledger.refuse('receipt_not_allowed', jsonb_build_object('subject', 'invoice ' || p_invoice.invoice_number, 'reason', 'it is ' || p_invoice.status))
  end;
end $$;
comment on function ledger.refuse_receipt_subject(public.orders, public.invoices) is
  'The refusal for a receipt for an order that has ended or an invoice that claims nothing any more, or null.';

/* One transfer and one file are shown once; a receipt of which the payment was voided counts no more. */
create function ledger.refuse_used_receipt(p_receipt public.payment_receipts)
returns jsonb
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  return case
    when exists (
      select from public.payments p
      where p.method = 'bank_transfer' and ledger.reference_key(p.reference) = ledger.reference_key(p_receipt.reference)
        and p.reference is not null and p.status = 'captured') then
      ledger.refuse('payment_reference_used', jsonb_build_object('method', 'bank_transfer', 'reference', p_receipt.reference))
    when exists (
      select from public.payment_receipts r
      where ledger.reference_key(r.reference) = ledger.reference_key(p_receipt.reference)
        and r.reference is not null and r.status in ('submitted', 'approved', 'partly_approved') and r.payment_voided_at is null
        and r.id is distinct from p_receipt.id) then
      ledger.refuse('receipt_reference_used', jsonb_build_object('reference', p_receipt.reference))
    when exists (
      select from public.payment_receipts r
      where r.storage_path = p_receipt.storage_path
        and r.status in ('submitted', 'approved', 'partly_approved') and r.payment_voided_at is null
        and r.id is distinct from p_receipt.id) then
      ledger.refuse('receipt_file_used', jsonb_build_object('storage_path', p_receipt.storage_path))
  end;
end $$;
comment on function ledger.refuse_used_receipt(public.payment_receipts) is
  'The refusal for a receipt of a transfer that is recorded or shown already, or null.';
