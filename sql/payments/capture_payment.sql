/*
 * Money came in: for an order, for an invoice, or on account (both null). An order without an invoice
 * gets what it still needs, and the surplus is wallet credit, as is all of it when the order was rejected
 * or has ended, with an invoice or without: a late transfer is not lost. An invoice, also that of an order, gets what
 * remains of it by an allocation, and the rest stays with the payment, to be allocated later; so does all of it when
 * the invoice was imported and a backfill is dealing with those. Sources 000, 002.
 *
 * The caller has checked the amount (minor units of the account's currency) and the texts, has locked the order and
 * the account (one without a version is locked, but not open yet) and has set ledger.procedure. p_confirm as in
 * ledger.confirm_when_covered.
 */
create function ledger.capture_payment(
  p_account public.accounts, p_order public.orders, p_invoice_id uuid, p_amount bigint, p_method text, p_reference text, p_notes text,
  p_source text, p_actor ledger.actor, p_correlation_id uuid, p_confirm boolean default null, p_external_id text default null,
  p_paid_at timestamptz default null)
returns ledger.captured_payment
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_order_is_open boolean := p_order.status not in ('rejected', 'cancelled', 'refunded');
  v_invoice public.invoices;
  v_reference text := nullif(regexp_replace(p_reference, '^\s+|\s+$', '', 'g'), '');
  v_unapplied bigint;
  v_payment_id uuid := ledger.uuid_v7();
  v_account_id uuid;
  v_order public.orders := p_order;
  v_transaction public.transactions;
  v_result ledger.captured_payment;
begin
  -- lock: invoice
  select i.* into v_invoice
  from public.invoices i
  where i.account_id = p_account.id and i.kind = 'invoice' and i.status = 'issued'
    and case when p_invoice_id is null then i.order_id = p_order.id else i.id = p_invoice_id end
  for no key update;

  -- check
  if v_invoice.id is not null then
    v_result.allocated_amount := case when v_order_is_open is not false
        and (v_invoice.source <> 'import' or ledger.refuse_during_backfill() is null)
      then least(p_amount, (select b.remaining_amount from public.invoice_balance_cache b
                            where b.account_id = p_account.id and b.invoice_id = v_invoice.id)) else 0 end;
  end if;
  v_result.allocated_amount := coalesce(v_result.allocated_amount, 0);
  v_result.applied_amount := case when v_invoice.id is null and v_order_is_open then least(p_amount, p_order.amount_due) else 0 end;
  v_result.credit_amount := case when p_order.id is not null and (v_invoice.id is null or not v_order_is_open)
                                 then p_amount - v_result.applied_amount else 0 end;
  v_unapplied := p_amount - v_result.applied_amount - v_result.credit_amount;
  v_result.unapplied_amount := v_unapplied - v_result.allocated_amount;
  v_result.refusal := case
    when p_invoice_id is not null and v_invoice.id is null then ledger.refuse_invoice(p_account.id, p_invoice_id)
    when p_order.paid_amount + v_result.applied_amount + v_result.allocated_amount > 9007199254740991
      or p_account.total_earned + v_result.credit_amount > 9007199254740991
      or v_unapplied + (select c.unapplied_amount from public.account_debt_cache c where c.account_id = p_account.id) > 9007199254740991 then
      ledger.refuse('amount_too_large', jsonb_build_object('maximum', 9007199254740991))
    when exists (select from public.payments p
                 where p.method = p_method and ledger.reference_key(p.reference) = ledger.reference_key(v_reference) and p.status = 'captured') then
      ledger.refuse('payment_reference_used', jsonb_build_object('method', p_method, 'reference', v_reference))
    -- a surplus would be nobody's
    when v_result.credit_amount + v_result.unapplied_amount > 0 then ledger.refuse_erased(p_account.user_id)
  end;
  if v_result.refusal is not null then
    return v_result;
  end if;

  -- write: payment, and the account if it is the first of it; two records of the same transfer that are made at once
  -- meet in its index, and the second writes neither
  with captured as (
    insert into public.payments
      (id, account_id, order_id, currency, method, amount, applied_amount, credit_amount, reference, notes, recorded_by, source, external_id, paid_at)
    values
      (v_payment_id, p_account.id, p_order.id, p_account.currency, p_method, p_amount, v_result.applied_amount, v_result.credit_amount,
       v_reference, p_notes, p_actor.user_id, p_source, p_external_id, coalesce(p_paid_at, clock_timestamp()))
    on conflict (method, ledger.reference_key(reference)) where reference is not null and status = 'captured' do nothing
    returning account_id),
  opened as (
    insert into public.accounts (id, user_id, currency)
    select c.account_id, p_account.user_id, p_account.currency from captured c where p_account.version is null)
  select c.account_id into v_account_id from captured c;
  if v_account_id is null then
    v_result.refusal := ledger.refuse('payment_reference_used', jsonb_build_object('method', p_method, 'reference', v_reference));
    return v_result;
  end if;

  -- write: order, transaction, postings
  if p_order.id is not null and v_invoice.id is null then
    v_order := ledger.pay_order(p_account.id, p_order.id, v_result.applied_amount,
                                case when v_order_is_open and v_result.credit_amount > 0 then 'overpaid' else p_order.payment_status end);
  elsif p_order.id is not null then
    v_order := ledger.pay_order(p_account.id, p_order.id, 0, p_order.payment_status);
  end if;
  v_transaction := ledger.write_transaction(
    p_account.id, case p_source when 'import' then 'payment_imported' else 'payment_recorded' end, p_actor,
    coalesce(p_notes, 'payment recorded'), p_correlation_id,
    p_earned => v_result.credit_amount, p_order_id => p_order.id, p_reference_id => v_payment_id);
  perform ledger.write_postings(v_transaction, p_account.currency, array[
    row('bank', case p_order.status when 'delivered' then 'receivable' else 'order_escrow' end, v_result.applied_amount),
    row('bank', 'wallet', v_result.credit_amount),
    row('bank', 'unapplied_payments', v_unapplied)]::ledger.posting_leg[]);

  -- record
  perform ledger.record_operation('payment.recorded', case when p_order.id is null then 'payment' else 'order' end,
    coalesce(p_order.id, v_payment_id), p_account.id,
    ledger.balance_effect(v_transaction, p_earned => v_result.credit_amount)
      || ledger.write_debt_movement(v_transaction, p_unapplied => v_unapplied)
      || jsonb_build_object(
      'order_number', p_order.order_number, 'invoice_id', v_invoice.id, 'payment_id', v_payment_id, 'currency', p_account.currency,
      'method', p_method, 'reference', v_reference, 'source', p_source, 'payment_amount', p_amount, 'applied_amount', v_result.applied_amount,
      'credit_amount', v_result.credit_amount, 'payment_status', v_order.payment_status, 'outstanding_amount', v_order.outstanding_amount,
      'notes', p_notes),
    p_actor, p_correlation_id);

  -- the invoice gets its part; what is covered by now goes on
  if v_result.allocated_amount > 0 then
    perform ledger.allocate(p_account.id, v_payment_id, array[row(v_invoice.id, v_result.allocated_amount)]::ledger.allocation_line[],
                            case when p_invoice_id is null then 'auto' else 'manual' end, p_actor, p_correlation_id, p_confirm => p_confirm);
  elsif v_order_is_open and v_invoice.id is null then
    perform ledger.confirm_when_covered(v_order, p_actor, p_confirm);
  end if;

  v_result.payment_id := v_payment_id;
  v_result.invoice_id := v_invoice.id;
  v_result.transaction_id := v_transaction.id;
  select o.status, o.payment_status, o.outstanding_amount
  into v_result.order_status, v_result.payment_status, v_result.outstanding_amount
  from public.orders o
  where o.account_id = p_account.id and o.id = p_order.id;
  v_result.available_balance := v_transaction.balance_after;
  return v_result;
end $$;
comment on function ledger.capture_payment(public.accounts, public.orders, uuid, bigint, text, text, text, text, ledger.actor, uuid, boolean, text, timestamptz) is
  'Books a payment from outside for a locked order (of nulls when it is for none) and account, with all that follows. Refusals, before its first write: invoice_not_found, invoice_not_open, amount_too_large, customer_not_found (a surplus or remainder for somebody who was erased), payment_reference_used.';
