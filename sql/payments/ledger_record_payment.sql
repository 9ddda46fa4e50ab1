create type public.ledger_record_payment_result as (
  success boolean, transaction_id uuid, error_code text, error_message text, error_details jsonb,
  order_id uuid, payment_id uuid, amount bigint, applied_amount bigint, credit_amount bigint,
  order_status text, payment_status text, outstanding_amount bigint, available_balance bigint,
  allocated_amount bigint, unapplied_amount bigint, invoice_id uuid, user_id uuid
);

/*
 * Records money that came in from outside (minor units): for an order, for an invoice, or from a
 * customer on account; exactly one of the three is named. What an order or an invoice needs goes to it. The surplus of
 * an order without an invoice becomes wallet credit, and so does all of it when the order was rejected or
 * has ended: a late transfer is not lost. Any other surplus stays with the payment, to be allocated or
 * released later. Sources 000, 002, 004 (AUTO_CONFIRM_ORDERS).
 */
create function public.ledger_record_payment(
  p_order_id uuid default null,
  p_amount bigint default null,
  p_method text default 'bank_transfer',
  p_reference text default null,
  p_notes text default null,
  p_idempotency_key text default null,
  p_actor_id uuid default null,
  p_invoice_id uuid default null,
  p_user_id uuid default null,
  p_currency text default null,
  p_paid_at timestamptz default null)
returns setof public.ledger_record_payment_result
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_actor ledger.actor;
  v_request jsonb;
  v_answer jsonb;
  v_currency text := upper(coalesce(p_currency, ledger.setting_text('default_currency')));
  v_order public.orders;
  v_account public.accounts;
  v_captured ledger.captured_payment;
  v_result public.ledger_record_payment_result;
begin
  -- who may
  v_actor := ledger.require_permission(ledger.current_actor(p_actor_id), 'payments.record');

  -- asked before
  v_request := jsonb_build_array(p_order_id, p_amount, p_method, p_reference, p_notes, p_actor_id, p_invoice_id, p_user_id, p_currency, p_paid_at);
  v_answer := ledger.idempotency_begin('ledger_record_payment', p_idempotency_key, v_actor.caller_id, v_request);
  if v_answer is not null then
    return next jsonb_populate_record(null::public.ledger_record_payment_result, v_answer);
    return;
  end if;

  -- check what needs no lock
  v_answer := ledger.refuse_payment(p_amount, p_method, p_reference, p_notes, p_paid_at,
                                    num_nonnulls(p_order_id, p_invoice_id, p_user_id), p_user_id is null and p_currency is not null);
  if v_answer is not null then
    return next jsonb_populate_record(null::public.ledger_record_payment_result, v_answer);
    return;
  end if;

  -- lock: order (that of an invoice, the invoice says for good), account
  select o.* into v_order
  from public.orders o
  where o.id = coalesce(p_order_id, (select i.order_id from public.invoices i where i.id = p_invoice_id))
  for no key update;
  if p_user_id is not null then
    v_account := ledger.lock_account(p_user_id, v_currency, p_open => false);
  else
    select a.* into v_account
    from public.accounts a
    where a.id = coalesce(v_order.account_id, (select i.account_id from public.invoices i where i.id = p_invoice_id))
    for no key update;
  end if;

  -- check
  v_answer := case
    when p_order_id is not null and v_order.id is null then ledger.refuse('order_not_found', jsonb_build_object('order_id', p_order_id))
    when p_invoice_id is not null then ledger.refuse_invoice(v_account.id, p_invoice_id)
    when p_user_id is not null and v_account.id is null then ledger.refuse_opening(p_user_id, v_currency)
  end;
  if v_answer is null then
    if v_account.id is null then
      -- opened with its first payment
      v_account.id := ledger.account_id(p_user_id, v_currency);
      v_account.user_id := p_user_id;
      v_account.currency := v_currency;
    end if;
    -- write and record; its refusals come first
    perform set_config('ledger.procedure', 'ledger_record_payment', true);
    v_captured := ledger.capture_payment(v_account, v_order, p_invoice_id, p_amount, p_method, p_reference, p_notes, 'recorded', v_actor,
                                         ledger.correlation_id(), p_paid_at => p_paid_at);
    v_answer := v_captured.refusal;
  end if;
  if v_answer is not null then
    perform set_config('ledger.procedure', '', true);
    return next jsonb_populate_record(null::public.ledger_record_payment_result, v_answer);
    return;
  end if;

  -- answer, stored under the key
  v_result := row(true, v_captured.transaction_id, null, null, null, v_order.id, v_captured.payment_id, p_amount, v_captured.applied_amount,
                  v_captured.credit_amount, v_captured.order_status, v_captured.payment_status, v_captured.outstanding_amount,
                  case when ledger.has_permission(v_actor, 'accounts.read') then v_captured.available_balance end,
                  v_captured.allocated_amount, v_captured.unapplied_amount, v_captured.invoice_id, v_account.user_id);
  v_answer := ledger.idempotency_end('ledger_record_payment', p_idempotency_key, v_actor.caller_id, v_request, v_account.id, to_jsonb(v_result));
  perform set_config('ledger.procedure', '', true);
  return next v_result;
end $$;
revoke execute on function public.ledger_record_payment(uuid, bigint, text, text, text, text, uuid, uuid, uuid, text, timestamptz) from public, anon;
grant execute on function public.ledger_record_payment(uuid, bigint, text, text, text, text, uuid, uuid, uuid, text, timestamptz) to authenticated, service_role;
comment on function public.ledger_record_payment(uuid, bigint, text, text, text, text, uuid, uuid, uuid, text, timestamptz) is
  'Records p_amount (minor units) that came in for the order p_order_id, the invoice p_invoice_id or from the customer p_user_id on account (in p_currency, the shop''s default when left out): exactly one of them. p_method: bank_transfer, card, cash or other; p_reference is its name at the bank, once per method, however it is typed; p_paid_at: when the money came in, now when left out. applied_amount goes to an order without an invoice and credit_amount (its surplus; all of it when the order was rejected, cancelled or refunded) to the wallet; allocated_amount goes to the invoice, also when the order has one; unapplied_amount stays with the payment. With the setting auto_confirm_when_paid a covered pending order becomes confirmed. Needs payments.record; available_balance is answered to who has accounts.read. Errors: order_not_found, invoice_not_found, invoice_not_open, customer_not_found (also a surplus for somebody who was erased), unknown_currency, invalid_amount, invalid_argument, amount_too_large, payment_reference_used. Sources 000, 002, 004.';
