create type public.ledger_void_invoice_result as (
  success boolean, transaction_id uuid, error_code text, error_message text, error_details jsonb,
  invoice_id uuid, invoice_number text, order_id uuid, voided_amount bigint, version bigint
);

/*
 * Makes an invoice void that should not have been issued: it keeps its number and claims nothing. Its order can be
 * edited and invoiced anew; a free one's postings are reversed. Not with payments allocated to it or credit notes.
 * Source 002, section 10.
 */
create function public.ledger_void_invoice(
  p_invoice_id uuid,
  p_reason text default null,
  p_idempotency_key text default null,
  p_actor_id uuid default null)
returns setof public.ledger_void_invoice_result
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_actor ledger.actor;
  v_request jsonb;
  v_answer jsonb;
  v_invoice public.invoices;
  v_transaction public.transactions;
  v_result public.ledger_void_invoice_result;
begin
  -- who may
  v_actor := ledger.require_permission(ledger.current_actor(p_actor_id), 'invoices.issue');

  -- asked before
  v_request := jsonb_build_array(p_invoice_id, p_reason, p_actor_id);
  v_answer := ledger.idempotency_begin('ledger_void_invoice', p_idempotency_key, v_actor.caller_id, v_request);
  if v_answer is not null then
    return next jsonb_populate_record(null::public.ledger_void_invoice_result, v_answer);
    return;
  end if;

  -- lock: order, account, invoice
  v_invoice := ledger.lock_invoice(p_invoice_id);

  -- check
  v_answer := coalesce(ledger.refuse_invoice_change(v_invoice, p_invoice_id, null), case
    when length(p_reason) > 2000 then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_reason', 'problem', 'at most 2000 characters'))
    else ledger.refuse_voiding(v_invoice)
  end);
  if v_answer is not null then
    return next jsonb_populate_record(null::public.ledger_void_invoice_result, v_answer);
    return;
  end if;

  -- write and record
  perform set_config('ledger.procedure', 'ledger_void_invoice', true);
  v_transaction := ledger.void_invoice(v_invoice, p_reason, v_actor, ledger.correlation_id());

  -- answer, stored under the key
  v_result := row(true, v_transaction.id, null, null, null, v_invoice.id, v_invoice.invoice_number, v_invoice.order_id, v_invoice.amount,
                  v_invoice.version + 1);
  v_answer := ledger.idempotency_end('ledger_void_invoice', p_idempotency_key, v_actor.caller_id, v_request, v_invoice.account_id, to_jsonb(v_result));
  perform set_config('ledger.procedure', '', true);
  return next v_result;
end $$;
revoke execute on function public.ledger_void_invoice(uuid, text, text, uuid) from public, anon;
grant execute on function public.ledger_void_invoice(uuid, text, text, uuid) to authenticated, service_role;
comment on function public.ledger_void_invoice(uuid, text, text, uuid) is
  'Makes an invoice void: voided_amount (minor units) is owed no more by it; its number stays taken. The order of it owes what it owes. Needs invoices.issue; the customer can read p_reason. Errors: invoice_not_found, invoice_conflict (void already, or a credit note), invoice_allocated, invoice_credited, invalid_argument. Source 002.';
