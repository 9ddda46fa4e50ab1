create type public.ledger_withdraw_receipt_result as (
  success boolean, transaction_id uuid, error_code text, error_message text, error_details jsonb,
  receipt_id uuid, status text, order_id uuid, invoice_id uuid, payment_status text
);

/* The customer takes a receipt back that nobody has approved or rejected; the order's payment status is what it was. */
create function public.ledger_withdraw_receipt(
  p_receipt_id uuid,
  p_idempotency_key text default null,
  p_user_id uuid default null)
returns setof public.ledger_withdraw_receipt_result
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_actor ledger.actor;
  v_user_id uuid;
  v_request jsonb;
  v_answer jsonb;
  v_receipt public.payment_receipts;
  v_order public.orders;
begin
  -- who may
  v_actor := ledger.current_actor();
  v_user_id := ledger.customer_of_call(v_actor, p_user_id, 'payments.record');

  -- asked before
  v_request := jsonb_build_array(v_user_id, p_receipt_id);
  v_answer := ledger.idempotency_begin('ledger_withdraw_receipt', p_idempotency_key, v_actor.caller_id, v_request);
  if v_answer is not null then
    return next jsonb_populate_record(null::public.ledger_withdraw_receipt_result, v_answer);
    return;
  end if;

  -- lock: order and account (which ones, the receipt says for good), receipt
  select r.* into v_receipt from public.payment_receipts r where r.id = p_receipt_id and r.user_id = v_user_id;
  select o.* into v_order from public.orders o where o.account_id = v_receipt.account_id and o.id = v_receipt.order_id for no key update;
  perform from public.accounts a where a.id = v_receipt.account_id for no key update;
  select r.* into v_receipt from public.payment_receipts r where r.account_id = v_receipt.account_id and r.id = v_receipt.id for no key update;

  -- check
  v_answer := case
    when v_user_id is null then ledger.refuse('customer_required')
    when v_receipt.id is null then ledger.refuse('receipt_not_found', jsonb_build_object('receipt_id', p_receipt_id))
    when v_receipt.status not in ('submitted', 'handed_back') then ledger.refuse('receipt_conflict', jsonb_build_object(
      'status', v_receipt.status, 'wanted', 'withdrawn', 'expected', 'submitted or handed_back'))
  end;
  if v_answer is not null then
    return next jsonb_populate_record(null::public.ledger_withdraw_receipt_result, v_answer);
    return;
  end if;

  -- write: order, receipt
  perform set_config('ledger.procedure', 'ledger_withdraw_receipt', true);
  v_order := ledger.set_payment_status(v_order, ledger.payment_status_without(v_order, v_receipt.id));
  update public.payment_receipts r set status = 'withdrawn', updated_at = clock_timestamp()
  where r.account_id = v_receipt.account_id and r.id = v_receipt.id
  returning r.* into v_receipt;

  -- record
  perform ledger.record_receipt('receipt.withdrawn', v_receipt, v_order, null, v_actor, ledger.correlation_id());

  -- answer, stored under the key
  v_answer := jsonb_build_object('success', true, 'receipt_id', v_receipt.id, 'status', v_receipt.status, 'order_id', v_receipt.order_id,
    'invoice_id', v_receipt.invoice_id, 'payment_status', v_order.payment_status);
  v_answer := ledger.idempotency_end('ledger_withdraw_receipt', p_idempotency_key, v_actor.caller_id, v_request, v_receipt.account_id, v_answer);
  perform set_config('ledger.procedure', '', true);
  return next jsonb_populate_record(null::public.ledger_withdraw_receipt_result, v_answer);
end $$;
revoke execute on function public.ledger_withdraw_receipt(uuid, text, uuid) from public, anon;
grant execute on function public.ledger_withdraw_receipt(uuid, text, uuid) to authenticated, service_role;
comment on function public.ledger_withdraw_receipt(uuid, text, uuid) is
  'Takes a submitted or handed back receipt of the caller (staff with payments.record: of p_user_id) back. transaction_id is null. Errors: customer_required, receipt_not_found, receipt_conflict, idempotency_conflict.';
