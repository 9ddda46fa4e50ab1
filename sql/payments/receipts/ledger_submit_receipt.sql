create type public.ledger_submit_receipt_result as (
  success boolean, transaction_id uuid, error_code text, error_message text, error_details jsonb,
  receipt_id uuid, order_id uuid, invoice_id uuid, status text, amount bigint, currency text, payment_status text
);

/*
 * Shows finance a transfer for an order, for an invoice, or on account (minor units), by the bank's
 * reference, the file of its receipt, or both. With p_receipt_id a receipt that was handed back is
 * sent again: what is left out stays as it was. An order that is not covered reads receipt_uploaded
 * until somebody has looked; no money moves before. Source 000.
 */
create function public.ledger_submit_receipt(
  p_order_id uuid default null,
  p_amount bigint default null,
  p_reference text default null,
  p_storage_path text default null,
  p_paid_on date default null,
  p_notes text default null,
  p_invoice_id uuid default null,
  p_currency text default null,
  p_receipt_id uuid default null,
  p_idempotency_key text default null,
  p_user_id uuid default null)
returns setof public.ledger_submit_receipt_result
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_actor ledger.actor;
  v_user_id uuid;
  v_request jsonb;
  v_answer jsonb;
  v_before public.payment_receipts;
  v_receipt public.payment_receipts;
  v_invoice public.invoices;
  v_order public.orders;
  v_account public.accounts;
begin
  -- who may
  v_actor := ledger.current_actor();
  v_user_id := ledger.customer_of_call(v_actor, p_user_id, 'payments.record');

  -- asked before
  v_request := jsonb_build_array(v_user_id, p_order_id, p_amount, p_reference, p_storage_path, p_paid_on, p_notes, p_invoice_id, p_currency, p_receipt_id);
  v_answer := ledger.idempotency_begin('ledger_submit_receipt', p_idempotency_key, v_actor.caller_id, v_request);
  if v_answer is null and not v_actor.is_system then
    v_answer := ledger.rate_limit_take(v_actor.user_id, 'ledger_submit_receipt');
  end if;
  if v_answer is not null then
    return next jsonb_populate_record(null::public.ledger_submit_receipt_result, v_answer);
    return;
  end if;

  -- lock: order and account (what a receipt or an invoice is for never changes), receipt; the invoice stands under its account's lock
  select r.* into v_before from public.payment_receipts r where r.id = p_receipt_id and r.user_id = v_user_id;
  select i.* into v_invoice from public.invoices i where i.id = coalesce(p_invoice_id, v_before.invoice_id) and i.user_id = v_user_id;
  select o.* into v_order
  from public.orders o
  where o.id = coalesce(p_order_id, v_before.order_id, v_invoice.order_id) and o.user_id = v_user_id
  for no key update;
  v_account := ledger.lock_account(v_user_id,
    coalesce(v_order.currency, v_invoice.currency, v_before.currency, upper(p_currency), ledger.setting_text('default_currency')), p_open => false);
  select r.* into v_before from public.payment_receipts r where r.account_id = v_account.id and r.id = v_before.id for no key update;
  select i.* into v_invoice from public.invoices i where i.account_id = v_account.id and i.id = v_invoice.id;

  -- the receipt as it is asked for
  v_receipt := v_before;
  v_receipt.user_id := v_user_id;
  v_receipt.order_id := v_order.id;
  v_receipt.invoice_id := v_invoice.id;
  v_receipt.currency := coalesce(v_account.currency, upper(p_currency), ledger.setting_text('default_currency'));
  v_receipt.account_id := ledger.account_id(v_user_id, v_receipt.currency);
  v_receipt.amount := coalesce(p_amount, v_before.amount);
  v_receipt.reference := coalesce(nullif(regexp_replace(p_reference, '^\s+|\s+$', '', 'g'), ''), v_before.reference);
  v_receipt.storage_path := coalesce(nullif(p_storage_path, ''), v_before.storage_path);
  v_receipt.paid_on := coalesce(p_paid_on, v_before.paid_on);
  v_receipt.notes := coalesce(p_notes, v_before.notes);

  -- check
  v_answer := case
    when v_user_id is null then ledger.refuse('customer_required')
    when p_receipt_id is not null and v_before.id is null then ledger.refuse('receipt_not_found', jsonb_build_object('receipt_id', p_receipt_id))
    when p_order_id is not null and v_order.id is null then ledger.refuse('order_not_found', jsonb_build_object('order_id', p_order_id))
    when p_invoice_id is not null and v_invoice.id is null then ledger.refuse('invoice_not_found', jsonb_build_object('invoice_id', p_invoice_id))
    when (v_before.id is not null and (v_before.order_id, v_before.invoice_id) is distinct from (v_order.id, v_invoice.id))
      or (p_order_id is not null and p_invoice_id is not null and v_invoice.order_id is distinct from p_order_id) then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_order_id, p_invoice_id',
        'problem', 'a receipt is for one order or invoice, and stays for it when it is sent again'))
    when upper(p_currency) <> v_receipt.currency then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_currency', 'problem', format('it is in %s', v_receipt.currency)))
    when v_before.status <> 'handed_back' then ledger.refuse('receipt_conflict', jsonb_build_object(
      'status', v_before.status, 'wanted', 'submitted', 'expected', 'handed_back'))
    when v_account.id is null then ledger.refuse_opening(v_user_id, v_receipt.currency)
  end;
  v_answer := coalesce(v_answer, ledger.refuse_erased(v_user_id), ledger.refuse_receipt_subject(v_order, v_invoice),
                       ledger.refuse_receipt_claim(v_receipt), ledger.refuse_used_receipt(v_receipt));

  -- write: account (a first one), receipt, order; two who send the same transfer meet in its index
  if v_answer is null then
    begin
      perform set_config('ledger.procedure', 'ledger_submit_receipt', true);
      if v_account.id is null then
        insert into public.accounts (id, user_id, currency) values (v_receipt.account_id, v_user_id, v_receipt.currency);
      end if;
      v_receipt := ledger.write_receipt(v_receipt, v_actor);
    exception when unique_violation then
      v_answer := coalesce(ledger.refuse_used_receipt(v_receipt), ledger.refuse('receipt_reference_used', jsonb_build_object('reference', v_receipt.reference)));
    end;
  end if;
  if v_answer is not null then
    return next jsonb_populate_record(null::public.ledger_submit_receipt_result, v_answer);
    return;
  end if;
  v_order := ledger.set_payment_status(v_order, case when v_order.amount_due > 0 then 'receipt_uploaded' else v_order.payment_status end);

  -- record
  perform ledger.record_receipt('receipt.submitted', v_receipt, v_order, v_receipt.notes, v_actor, ledger.correlation_id());

  -- answer, stored under the key
  v_answer := jsonb_build_object('success', true, 'receipt_id', v_receipt.id, 'order_id', v_receipt.order_id, 'invoice_id', v_receipt.invoice_id,
    'status', v_receipt.status, 'amount', v_receipt.amount, 'currency', v_receipt.currency, 'payment_status', v_order.payment_status);
  v_answer := ledger.idempotency_end('ledger_submit_receipt', p_idempotency_key, v_actor.caller_id, v_request, v_receipt.account_id, v_answer);
  perform set_config('ledger.procedure', '', true);
  return next jsonb_populate_record(null::public.ledger_submit_receipt_result, v_answer);
end $$;
revoke execute on function public.ledger_submit_receipt(uuid, bigint, text, text, date, text, uuid, text, uuid, text, uuid) from public, anon;
grant execute on function public.ledger_submit_receipt(uuid, bigint, text, text, date, text, uuid, text, uuid, text, uuid) to authenticated, service_role;
comment on function public.ledger_submit_receipt(uuid, bigint, text, text, date, text, uuid, text, uuid, text, uuid) is
  'Shows finance a transfer of p_amount (minor units) of the caller (staff with payments.record: of p_user_id) for an order, an invoice, or with neither on account in p_currency. p_reference is its name at the bank, once, however it is typed; p_storage_path the file in the bucket receipts, <user id>/...; one of both is needed. p_receipt_id sends one again that was handed back, for the same order or invoice. transaction_id is null. Errors: customer_required, customer_not_found, receipt_not_found, receipt_conflict (not handed back), order_not_found, invoice_not_found, receipt_not_allowed (the order has ended, the invoice is void), invalid_amount, amount_too_large, invalid_argument, unknown_currency, payment_reference_used, receipt_reference_used, receipt_file_used, receipt_file_not_found, receipt_file_invalid, rate_limited, idempotency_conflict. Source 000.';
