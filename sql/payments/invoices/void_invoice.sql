/* What keeps an invoice from being void: what is allocated to it, or its credit notes; null when nothing does. Its account is locked. */
create function ledger.refuse_voiding(p_invoice public.invoices)
returns jsonb
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_allocated bigint := (select b.allocated_total from public.invoice_balance_cache b
                         where b.account_id = p_invoice.account_id and b.invoice_id = p_invoice.id);
  v_notes text := (select string_agg(n.invoice_number, ', ' order by n.id) from public.invoices n
                   where n.account_id = p_invoice.account_id and n.credits_invoice_id = p_invoice.id);
begin
  return case
    when v_allocated > 0 then ledger.refuse('invoice_allocated', jsonb_build_object(
      'invoice_number', p_invoice.invoice_number, 'allocated', v_allocated, 'currency', p_invoice.currency))
    when v_notes is not null then ledger.refuse('invoice_credited', jsonb_build_object(
      'invoice_number', p_invoice.invoice_number, 'credit_notes', v_notes))
  end;
end $$;
comment on function ledger.refuse_voiding(public.invoices) is 'The refusal for voiding an invoice that is live, or null.';

/* Makes a locked and checked invoice void: it claims nothing, its postings are reversed, and the debt is less. */
create function ledger.void_invoice(p_invoice public.invoices, p_reason text, p_actor ledger.actor, p_correlation_id uuid)
returns public.transactions
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_transaction public.transactions;
begin
  -- write: invoice, its balance, transaction, postings
  update public.invoices i set
    status = 'void',
    voided_by = p_actor.user_id,
    voided_at = clock_timestamp(),
    void_reason = p_reason,
    version = i.version + 1,
    updated_at = clock_timestamp()
  where i.account_id = p_invoice.account_id and i.id = p_invoice.id;
  update public.invoice_balance_cache b set amount = 0, version = b.version + 1, updated_at = clock_timestamp()
  where b.account_id = p_invoice.account_id and b.invoice_id = p_invoice.id;
  v_transaction := ledger.write_transaction(
    p_invoice.account_id, 'invoice_voided', p_actor, coalesce(p_reason, format('invoice %s void', p_invoice.invoice_number)), p_correlation_id,
    p_order_id => p_invoice.order_id, p_reference_id => p_invoice.id);
  perform ledger.write_postings(v_transaction, p_invoice.currency, ledger.reversed(ledger.invoice_legs(p_invoice)));

  -- record, with the debt
  perform ledger.record_operation('invoice.voided', case when p_invoice.order_id is null then 'invoice' else 'order' end,
    coalesce(p_invoice.order_id, p_invoice.id), p_invoice.account_id,
    ledger.balance_effect(v_transaction) || ledger.write_debt_movement(v_transaction, p_invoiced => -p_invoice.amount)
      || ledger.invoice_facts(p_invoice) || jsonb_build_object('invoice_amount', 0, 'voided_amount', p_invoice.amount, 'reason', p_reason),
    p_actor, p_correlation_id);
  return v_transaction;
end $$;
comment on function ledger.void_invoice(public.invoices, text, ledger.actor, uuid) is
  'Makes an invoice void that ledger.refuse_voiding had nothing against; p_invoice is its row before. Answers the transaction.';

/* For an order that ends without being taken back; it is locked, with its account. */
create function ledger.void_invoice_of_order(p_order public.orders, p_reason text, p_actor ledger.actor, p_correlation_id uuid)
returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_invoice public.invoices;
begin
  select i.* into v_invoice
  from public.invoices i
  where i.account_id = p_order.account_id and i.order_id = p_order.id and i.kind = 'invoice' and i.status = 'issued'
  for no key update;
  if v_invoice.id is null then
    return null;
  elsif ledger.refuse_voiding(v_invoice) is not null then
    return ledger.refuse('order_invoiced', jsonb_build_object('order_number', p_order.order_number, 'invoice_number', v_invoice.invoice_number));
  end if;
  perform ledger.void_invoice(v_invoice, p_reason, p_actor, p_correlation_id);
  return null;
end $$;
comment on function ledger.void_invoice_of_order(public.orders, text, ledger.actor, uuid) is
  'Makes the live invoice of a locked order void, if it has one; answers the refusal order_invoiced, before any write, where it cannot be.';
