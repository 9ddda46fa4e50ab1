/* What issuing an invoice did. Amounts in minor units. */
create type ledger.issued_invoice as (
  invoice_id uuid,
  invoice_number text,
  transaction_id uuid,
  total_amount bigint,
  amount bigint,
  due_at timestamptz,
  version bigint,
  available_balance bigint
);

/* Gives a draft its number and writes it with its lines; the series' row is the last lock of its transaction. */
create function ledger.insert_invoice(
  p_account public.accounts, p_kind text, p_order_id uuid, p_credits_invoice_id uuid, p_refund_id uuid, p_draft ledger.invoice_draft,
  p_actor ledger.actor)
returns public.invoices
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_id uuid := ledger.uuid_v7();
  v_is_imported boolean := p_draft.source is not distinct from 'import';
  v_series text := case when not v_is_imported then coalesce(p_draft.series, p_kind) end;
  v_number bigint;
  v_invoice_number text := p_draft.invoice_number;
  v_invoice public.invoices;
begin
  if not v_is_imported then
    select n.number, n.invoice_number into v_number, v_invoice_number from ledger.next_invoice_number(v_series) n;
  end if;
  insert into public.invoices as i
    (id, account_id, user_id, currency, kind, order_id, credits_invoice_id, refund_id, series, number, invoice_number, issued_at, due_at,
     prices_include_tax, subtotal_amount, discount_amount, shipping_amount, tax_amount, total_amount, prepaid_amount, customer_name,
     billing_address, reference, notes, source, external_id, issued_by)
  values
    (v_id, p_account.id, p_account.user_id, p_account.currency, p_kind, p_order_id, p_credits_invoice_id, p_refund_id, v_series, v_number,
     v_invoice_number, coalesce(p_draft.issued_at, clock_timestamp()), p_draft.due_at, p_draft.prices_include_tax, p_draft.subtotal_amount,
     p_draft.discount_amount, p_draft.shipping_amount, p_draft.tax_amount, p_draft.total_amount, coalesce(p_draft.prepaid_amount, 0),
     coalesce(p_draft.customer_name, (select p.display_name from public.profiles p where p.id = p_account.user_id)),
     p_draft.billing_address, p_draft.reference, p_draft.notes, coalesce(p_draft.source, 'issued'), p_draft.external_id, p_actor.user_id)
  returning i.* into v_invoice;
  insert into public.invoice_lines
    (invoice_id, line_number, account_id, description, sku, quantity, unit_price_amount, total_price_amount, discount_amount, tax_rate_bp, tax_amount)
  select v_id, l.line_number, p_account.id, l.description, l.sku, l.quantity, l.unit_price_amount, l.total_price_amount, l.discount_amount,
         l.tax_rate_bp, l.tax_amount
  from unnest(p_draft.lines) l;
  return v_invoice;
end $$;
comment on function ledger.insert_invoice(public.accounts, text, uuid, uuid, uuid, ledger.invoice_draft, ledger.actor) is
  'Writes an invoice or credit note with its lines; answers its row. Everything else is its caller''s.';

/* What a free invoice means for the books; the invoice of an order means nothing to them, for the order does. */
create function ledger.invoice_legs(p_invoice public.invoices)
returns ledger.posting_leg[]
language sql immutable
return case when (p_invoice).order_id is null then array[
  row('receivable', 'revenue', (p_invoice).total_amount - (p_invoice).tax_amount - (p_invoice).shipping_amount),
  row('receivable', 'shipping_income', (p_invoice).shipping_amount),
  row('receivable', 'tax_payable', (p_invoice).tax_amount)]::ledger.posting_leg[] end;
comment on function ledger.invoice_legs(public.invoices) is 'Postings of an invoice that is no order''s, when it is issued; a credit note''s are the reverse.';

/*
 * The core of issuing: of an order (its row, locked and as it is now), or free (p_order of nulls). The caller has
 * locked the account, checked, and set ledger.procedure. Takes the number, writes the invoice, its balance, the
 * transaction, postings, the debt and the event.
 */
create function ledger.write_invoice(
  p_account public.accounts, p_order public.orders, p_draft ledger.invoice_draft, p_actor ledger.actor, p_correlation_id uuid,
  p_metadata jsonb default '{}')
returns ledger.issued_invoice
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_draft ledger.invoice_draft := p_draft;
  v_invoice public.invoices;
  v_transaction public.transactions;
begin
  v_draft.issued_at := coalesce(p_draft.issued_at, clock_timestamp());
  v_draft.due_at := coalesce(p_draft.due_at, v_draft.issued_at + make_interval(days => ledger.due_days_of(p_account.id)));
  v_invoice := ledger.insert_invoice(p_account, 'invoice', p_order.id, null, null, v_draft, p_actor);
  insert into public.invoice_balance_cache (invoice_id, account_id, amount) values (v_invoice.id, p_account.id, v_invoice.amount);

  v_transaction := ledger.write_transaction(
    p_account.id, 'invoice_issued', p_actor, format('invoice %s issued', v_invoice.invoice_number), p_correlation_id,
    p_order_id => p_order.id, p_reference_id => v_invoice.id, p_metadata => p_metadata);
  perform ledger.write_postings(v_transaction, p_account.currency, ledger.invoice_legs(v_invoice));
  perform ledger.record_operation('invoice.issued', case when p_order.id is null then 'invoice' else 'order' end, coalesce(p_order.id, v_invoice.id),
    p_account.id,
    ledger.balance_effect(v_transaction) || ledger.write_debt_movement(v_transaction, p_invoiced => v_invoice.amount)
      || ledger.invoice_facts(v_invoice)
      || jsonb_build_object('order_number', p_order.order_number, 'reference', v_invoice.reference, 'notes', v_invoice.notes),
    p_actor, p_correlation_id);
  return row(v_invoice.id, v_invoice.invoice_number, v_transaction.id, v_invoice.total_amount, v_invoice.amount, v_invoice.due_at,
             v_invoice.version, v_transaction.balance_after)::ledger.issued_invoice;
end $$;
comment on function ledger.write_invoice(public.accounts, public.orders, ledger.invoice_draft, ledger.actor, uuid, jsonb) is
  'Issues a drafted invoice (ledger.draft_of_order, ledger.draft_of_lines, ledger.draft_of) on a locked account. Its remaining amount is its amount.';

create function ledger.invoice_facts(p_invoice public.invoices)
returns jsonb
language sql immutable
return jsonb_build_object(
  'invoice_id', (p_invoice).id, 'invoice_number', (p_invoice).invoice_number, 'kind', (p_invoice).kind, 'user_id', (p_invoice).user_id,
  'currency', (p_invoice).currency, 'order_id', (p_invoice).order_id, 'total_amount', (p_invoice).total_amount,
  'tax_amount', (p_invoice).tax_amount, 'invoice_amount', (p_invoice).amount, 'credited_amount', (p_invoice).credited_amount,
  'prepaid_amount', (p_invoice).prepaid_amount, 'issued_at', (p_invoice).issued_at, 'due_at', (p_invoice).due_at);
comment on function ledger.invoice_facts(public.invoices) is 'What events say of an invoice; amounts in minor units.';
