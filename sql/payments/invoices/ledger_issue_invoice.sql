create type public.ledger_issue_invoice_result as (
  success boolean, transaction_id uuid, error_code text, error_message text, error_details jsonb,
  invoice_id uuid, invoice_number text, order_id uuid, currency text, total_amount bigint, tax_amount bigint,
  prepaid_amount bigint, amount bigint, due_at timestamptz, version bigint
);

/*
 * Issues the invoice of an order (what is left of it, and of that what is still due), or a free one of lines
 * for a customer, which is booked as owed. Numbers of a series have no gaps: one that is taken and not
 * committed goes back. Amounts in minor units. Source 002, section 10.
 */
create function public.ledger_issue_invoice(
  p_order_id uuid default null,
  p_user_id uuid default null,
  p_lines jsonb default null,
  p_currency text default null,
  p_due_at timestamptz default null,
  p_series text default 'invoice',
  p_prices_include_tax boolean default null,
  p_billing_address jsonb default null,
  p_reference text default null,
  p_notes text default null,
  p_idempotency_key text default null,
  p_actor_id uuid default null)
returns setof public.ledger_issue_invoice_result
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_actor ledger.actor;
  v_request jsonb;
  v_answer jsonb;
  v_order public.orders;
  v_account public.accounts;
  v_currency text;
  v_invoice_number text;
  v_draft ledger.invoice_draft;
  v_issued ledger.issued_invoice;
  v_result public.ledger_issue_invoice_result;
begin
  -- who may
  v_actor := ledger.require_permission(ledger.current_actor(p_actor_id), 'invoices.issue');

  -- asked before
  v_request := jsonb_build_array(p_order_id, p_user_id, p_lines, p_currency, p_due_at, p_series, p_prices_include_tax, p_billing_address,
                                 p_reference, p_notes, p_actor_id);
  v_answer := ledger.idempotency_begin('ledger_issue_invoice', p_idempotency_key, v_actor.caller_id, v_request);
  if v_answer is not null then
    return next jsonb_populate_record(null::public.ledger_issue_invoice_result, v_answer);
    return;
  end if;

  -- lock: order, account
  if p_order_id is not null then
    select o.* into v_order from public.orders o where o.id = p_order_id and (p_user_id is null or o.user_id = p_user_id) for no key update;
    v_currency := v_order.currency;
    select a.* into v_account from public.accounts a where a.id = v_order.account_id for no key update;
  elsif p_user_id is not null then
    v_currency := upper(coalesce(p_currency, ledger.setting_text('default_currency')));
    v_account := ledger.lock_account(p_user_id, v_currency, p_open => false);
  end if;

  -- check
  v_invoice_number := ledger.live_invoice_number(v_order.account_id, v_order.id);
  v_answer := case
    when p_order_id is null and p_user_id is null then ledger.refuse('customer_required')
    when p_order_id is not null and v_order.id is null then ledger.refuse('order_not_found', jsonb_build_object('order_id', p_order_id))
    when p_order_id is not null and (p_lines is not null or p_prices_include_tax is not null or upper(p_currency) <> v_currency) then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_lines, p_prices_include_tax, p_currency',
        'problem', 'are those of the order, leave them out'))
    when v_order.status in ('rejected', 'cancelled', 'refunded') then
      ledger.refuse('invoice_not_possible', jsonb_build_object('order_number', v_order.order_number, 'status', v_order.status))
    when v_invoice_number is not null then
      ledger.refuse('order_invoiced', jsonb_build_object('order_number', v_order.order_number, 'invoice_number', v_invoice_number))
    else coalesce(
      case when v_account.id is null then ledger.refuse_opening(p_user_id, v_currency) else ledger.refuse_erased(v_account.user_id) end,
      ledger.refuse_invoice_series(p_series), ledger.refuse_due_date(p_due_at),
      ledger.refuse_invoice_texts(p_reference, p_notes, p_billing_address))
  end;
  if v_answer is null then
    v_draft := case when p_order_id is not null then ledger.draft_of_order(v_order)
      else ledger.draft_of_lines(p_lines, coalesce(p_prices_include_tax, ledger.setting_text('prices_include_tax')::boolean)) end;
    v_answer := coalesce(v_draft.refusal, ledger.refuse_claim(v_account.id, v_draft.total_amount - v_draft.prepaid_amount));
  end if;
  if v_answer is not null then
    return next jsonb_populate_record(null::public.ledger_issue_invoice_result, v_answer);
    return;
  end if;

  -- write and record: account if it is the first of it, invoice with its number, transaction, postings, debt, event
  perform set_config('ledger.procedure', 'ledger_issue_invoice', true);
  if v_account.id is null then
    insert into public.accounts (id, user_id, currency) values (ledger.account_id(p_user_id, v_currency), p_user_id, v_currency)
    returning * into v_account;
  end if;
  v_draft.series := p_series;
  v_draft.due_at := p_due_at;
  v_draft.billing_address := coalesce(p_billing_address, v_draft.billing_address);
  v_draft.reference := nullif(trim(p_reference), '');
  v_draft.notes := nullif(trim(p_notes), '');
  v_issued := ledger.write_invoice(v_account, v_order, v_draft, v_actor, ledger.correlation_id());

  -- answer, stored under the key
  v_result := row(true, v_issued.transaction_id, null, null, null, v_issued.invoice_id, v_issued.invoice_number, p_order_id, v_currency,
                  v_draft.total_amount, v_draft.tax_amount, v_draft.prepaid_amount, v_issued.amount, v_issued.due_at, v_issued.version);
  v_answer := ledger.idempotency_end('ledger_issue_invoice', p_idempotency_key, v_actor.caller_id, v_request, v_account.id, to_jsonb(v_result));
  perform set_config('ledger.procedure', '', true);
  return next v_result;
end $$;
revoke execute on function public.ledger_issue_invoice(uuid, uuid, jsonb, text, timestamptz, text, boolean, jsonb, text, text, text, uuid) from public, anon;
grant execute on function public.ledger_issue_invoice(uuid, uuid, jsonb, text, timestamptz, text, boolean, jsonb, text, text, text, uuid) to authenticated, service_role;
comment on function public.ledger_issue_invoice(uuid, uuid, jsonb, text, timestamptz, text, boolean, jsonb, text, text, text, uuid) is
  'Issues the invoice of p_order_id, or a free one for p_user_id of p_lines [{"description": text, "quantity": int, "unit_price_amount": int, "discount_amount": int, "tax_rate_bp": int, "sku": text}] in p_currency. Tax per line, half up; p_prices_include_tax: the setting when left out. p_due_at: by the customer''s terms, else the setting invoice_due_days. amount is what is claimed: total_amount less prepaid_amount, what of an order was paid before and did not go back. Minor units. Needs invoices.issue; the customer can read reference and notes. Errors: customer_required, customer_not_found, unknown_currency, order_not_found, order_invoiced, invoice_not_possible, invoice_series_not_found, invalid_argument, amount_too_large. Source 002.';
