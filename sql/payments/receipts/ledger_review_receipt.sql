create type public.ledger_review_receipt_result as (
  success boolean, transaction_id uuid, error_code text, error_message text, error_details jsonb,
  receipt_id uuid, status text, order_id uuid, invoice_id uuid, payment_id uuid, approved_amount bigint,
  applied_amount bigint, allocated_amount bigint, credit_amount bigint, unapplied_amount bigint,
  order_status text, payment_status text, outstanding_amount bigint, available_balance bigint
);

/*
 * Finance looks at a receipt. approve: all of it, or of p_amount (minor units) less, becomes a payment, as
 * ledger_record_payment would make it; an order that it covers is paid and confirmed at once. reject and
 * hand_back: p_notes says why, and the order's payment status is what it was. Source 000.
 */
create function public.ledger_review_receipt(
  p_receipt_id uuid,
  p_action text,
  p_amount bigint default null,
  p_notes text default null,
  p_idempotency_key text default null,
  p_actor_id uuid default null)
returns setof public.ledger_review_receipt_result
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_actor ledger.actor;
  v_request jsonb;
  v_answer jsonb;
  v_action text := lower(trim(p_action));
  v_receipt public.payment_receipts;
  v_order public.orders;
  v_account public.accounts;
  v_payment ledger.captured_payment;
  v_correlation_id uuid := ledger.correlation_id();
  v_result public.ledger_review_receipt_result;
begin
  -- who may
  v_actor := ledger.actor_with(p_actor_id, 'receipts.review');

  -- asked before
  v_request := jsonb_build_array(p_receipt_id, v_action, p_amount, p_notes, p_actor_id);
  v_answer := ledger.idempotency_begin('ledger_review_receipt', p_idempotency_key, v_actor.caller_id, v_request);
  if v_answer is not null then
    return next jsonb_populate_record(null::public.ledger_review_receipt_result, v_answer);
    return;
  end if;

  -- lock: order and account (which ones, the receipt says for good), receipt
  select r.* into v_receipt from public.payment_receipts r where r.id = p_receipt_id;
  select o.* into v_order from public.orders o where o.account_id = v_receipt.account_id and o.id = v_receipt.order_id for no key update;
  select a.* into v_account from public.accounts a where a.id = v_receipt.account_id for no key update;
  select r.* into v_receipt from public.payment_receipts r where r.account_id = v_account.id and r.id = p_receipt_id for no key update;

  -- check
  v_answer := case
    when v_action is null or v_action not in ('approve', 'reject', 'hand_back') then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_action', 'problem', 'one of approve, reject, hand_back'))
    when v_receipt.id is null then ledger.refuse('receipt_not_found', jsonb_build_object('receipt_id', p_receipt_id))
    when v_actor.user_id = v_receipt.user_id then ledger.refuse('own_receipt')
    when length(p_notes) > 2000 or (v_action <> 'approve' and coalesce(trim(p_notes), '') = '') then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_notes',
        'problem', 'at most 2000 characters; who rejects a receipt or hands it back says why'))
    when v_action <> 'approve' and p_amount is not null then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_amount', 'problem', 'only what is approved has an amount'))
    when v_receipt.status <> 'submitted' then ledger.refuse('receipt_conflict', jsonb_build_object(
      'status', v_receipt.status, 'wanted', v_action, 'expected', 'submitted'))
    when p_amount not between 1 and v_receipt.amount then
      ledger.refuse('invalid_amount', jsonb_build_object('amount', p_amount, 'expected', 'from 1 to the ' || v_receipt.amount || ' of the receipt'))
  end;
  if v_answer is not null then
    return next jsonb_populate_record(null::public.ledger_review_receipt_result, v_answer);
    return;
  end if;

  -- write: what is approved becomes a payment, of its order as it is without a receipt under review; one for an invoice that is void is on account
  perform set_config('ledger.procedure', 'ledger_review_receipt', true);
  if v_action = 'approve' then
    v_order.payment_status := ledger.payment_status_without(v_order, v_receipt.id);
    v_payment := ledger.capture_payment(v_account, v_order,
      (select i.id from public.invoices i
       where i.account_id = v_account.id and i.id = v_receipt.invoice_id and i.order_id is null and i.status = 'issued'),
      coalesce(p_amount, v_receipt.amount), 'bank_transfer', v_receipt.reference, p_notes, 'receipt', v_actor, v_correlation_id,
      p_confirm => true, p_paid_at => v_receipt.paid_on::timestamp at time zone 'UTC');
    if v_payment.refusal is not null then
      perform set_config('ledger.procedure', '', true);
      return next jsonb_populate_record(null::public.ledger_review_receipt_result, v_payment.refusal);
      return;
    end if;
    select o.* into v_order from public.orders o where o.account_id = v_account.id and o.id = v_order.id;
  else
    v_order := ledger.set_payment_status(v_order, ledger.payment_status_without(v_order, v_receipt.id));
  end if;

  -- write: receipt
  update public.payment_receipts r set
    status = case v_action when 'reject' then 'rejected' when 'hand_back' then 'handed_back'
                           else case when p_amount < r.amount then 'partly_approved' else 'approved' end end,
    approved_amount = case v_action when 'approve' then coalesce(p_amount, r.amount) end,
    payment_id = v_payment.payment_id,
    reviewed_by = v_actor.user_id,
    reviewed_at = clock_timestamp(),
    review_notes = p_notes,
    updated_at = clock_timestamp()
  where r.account_id = v_account.id and r.id = v_receipt.id
  returning r.* into v_receipt;

  -- record: the payment has its own
  perform ledger.record_receipt('receipt.' || v_receipt.status, v_receipt, v_order, p_notes, v_actor, v_correlation_id);

  -- answer, stored under the key
  v_result := row(true, v_payment.transaction_id, null, null, null, v_receipt.id, v_receipt.status, v_receipt.order_id, v_receipt.invoice_id,
                  v_payment.payment_id, v_receipt.approved_amount, v_payment.applied_amount, v_payment.allocated_amount,
                  v_payment.credit_amount, v_payment.unapplied_amount, v_order.status, v_order.payment_status, v_order.outstanding_amount,
                  case when ledger.has_permission(v_actor, 'accounts.read') then coalesce(v_payment.available_balance, v_account.available_balance) end);
  v_answer := ledger.idempotency_end('ledger_review_receipt', p_idempotency_key, v_actor.caller_id, v_request, v_account.id, to_jsonb(v_result));
  perform set_config('ledger.procedure', '', true);
  return next v_result;
end $$;
revoke execute on function public.ledger_review_receipt(uuid, text, bigint, text, text, uuid) from public, anon;
grant execute on function public.ledger_review_receipt(uuid, text, bigint, text, text, uuid) to authenticated, service_role;
comment on function public.ledger_review_receipt(uuid, text, bigint, text, text, uuid) is
  'Decides on a submitted receipt: approve (p_amount, in minor units, when less came than the receipt says), reject or hand_back (p_notes says why). What is approved is a payment by bank_transfer: applied_amount to the order, allocated_amount to the invoice, credit_amount to the wallet, unapplied_amount left with the payment; an order that is covered becomes paid, and a pending one confirmed. Needs receipts.review, and another person than the customer; available_balance is answered to who has accounts.read. Errors: receipt_not_found, own_receipt, receipt_conflict (reviewed or withdrawn by somebody else first), invalid_argument, invalid_amount, amount_too_large, payment_reference_used (its transfer has been recorded meanwhile), customer_not_found, idempotency_conflict. Source 000.';
