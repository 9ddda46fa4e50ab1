/* The allocations of an account that no row reverses, to an invoice or of a payment. */
create function ledger.live_allocations(p_account_id uuid, p_invoice_id uuid default null, p_payment_id uuid default null)
returns setof public.payment_allocations
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  return query
    select l.*
    from public.payment_allocations l
    where l.account_id = p_account_id and l.reverses_allocation_id is null
      and (l.invoice_id = p_invoice_id or (p_invoice_id is null and l.payment_id = p_payment_id))
      and (p_payment_id is null or l.payment_id = p_payment_id)
      and not exists (select from public.payment_allocations r where r.reverses_allocation_id = l.id);
end $$;
comment on function ledger.live_allocations(uuid, uuid, uuid) is
  'Live allocations to an invoice, of a payment, or (with both) of the payment to the invoice: at most one.';

/*
 * Everything that follows from rows of payment_allocations that were just written under p_transaction,
 * beside the sums that the rows keep themselves. They are of invoices of one order, p_transaction's, or
 * of free ones when it has none. What they give to an order, or take from it, pays or un-pays it; the
 * money moves between unapplied payments and escrow (receivable, once the order is delivered, and for
 * free invoices); the debt moves; one event says so. Orders, account, payments and invoices are locked.
 */
create function ledger.book_allocations(
  p_transaction public.transactions,
  p_allocation_ids uuid[],
  p_event_type text,
  p_payment_id uuid,
  p_payload jsonb,
  p_actor ledger.actor,
  p_confirm boolean default null)
returns ledger.allocation_change
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_currency text;
  v_order public.orders;
  v_asset text := 'receivable';
  v_change ledger.allocation_change;
begin
  select sum(l.allocated_amount), min(p.currency) into v_change.allocated_amount, v_currency
  from public.payment_allocations l
  join public.payments p on p.account_id = l.account_id and p.id = l.payment_id
  where l.account_id = p_transaction.account_id and l.id = any (p_allocation_ids);

  -- write: order, postings, debt; the claim follows an order that holds more than it costs, and owes nothing again at first
  if p_transaction.order_id is not null then
    v_order := ledger.pay_order(p_transaction.account_id, p_transaction.order_id, v_change.allocated_amount);
    v_asset := case v_order.status when 'delivered' then 'receivable' else 'order_escrow' end;
  end if;
  perform ledger.write_postings(p_transaction, v_currency, array[
    case when v_change.allocated_amount > 0 then row('unapplied_payments', v_asset, v_change.allocated_amount)::ledger.posting_leg
         else row(v_asset, 'unapplied_payments', -v_change.allocated_amount)::ledger.posting_leg end]);
  p_payload := p_payload || case when v_order.id is null
    then ledger.write_debt_movement(p_transaction, p_allocated => v_change.allocated_amount, p_unapplied => -v_change.allocated_amount)
    else ledger.follow_order_invoice(v_order, p_transaction, p_actor => p_actor,
                                     p_allocated => v_change.allocated_amount, p_unapplied => -v_change.allocated_amount) end;

  -- what the rows did, with the figures as they are after all of it
  v_change.transaction_id := p_transaction.id;
  v_change.allocations := (
    select jsonb_agg(jsonb_build_object(
             'allocation_id', l.id, 'payment_id', l.payment_id, 'invoice_id', l.invoice_id, 'order_id', i.order_id, 'amount', l.allocated_amount,
             'remaining_amount', b.remaining_amount, 'status', b.status_cached) order by array_position(p_allocation_ids, l.id))
    from public.payment_allocations l
    join public.invoices i on i.account_id = l.account_id and i.id = l.invoice_id
    join public.invoice_balance_cache b on b.account_id = l.account_id and b.invoice_id = l.invoice_id
    where l.account_id = p_transaction.account_id and l.id = any (p_allocation_ids));
  v_change.unapplied_amount := (
    select sum(p.unapplied_amount) from public.payments p
    where p.account_id = p_transaction.account_id
      and p.id in (select (n.allocation ->> 'payment_id')::uuid from jsonb_array_elements(v_change.allocations) n (allocation)));

  -- record
  perform ledger.record_operation(p_event_type,
    case when v_order.id is null then 'payment' else 'order' end, coalesce(v_order.id, p_payment_id), p_transaction.account_id,
    ledger.balance_effect(p_transaction) || jsonb_build_object(
      'payment_id', p_payment_id, 'currency', v_currency, 'allocated_amount', v_change.allocated_amount, 'allocations', v_change.allocations)
      || case when v_order.id is null then '{}' else jsonb_build_object(
           'order_number', v_order.order_number, 'payment_status', v_order.payment_status, 'outstanding_amount', v_order.outstanding_amount) end
      || p_payload,
    p_actor, p_transaction.correlation_id);

  -- an order that is covered by now goes on
  if v_order.id is not null and v_change.allocated_amount > 0 then
    perform ledger.confirm_when_covered(v_order, p_actor, p_confirm);
  end if;
  return v_change;
end $$;
comment on function ledger.book_allocations(public.transactions, uuid[], text, uuid, jsonb, ledger.actor, boolean) is
  'Books rows of payment_allocations that were just written, of one order or of free invoices: order, posting, debt, event; answers what they did.';

/* Two changes one after the other as one; of the payments' remainder the later one knows. */
create function ledger.add_change(p_first ledger.allocation_change, p_then ledger.allocation_change)
returns ledger.allocation_change
language sql immutable parallel safe
return row(coalesce((p_first).transaction_id, (p_then).transaction_id),
           coalesce((p_first).allocated_amount, 0) + (p_then).allocated_amount,
           (p_then).unapplied_amount,
           coalesce((p_first).allocations, '[]') || (p_then).allocations)::ledger.allocation_change;
comment on function ledger.add_change(ledger.allocation_change, ledger.allocation_change) is
  'What two changes did together; transaction_id is the first one''s.';
