create type public.ledger_credit_invoice_result as (
  success boolean, transaction_id uuid, error_code text, error_message text, error_details jsonb,
  invoice_id uuid, credit_note_id uuid, credit_note_number text, credited_amount bigint, tax_amount bigint,
  released_amount bigint, remaining_amount bigint, version bigint
);

/*
 * Credits a part of a free invoice, units of its lines or an amount, by a credit note with a number of its own. What
 * is credited beyond what remains to be paid was paid: so much is released of its allocations, newest
 * first, and is money of the customer's that is not applied. Amounts in minor units. Source 002, section 10.
 */
create function public.ledger_credit_invoice(
  p_invoice_id uuid,
  p_lines jsonb default null,
  p_amount bigint default null,
  p_reason text default null,
  p_expected_version bigint default null,
  p_idempotency_key text default null,
  p_actor_id uuid default null)
returns setof public.ledger_credit_invoice_result
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_actor ledger.actor;
  v_request jsonb;
  v_answer jsonb;
  v_invoice public.invoices;
  v_account public.accounts;
  v_draft ledger.invoice_draft;
  v_released bigint;
  v_note public.invoices;
  v_transaction public.transactions;
  v_correlation_id uuid := ledger.correlation_id();
  v_result public.ledger_credit_invoice_result;
begin
  -- who may
  v_actor := ledger.require_permission(ledger.current_actor(p_actor_id), 'invoices.issue');

  -- asked before
  v_request := jsonb_build_array(p_invoice_id, p_lines, p_amount, p_reason, p_expected_version, p_actor_id);
  v_answer := ledger.idempotency_begin('ledger_credit_invoice', p_idempotency_key, v_actor.caller_id, v_request);
  if v_answer is not null then
    return next jsonb_populate_record(null::public.ledger_credit_invoice_result, v_answer);
    return;
  end if;

  -- lock: account, the payments that may be released, invoice
  select a.* into v_account from public.accounts a
  where a.id = (select i.account_id from public.invoices i where i.id = p_invoice_id and i.order_id is null)
  for no key update;
  perform from public.payments p
  where p.account_id = v_account.id and p.id in (select l.payment_id from ledger.live_allocations(v_account.id, p_invoice_id) l)
  order by p.id for no key update;
  v_invoice := ledger.lock_invoice(p_invoice_id);

  -- check
  v_answer := coalesce(ledger.refuse_invoice_change(v_invoice, p_invoice_id, p_expected_version), case
    when v_invoice.order_id is not null then ledger.refuse('order_invoice', jsonb_build_object('invoice_number', v_invoice.invoice_number,
      'order_number', (select o.order_number from public.orders o where o.account_id = v_invoice.account_id and o.id = v_invoice.order_id)))
    when length(p_reason) > 2000 then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_reason', 'problem', 'at most 2000 characters'))
  end, ledger.refuse_erased(v_invoice.user_id));
  if v_answer is null then
    v_draft := ledger.draft_of_credit(v_invoice, p_lines, p_amount);
    v_released := greatest(v_draft.total_amount - (select b.remaining_amount from public.invoice_balance_cache b
                                                   where b.account_id = v_account.id and b.invoice_id = v_invoice.id), 0);
    v_answer := coalesce(v_draft.refusal, case when v_released > 0 then ledger.refuse_during_backfill() end);
  end if;
  if v_answer is not null then
    return next jsonb_populate_record(null::public.ledger_credit_invoice_result, v_answer);
    return;
  end if;

  -- write: what was paid beyond what is left, an operation of its own; then note, invoice, its balance
  perform set_config('ledger.procedure', 'ledger_credit_invoice', true);
  if v_released > 0 then
    perform ledger.release_allocations(v_account.id, v_invoice.id, v_released, v_actor, coalesce(p_reason, 'invoice credited'), v_correlation_id);
  end if;
  v_draft.billing_address := v_invoice.billing_address;
  v_draft.customer_name := v_invoice.customer_name;
  v_draft.notes := p_reason;
  v_note := ledger.insert_invoice(v_account, 'credit_note', null, v_invoice.id, null, v_draft, v_actor);
  update public.invoices i set credited_amount = i.credited_amount + v_note.total_amount, version = i.version + 1, updated_at = clock_timestamp()
  where i.account_id = v_account.id and i.id = v_invoice.id
  returning i.* into v_invoice;
  update public.invoice_balance_cache b set amount = v_invoice.amount, version = b.version + 1, updated_at = clock_timestamp()
  where b.account_id = v_account.id and b.invoice_id = v_invoice.id
  returning b.remaining_amount into v_result.remaining_amount;

  -- write: transaction, postings, debt
  v_transaction := ledger.write_transaction(
    v_account.id, 'invoice_credited', v_actor, coalesce(p_reason, format('invoice %s credited', v_invoice.invoice_number)), v_correlation_id,
    p_reference_id => v_note.id);
  perform ledger.write_postings(v_transaction, v_account.currency, ledger.reversed(ledger.invoice_legs(v_note)));

  -- record
  perform ledger.record_operation('invoice.credited', 'invoice', v_invoice.id, v_account.id,
    ledger.balance_effect(v_transaction) || ledger.write_debt_movement(v_transaction, p_invoiced => -v_note.total_amount)
      || ledger.invoice_facts(v_invoice) || jsonb_build_object(
        'credit_note_id', v_note.id, 'credit_note_number', v_note.invoice_number, 'credit_note_amount', v_note.total_amount,
        'released_amount', v_released, 'remaining_amount', v_result.remaining_amount, 'reason', p_reason),
    v_actor, v_correlation_id);

  -- answer, stored under the key
  v_result := row(true, v_transaction.id, null, null, null, v_invoice.id, v_note.id, v_note.invoice_number, v_note.total_amount, v_note.tax_amount,
                  v_released, v_result.remaining_amount, v_invoice.version);
  v_answer := ledger.idempotency_end('ledger_credit_invoice', p_idempotency_key, v_actor.caller_id, v_request, v_account.id, to_jsonb(v_result));
  perform set_config('ledger.procedure', '', true);
  return next v_result;
end $$;
revoke execute on function public.ledger_credit_invoice(uuid, jsonb, bigint, text, bigint, text, uuid) from public, anon;
grant execute on function public.ledger_credit_invoice(uuid, jsonb, bigint, text, bigint, text, uuid) to authenticated, service_role;
comment on function public.ledger_credit_invoice(uuid, jsonb, bigint, text, bigint, text, uuid) is
  'Credits p_lines [{"line_number": 1, "quantity": 2}] or p_amount (with its tax) of a free invoice by a credit note; the invoice of an order is credited by ledger_refund_order. released_amount: what of it had been paid, and is unapplied with its payments now. Minor units. Needs invoices.issue; the customer can read p_reason. Errors: invoice_not_found, invoice_conflict (void, or a credit note), invoice_changed (another version than expected), order_invoice, nothing_to_credit, invalid_amount, invalid_argument, invoice_line_not_found, units_not_creditable, credit_exceeds_invoice, backfill_running, customer_not_found (erased). Source 002.';
