create type public.ledger_record_payment_result as (
  success boolean, transaction_id uuid, error_code text, error_message text, error_details jsonb,
  order_id uuid, payment_id uuid, amount bigint, applied_amount bigint, credit_amount bigint,
  order_status text, payment_status text, outstanding_amount bigint, available_balance bigint
);

/*
 * Records money that came in from outside for an order (minor units of its currency). What the order
 * needs goes to it; the surplus becomes wallet credit, and so does all of it when the order was
 * rejected or has ended: a late transfer is not lost. Sources 000, 004 (AUTO_CONFIRM_ORDERS).
 */
create function public.ledger_record_payment(
  p_order_id uuid,
  p_amount bigint,
  p_method text default 'bank_transfer',
  p_reference text default null,
  p_notes text default null,
  p_idempotency_key text default null,
  p_actor_id uuid default null)
returns setof public.ledger_record_payment_result
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_actor ledger.actor;
  v_request jsonb;
  v_answer jsonb;
  v_order public.orders;
  v_account public.accounts;
  v_reference text := nullif(regexp_replace(p_reference, '^\s+|\s+$', '', 'g'), '');
  v_applied bigint;
  v_credit bigint;
  v_payment_id uuid := ledger.uuid_v7();
  v_transaction public.transactions;
  v_change ledger.order_change;
  v_correlation_id uuid := ledger.correlation_id();
  v_result public.ledger_record_payment_result;
begin
  -- who may
  v_actor := ledger.require_permission(ledger.current_actor(p_actor_id), 'payments.record');

  -- asked before
  v_request := jsonb_build_array(p_order_id, p_amount, p_method, p_reference, p_notes, p_actor_id);
  v_answer := ledger.idempotency_begin('ledger_record_payment', p_idempotency_key, v_actor.caller_id, v_request);
  if v_answer is not null then
    return next jsonb_populate_record(null::public.ledger_record_payment_result, v_answer);
    return;
  end if;

  -- lock: order, account
  select o.* into v_order from public.orders o where o.id = p_order_id for no key update;
  select a.* into v_account from public.accounts a where a.id = v_order.account_id for no key update;

  -- check
  v_applied := case when v_order.status in ('rejected', 'cancelled', 'refunded') then 0 else least(p_amount, v_order.amount_due) end;
  v_credit := p_amount - v_applied;
  v_answer := case
    when v_order.id is null then ledger.refuse('order_not_found', jsonb_build_object('order_id', p_order_id))
    when p_amount is null or p_amount <= 0 then
      ledger.refuse('invalid_amount', jsonb_build_object('amount', p_amount, 'expected', 'above zero'))
    when p_method is null or p_method not in ('bank_transfer', 'card', 'cash') then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_method', 'problem', 'one of bank_transfer, card, cash'))
    when length(p_reference) > 200 or length(p_notes) > 2000 then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_reference, p_notes',
        'problem', 'a reference has at most 200 characters, notes at most 2000'))
    when p_amount > 9007199254740991 or v_order.paid_amount + v_applied > 9007199254740991
      or v_account.total_earned + v_credit > 9007199254740991 then
      ledger.refuse('amount_too_large', jsonb_build_object('maximum', 9007199254740991))
    -- a surplus would be nobody's
    when v_credit > 0 then ledger.refuse_erased(v_order.user_id)
  end;
  if v_answer is not null then
    return next jsonb_populate_record(null::public.ledger_record_payment_result, v_answer);
    return;
  end if;

  -- write: payment; two records of the same transfer meet in its index, and one of them is refused before it changed anything
  perform set_config('ledger.procedure', 'ledger_record_payment', true);
  insert into public.payments (id, account_id, order_id, currency, method, amount, applied_amount, credit_amount, reference, notes, recorded_by)
  values (v_payment_id, v_order.account_id, v_order.id, v_order.currency, p_method, p_amount, v_applied, v_credit, v_reference, p_notes, v_actor.user_id)
  on conflict (method, upper(reference)) where reference is not null and status = 'captured' do nothing;
  if not found then
    perform set_config('ledger.procedure', '', true);
    return next jsonb_populate_record(null::public.ledger_record_payment_result,
      ledger.refuse('payment_reference_used', jsonb_build_object('method', p_method, 'reference', v_reference)));
    return;
  end if;

  -- write: order, transaction, postings
  update public.orders o set
    paid_amount = o.paid_amount + v_applied,
    payment_status = ledger.payment_status_of(o.total_amount, o.credited_amount, o.paid_amount + v_applied, o.refunded_amount,
                                              o.payment_status),
    version = o.version + 1,
    updated_at = clock_timestamp()
  where o.account_id = v_order.account_id and o.id = v_order.id
  returning o.* into v_order;
  v_transaction := ledger.write_transaction(
    v_order.account_id, 'payment_recorded', v_actor, coalesce(p_notes, 'payment recorded'), v_correlation_id,
    p_earned => v_credit, p_order_id => v_order.id, p_reference_id => v_payment_id);
  perform ledger.write_postings(v_transaction, v_order.currency, array[
    row('bank', case v_order.status when 'delivered' then 'receivable' else 'order_escrow' end, v_applied),
    row('bank', 'wallet', v_credit)]::ledger.posting_leg[]);

  -- record
  perform ledger.record_operation('payment.recorded', 'order', v_order.id, v_order.account_id,
    ledger.balance_effect(v_transaction, p_earned => v_credit) || jsonb_build_object(
      'order_number', v_order.order_number, 'payment_id', v_payment_id, 'currency', v_order.currency, 'method', p_method,
      'reference', v_reference, 'payment_amount', p_amount, 'applied_amount', v_applied, 'credit_amount', v_credit,
      'payment_status', v_order.payment_status, 'outstanding_amount', v_order.outstanding_amount, 'notes', p_notes),
    v_actor, v_correlation_id);

  -- a covered order is confirmed where the shop wants that
  v_result := row(true, v_transaction.id, null, null, null, v_order.id, v_payment_id, p_amount, v_applied, v_credit,
                  v_order.status, v_order.payment_status, v_order.outstanding_amount, v_transaction.balance_after);
  v_change := ledger.confirm_when_covered(v_order, v_actor);
  if v_change.transaction_id is not null then
    v_result.order_status := v_change.order_status;
    v_result.available_balance := v_change.available_balance;
  end if;

  -- answer, stored under the key
  if not ledger.has_permission(v_actor, 'accounts.read') then
    v_result.available_balance := null;
  end if;
  v_answer := ledger.idempotency_end('ledger_record_payment', p_idempotency_key, v_actor.caller_id, v_request, v_order.account_id, to_jsonb(v_result));
  perform set_config('ledger.procedure', '', true);
  return next v_result;
end $$;
revoke execute on function public.ledger_record_payment(uuid, bigint, text, text, text, text, uuid) from public, anon;
grant execute on function public.ledger_record_payment(uuid, bigint, text, text, text, text, uuid) to authenticated, service_role;
comment on function public.ledger_record_payment(uuid, bigint, text, text, text, text, uuid) is
  'Records p_amount (minor units of the order''s currency) that came in for an order by bank_transfer, card or cash; p_reference is its name at the bank, once per method, whatever its case. applied_amount goes to the order, credit_amount (the surplus; all of it when the order was rejected, cancelled or refunded) to the wallet. With the setting auto_confirm_when_paid a covered pending order becomes confirmed. Needs payments.record; available_balance is answered to who has accounts.read. Errors: order_not_found, customer_not_found (a surplus for somebody who was erased), invalid_amount, invalid_argument, amount_too_large, payment_reference_used. Sources 000, 004.';
