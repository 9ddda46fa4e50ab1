/* What a receipt does to its order, and what it leaves behind. Order, account and receipt are locked. */

/*
 * How far the order is paid, this receipt left out: as it was before anybody looked at a receipt, in
 * grace where its deadline is open. Another receipt under review keeps it receipt_uploaded.
 */
create function ledger.payment_status_without(p_order public.orders, p_receipt_id uuid)
returns text
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  if p_order.payment_status is distinct from 'receipt_uploaded' then
    return p_order.payment_status;
  end if;
  return ledger.payment_status_of(p_order.total_amount, p_order.credited_amount, p_order.paid_amount, p_order.refunded_amount,
    case when exists (
           select from public.payment_receipts r
           where r.account_id = p_order.account_id and r.order_id = p_order.id and r.status = 'submitted' and r.id <> p_receipt_id)
         then 'receipt_uploaded' else ledger.grace_of(p_order.id) end);
end $$;
comment on function ledger.payment_status_without(public.orders, uuid) is
  'orders.payment_status as it is when this receipt is not under review.';

/* Answers the order with this payment status; of nulls when there is no order. */
create function ledger.set_payment_status(p_order public.orders, p_payment_status text)
returns public.orders
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  if p_order.payment_status <> p_payment_status then
    update public.orders o set payment_status = p_payment_status, version = o.version + 1, updated_at = clock_timestamp()
    where o.account_id = p_order.account_id and o.id = p_order.id
    returning o.* into p_order;
  end if;
  return p_order;
end $$;
comment on function ledger.set_payment_status(public.orders, text) is 'Writes the payment status of a locked order, if it is another one; answers the order.';

/* The event of a receipt; it moved no money itself, so it has no transaction. Its file is named by the receipt alone. */
create function ledger.record_receipt(
  p_event_type text, p_receipt public.payment_receipts, p_order public.orders, p_notes text, p_actor ledger.actor, p_correlation_id uuid)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  perform ledger.record_operation(p_event_type,
    case when p_order.id is null then 'receipt' else 'order' end, coalesce(p_order.id, p_receipt.id), p_receipt.account_id,
    jsonb_strip_nulls(jsonb_build_object(
      'receipt_id', p_receipt.id, 'order_number', p_order.order_number, 'invoice_id', p_receipt.invoice_id, 'currency', p_receipt.currency,
      'receipt_amount', p_receipt.amount, 'approved_amount', p_receipt.approved_amount, 'payment_id', p_receipt.payment_id,
      'receipt_status', p_receipt.status, 'payment_status', p_order.payment_status, 'paid_on', p_receipt.paid_on,
      'reference', p_receipt.reference, 'notes', p_notes)),
    p_actor, p_correlation_id);
end $$;
comment on function ledger.record_receipt(text, public.payment_receipts, public.orders, text, ledger.actor, uuid) is
  'Event, audit line and message of what happened to a receipt, in the stream of its order or its own.';

/* A receipt that is sent, for the first time or again; answers its row. */
create function ledger.write_receipt(p_receipt public.payment_receipts, p_actor ledger.actor)
returns public.payment_receipts
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  if p_receipt.id is null then
    insert into public.payment_receipts as r
      (account_id, user_id, order_id, invoice_id, currency, amount, reference, storage_path, paid_on, notes, submitted_by)
    values
      (p_receipt.account_id, p_receipt.user_id, p_receipt.order_id, p_receipt.invoice_id, p_receipt.currency, p_receipt.amount,
       p_receipt.reference, p_receipt.storage_path, p_receipt.paid_on, p_receipt.notes, p_actor.user_id)
    returning r.* into p_receipt;
  else
    update public.payment_receipts r set
      amount = p_receipt.amount, reference = p_receipt.reference, storage_path = p_receipt.storage_path, paid_on = p_receipt.paid_on,
      notes = p_receipt.notes, status = 'submitted', submitted_by = p_actor.user_id, submitted_at = clock_timestamp(), alerted_at = null,
      updated_at = clock_timestamp()
    where r.account_id = p_receipt.account_id and r.id = p_receipt.id
    returning r.* into p_receipt;
  end if;
  return p_receipt;
end $$;
comment on function ledger.write_receipt(public.payment_receipts, ledger.actor) is
  'Writes a receipt as it was sent; one that was handed back is under review again.';
