/*
 * Keeps the live invoice of an order at what the order owes: remaining = greatest(outstanding_amount, 0).
 * Called after every change of the order's outstanding amount that is no allocation, with the order as
 * it is by then and the transaction of that change. A refund issues its credit note, and all of that is credited;
 * the rest of the change is money that moved without this invoice: prepaid_amount. Writes the
 * transaction's one debt movement, with the caller's own part in it (p_allocated, p_unapplied).
 */
create function ledger.follow_order_invoice(
  p_order public.orders, p_transaction public.transactions, p_refund_id uuid default null, p_actor ledger.actor default null,
  p_allocated bigint default 0, p_unapplied bigint default 0)
returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_invoice public.invoices;
  v_refund public.refunds;
  v_change bigint;
  v_credited bigint;
  v_note jsonb := jsonb_build_object();
begin
  -- serial: the account is locked, and no invoice is written without that
  select i.* into v_invoice
  from public.invoices i
  where i.account_id = p_order.account_id and i.order_id = p_order.id and i.kind = 'invoice' and i.status = 'issued'
  for no key update;
  if v_invoice.id is null then
    return ledger.write_debt_movement(p_transaction, 0, p_allocated, p_unapplied);
  end if;
  v_change := p_order.amount_due - (select b.remaining_amount from public.invoice_balance_cache b
                                    where b.account_id = p_order.account_id and b.invoice_id = v_invoice.id);
  select f.* into v_refund from public.refunds f where f.account_id = p_order.account_id and f.id = p_refund_id;
  v_credited := coalesce(v_refund.credited_amount, 0);

  if v_change <> 0 or v_credited <> 0 then
    update public.invoices i set
      credited_amount = i.credited_amount + v_credited,
      prepaid_amount = i.prepaid_amount - v_credited - v_change,
      version = i.version + 1,
      updated_at = clock_timestamp()
    where i.account_id = v_invoice.account_id and i.id = v_invoice.id
    returning i.* into v_invoice;
  end if;
  if v_change <> 0 then
    update public.invoice_balance_cache b set amount = v_invoice.amount, version = b.version + 1, updated_at = clock_timestamp()
    where b.account_id = v_invoice.account_id and b.invoice_id = v_invoice.id;
  end if;

  if v_credited > 0 then
    v_note := ledger.write_credit_note_of_refund(v_invoice, p_order, v_refund, p_actor);
  end if;
  return v_note
    || jsonb_build_object('invoice_id', v_invoice.id, 'invoice_number', v_invoice.invoice_number, 'invoice_amount', v_invoice.amount,
                          'remaining_amount', p_order.amount_due)
    || ledger.write_debt_movement(p_transaction, v_change, p_allocated, p_unapplied);
end $$;
comment on function ledger.follow_order_invoice(public.orders, public.transactions, uuid, ledger.actor, bigint, bigint) is
  'Moves the claim of an order''s live invoice with what the order owes, and writes the debt movement of the transaction; answers what its event says of it ({} when there is nothing).';

/* The document beside a refund of an invoiced order: its total is what the refund credited, which is above zero. */
create function ledger.write_credit_note_of_refund(p_invoice public.invoices, p_order public.orders, p_refund public.refunds, p_actor ledger.actor)
returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_draft ledger.invoice_draft := ledger.draft_of_refund(p_invoice, p_order, p_refund);
  v_account public.accounts;
  v_note public.invoices;
begin
  v_draft.billing_address := p_invoice.billing_address;
  v_draft.customer_name := p_invoice.customer_name;
  v_draft.notes := p_refund.reason;
  select a.* into v_account from public.accounts a where a.id = p_order.account_id;
  v_note := ledger.insert_invoice(v_account, 'credit_note', p_order.id, p_invoice.id, p_refund.id, v_draft, p_actor);
  return jsonb_build_object('credit_note_id', v_note.id, 'credit_note_number', v_note.invoice_number, 'credit_note_amount', v_note.total_amount);
end $$;
comment on function ledger.write_credit_note_of_refund(public.invoices, public.orders, public.refunds, ledger.actor) is
  'Issues the credit note of a refund; answers what the refund''s event says of it.';
