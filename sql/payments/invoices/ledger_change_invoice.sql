create type public.ledger_change_invoice_result as (
  success boolean, transaction_id uuid, error_code text, error_message text, error_details jsonb,
  invoice_id uuid, invoice_number text, due_at timestamptz, reference text, notes text, version bigint
);

/*
 * Changes what may change of an issued invoice: when it is due, its reference, its notes. Amounts and lines never do: a
 * credit note takes a part back, ledger_void_invoice all. What is left out stays; an empty text removes one.
 */
create function public.ledger_change_invoice(
  p_invoice_id uuid,
  p_due_at timestamptz default null,
  p_reference text default null,
  p_notes text default null,
  p_expected_version bigint default null,
  p_idempotency_key text default null,
  p_actor_id uuid default null)
returns setof public.ledger_change_invoice_result
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_actor ledger.actor;
  v_request jsonb;
  v_answer jsonb;
  v_invoice public.invoices;
  v_new public.invoices;
  v_transaction public.transactions;
  v_correlation_id uuid := ledger.correlation_id();
  v_result public.ledger_change_invoice_result;
begin
  -- who may
  v_actor := ledger.require_permission(ledger.current_actor(p_actor_id), 'invoices.issue');

  -- asked before
  v_request := jsonb_build_array(p_invoice_id, p_due_at, p_reference, p_notes, p_expected_version, p_actor_id);
  v_answer := ledger.idempotency_begin('ledger_change_invoice', p_idempotency_key, v_actor.caller_id, v_request);
  if v_answer is not null then
    return next jsonb_populate_record(null::public.ledger_change_invoice_result, v_answer);
    return;
  end if;

  -- lock: order, account, invoice
  v_invoice := ledger.lock_invoice(p_invoice_id);

  -- check
  v_answer := coalesce(
    ledger.refuse_invoice_change(v_invoice, p_invoice_id, p_expected_version),
    ledger.refuse_due_date(p_due_at),
    ledger.refuse_invoice_texts(p_reference, p_notes),
    case when num_nonnulls(p_due_at, p_reference, p_notes) = 0 then ledger.refuse('invalid_argument', jsonb_build_object(
      'argument', 'p_due_at, p_reference, p_notes', 'problem', 'say what to change')) end,
    ledger.refuse_erased(v_invoice.user_id));
  if v_answer is not null then
    return next jsonb_populate_record(null::public.ledger_change_invoice_result, v_answer);
    return;
  end if;

  -- write: invoice, transaction
  perform set_config('ledger.procedure', 'ledger_change_invoice', true);
  update public.invoices i set
    due_at = coalesce(p_due_at, i.due_at),
    reference = case when p_reference is null then i.reference else nullif(trim(p_reference), '') end,
    notes = case when p_notes is null then i.notes else nullif(trim(p_notes), '') end,
    version = i.version + 1,
    updated_at = clock_timestamp()
  where i.account_id = v_invoice.account_id and i.id = v_invoice.id
  returning i.* into v_new;
  v_transaction := ledger.write_transaction(
    v_invoice.account_id, 'invoice_changed', v_actor, format('invoice %s changed', v_invoice.invoice_number), v_correlation_id,
    p_order_id => v_invoice.order_id, p_reference_id => v_invoice.id);

  -- record: what it said before too
  perform ledger.record_operation('invoice.changed', case when v_invoice.order_id is null then 'invoice' else 'order' end,
    coalesce(v_invoice.order_id, v_invoice.id), v_invoice.account_id,
    ledger.balance_effect(v_transaction) || ledger.invoice_facts(v_new) || jsonb_build_object(
      'old_due_at', v_invoice.due_at, 'reference', v_new.reference, 'notes', v_new.notes),
    v_actor, v_correlation_id);

  -- answer, stored under the key
  v_result := row(true, v_transaction.id, null, null, null, v_new.id, v_new.invoice_number, v_new.due_at, v_new.reference, v_new.notes, v_new.version);
  v_answer := ledger.idempotency_end('ledger_change_invoice', p_idempotency_key, v_actor.caller_id, v_request, v_invoice.account_id, to_jsonb(v_result));
  perform set_config('ledger.procedure', '', true);
  return next v_result;
end $$;
revoke execute on function public.ledger_change_invoice(uuid, timestamptz, text, text, bigint, text, uuid) from public, anon;
grant execute on function public.ledger_change_invoice(uuid, timestamptz, text, text, bigint, text, uuid) to authenticated, service_role;
comment on function public.ledger_change_invoice(uuid, timestamptz, text, text, bigint, text, uuid) is
  'Changes when an invoice is due, its reference and its notes; null keeps, an empty text removes. Needs invoices.issue; the customer can read them. Errors: invoice_not_found, invoice_conflict (void, or a credit note), invoice_changed (another version than expected), customer_not_found (erased), invalid_argument. Source 002.';
