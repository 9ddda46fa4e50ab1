create type public.invoice_document_result as (
  success boolean, transaction_id uuid, error_code text, error_message text, error_details jsonb,
  invoice_id uuid, document jsonb
);

/*
 * All that a printed invoice or credit note says, and where it stands now. Of its customer and of staff with
 * accounts.read; anybody else's reads as not found. Amounts in minor units of currency.
 */
create function public.invoice_document(p_invoice_id uuid)
returns setof public.invoice_document_result
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_actor ledger.actor;
  v_invoice public.invoices;
begin
  -- who may
  v_actor := ledger.current_actor();
  select i.* into v_invoice from public.invoices i where i.id = p_invoice_id;
  if v_invoice.id is null or not (coalesce(v_invoice.user_id = v_actor.user_id, false) or ledger.has_permission(v_actor, 'accounts.read')) then
    return next jsonb_populate_record(null::public.invoice_document_result,
      ledger.refuse('invoice_not_found', jsonb_build_object('invoice_id', p_invoice_id)));
    return;
  end if;

  -- answer
  return next row(true, null, null, null, null, v_invoice.id, ledger.document_of(v_invoice))::public.invoice_document_result;
end $$;
revoke execute on function public.invoice_document(uuid) from public, anon;
grant execute on function public.invoice_document(uuid) to authenticated, service_role;
comment on function public.invoice_document(uuid) is
  'A printable invoice or credit note as JSON: {kind, invoice_number, status, issued_at, due_at, currency, exponent, prices_include_tax, customer {user_id, name, address}, order, credits, reference, notes, lines [{line_number, description, sku, quantity, unit_price_amount, discount_amount, tax_rate_bp, tax_amount, net_amount, total_amount}], taxes [{tax_rate_bp, net_amount, tax_amount}], subtotal_amount, discount_amount, shipping_amount, tax_amount, total_amount, prepaid_amount, paid_back_amount, credited_amount, amount (total - prepaid + paid back - credited), allocated_amount, remaining_amount, payment_status, payments [{payment_id, method, paid_at, amount, reference}], credit_notes [{invoice_id, invoice_number, issued_at, total_amount}], printed [amounts as people read them]}. Minor units. Errors: invoice_not_found. Issue: payments and receivables.';

create function ledger.document_of(p_invoice public.invoices)
returns jsonb
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_balance public.invoice_balance_cache;
  v_claims boolean := p_invoice.kind = 'invoice';
begin
  select b.* into v_balance from public.invoice_balance_cache b where b.account_id = p_invoice.account_id and b.invoice_id = p_invoice.id;
  return jsonb_build_object(
    'invoice_id', p_invoice.id, 'kind', p_invoice.kind, 'invoice_number', p_invoice.invoice_number, 'status', p_invoice.status,
    'issued_at', p_invoice.issued_at, 'due_at', p_invoice.due_at, 'currency', p_invoice.currency,
    'exponent', (select c.exponent from public.currencies c where c.code = p_invoice.currency),
    'prices_include_tax', p_invoice.prices_include_tax,
    'customer', jsonb_build_object('user_id', p_invoice.user_id, 'name', p_invoice.customer_name, 'address', p_invoice.billing_address),
    'order', (select jsonb_build_object('order_id', o.id, 'order_number', o.order_number, 'placed_at', o.created_at, 'shipping_address', o.shipping_address)
              from public.orders o where o.account_id = p_invoice.account_id and o.id = p_invoice.order_id),
    'credits', (select jsonb_build_object('invoice_id', i.id, 'invoice_number', i.invoice_number, 'issued_at', i.issued_at)
                from public.invoices i where i.account_id = p_invoice.account_id and i.id = p_invoice.credits_invoice_id),
    'reference', p_invoice.reference, 'notes', p_invoice.notes, 'void_reason', p_invoice.void_reason, 'voided_at', p_invoice.voided_at,
    'lines', ledger.document_lines(p_invoice),
    'taxes', ledger.document_taxes(p_invoice),
    'subtotal_amount', p_invoice.subtotal_amount, 'discount_amount', p_invoice.discount_amount, 'shipping_amount', p_invoice.shipping_amount,
    'tax_amount', p_invoice.tax_amount, 'total_amount', p_invoice.total_amount, 'version', p_invoice.version)
  || case when v_claims then jsonb_build_object(
    'prepaid_amount', greatest(p_invoice.prepaid_amount, 0), 'paid_back_amount', greatest(-p_invoice.prepaid_amount, 0), 'credited_amount', p_invoice.credited_amount, 'amount', p_invoice.amount,
    'allocated_amount', v_balance.allocated_total, 'remaining_amount', v_balance.remaining_amount,
    'payment_status', case p_invoice.status when 'void' then null else v_balance.status_cached end,
    'payments', (select coalesce(jsonb_agg(jsonb_build_object('payment_id', p.id, 'method', p.method, 'paid_at', p.paid_at, 'amount', l.allocated_amount,
                          'reference', p.reference) order by p.paid_at, p.id), '[]')
                 from ledger.live_allocations(p_invoice.account_id, p_invoice.id) l
                 join public.payments p on p.account_id = p_invoice.account_id and p.id = l.payment_id),
    'credit_notes', (select coalesce(jsonb_agg(jsonb_build_object('invoice_id', n.id, 'invoice_number', n.invoice_number, 'issued_at', n.issued_at,
                              'total_amount', n.total_amount) order by n.id), '[]')
                     from public.invoices n where n.account_id = p_invoice.account_id and n.credits_invoice_id = p_invoice.id)) else '{}' end
  || jsonb_build_object('printed', (
    select jsonb_object_agg(a.name, ledger.format_money(a.amount, p_invoice.currency))
    from (values ('subtotal', p_invoice.subtotal_amount), ('discount', p_invoice.discount_amount), ('shipping', p_invoice.shipping_amount),
                 ('tax', p_invoice.tax_amount), ('total', p_invoice.total_amount), ('prepaid', greatest(p_invoice.prepaid_amount, 0)),
                 ('paid_back', greatest(-p_invoice.prepaid_amount, 0)), ('credited', p_invoice.credited_amount), ('allocated', v_balance.allocated_total),
                 ('remaining', v_balance.remaining_amount)) a (name, amount)
    where a.amount is not null));
end $$;
comment on function ledger.document_of(public.invoices) is 'What invoice_document answers of an invoice or credit note.';

create function ledger.document_lines(p_invoice public.invoices)
returns jsonb
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  return (
    select coalesce(jsonb_agg(jsonb_build_object(
      'line_number', l.line_number, 'description', l.description, 'sku', l.sku, 'quantity', l.quantity, 'unit_price_amount', l.unit_price_amount,
      'discount_amount', l.discount_amount, 'tax_rate_bp', l.tax_rate_bp, 'tax_amount', l.tax_amount,
      'net_amount', l.total_price_amount - l.discount_amount - case when p_invoice.prices_include_tax then l.tax_amount else 0 end,
      'total_amount', l.total_price_amount - l.discount_amount + case when p_invoice.prices_include_tax then 0 else l.tax_amount end)
      order by l.line_number), '[]')
    from public.invoice_lines l
    where l.account_id = p_invoice.account_id and l.invoice_id = p_invoice.id);
end $$;
comment on function ledger.document_lines(public.invoices) is 'The lines of a printed invoice, minor units.';

/* Net and tax per rate, as the tax office asks for them; shipping has none. */
create function ledger.document_taxes(p_invoice public.invoices)
returns jsonb
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  return (
    select coalesce(jsonb_agg(jsonb_build_object('tax_rate_bp', t.tax_rate_bp, 'net_amount', t.net, 'tax_amount', t.tax) order by t.tax_rate_bp), '[]')
    from (select l.tax_rate_bp, sum(l.tax_amount) as tax,
                 sum(l.total_price_amount - l.discount_amount - case when p_invoice.prices_include_tax then l.tax_amount else 0 end) as net
          from public.invoice_lines l
          where l.account_id = p_invoice.account_id and l.invoice_id = p_invoice.id
          group by l.tax_rate_bp) t);
end $$;
comment on function ledger.document_taxes(public.invoices) is 'The taxes of a printed invoice by rate, minor units.';
