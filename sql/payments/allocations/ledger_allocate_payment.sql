create type public.ledger_allocate_payment_result as (
  success boolean, transaction_id uuid, error_code text, error_message text, error_details jsonb,
  payment_id uuid, currency text, allocated_amount bigint, unapplied_amount bigint, allocations jsonb
);

/*
 * Gives parts of a payment's remainder to invoices of its customer, all lines or none. What goes to the
 * invoice of an order pays that order. Given twice to the same invoice it adds up: the earlier row is
 * reversed and one of the sum takes its place. Amounts in minor units of the payment's currency.
 * Source 002 (E-A2, E-B2, 16.3).
 */
create function public.ledger_allocate_payment(
  p_payment_id uuid,
  p_lines jsonb,
  p_idempotency_key text default null,
  p_actor_id uuid default null)
returns setof public.ledger_allocate_payment_result
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_actor ledger.actor;
  v_request jsonb;
  v_answer jsonb;
  v_lines ledger.allocation_line[];
  v_versions bigint[];
  v_payment public.payments;
  v_key text;
  v_change ledger.allocation_change;
  v_result public.ledger_allocate_payment_result;
begin
  -- who may
  v_actor := ledger.require_permission(ledger.current_actor(p_actor_id), 'payments.allocate');

  -- asked before
  v_request := jsonb_build_array(p_payment_id, p_lines, p_actor_id);
  v_answer := coalesce(
    ledger.idempotency_begin('ledger_allocate_payment', p_idempotency_key, v_actor.caller_id, v_request),
    ledger.refuse_allocation_lines(p_lines));
  if v_answer is not null then
    return next jsonb_populate_record(null::public.ledger_allocate_payment_result, v_answer);
    return;
  end if;

  -- lock: orders, account, payment, invoices
  v_lines := ledger.allocation_lines_of(p_lines);
  v_versions := (select array_agg(trunc((e.line ->> 'expected_version')::numeric) order by e.ordinality)
                 from jsonb_array_elements(p_lines) with ordinality e (line));
  v_payment := ledger.lock_for_allocation(p_payment_id, (select array_agg(l.invoice_id) from unnest(v_lines) l));

  -- check; a digest of the key names the lines for good, also when its answer is not kept any more
  v_key := encode(sha256(convert_to(format('%s:ledger_allocate_payment:%s', v_actor.caller_id, p_idempotency_key), 'UTF8')), 'hex');
  v_answer := case
    when v_payment.id is null then ledger.refuse('payment_not_found', jsonb_build_object('payment_id', p_payment_id))
    when v_payment.status <> 'captured' then
      ledger.refuse('payment_conflict', jsonb_build_object('payment_id', p_payment_id, 'status', v_payment.status))
    when p_idempotency_key is not null and exists (
      select from unnest(v_lines) l
      join public.payment_allocations a on a.idempotency_key = v_key || ':' || l.invoice_id) then
      ledger.refuse('idempotency_conflict', jsonb_build_object('key', p_idempotency_key, 'procedure', 'ledger_allocate_payment'))
    else coalesce(ledger.refuse_during_backfill(), ledger.refuse_allocation(v_payment, v_lines, v_versions))
  end;
  if v_answer is not null then
    return next jsonb_populate_record(null::public.ledger_allocate_payment_result, v_answer);
    return;
  end if;

  -- write and record
  perform set_config('ledger.procedure', 'ledger_allocate_payment', true);
  v_change := ledger.allocate(v_payment.account_id, p_payment_id, v_lines, 'manual', v_actor, ledger.correlation_id(),
                              case when p_idempotency_key is not null then v_key end);

  -- answer, stored under the key
  v_result := row(true, v_change.transaction_id, null, null, null,
                  p_payment_id, v_payment.currency, v_change.allocated_amount, v_change.unapplied_amount, v_change.allocations);
  v_answer := ledger.idempotency_end('ledger_allocate_payment', p_idempotency_key, v_actor.caller_id, v_request, v_payment.account_id, to_jsonb(v_result));
  perform set_config('ledger.procedure', '', true);
  return next v_result;
end $$;
revoke execute on function public.ledger_allocate_payment(uuid, jsonb, text, uuid) from public, anon;
grant execute on function public.ledger_allocate_payment(uuid, jsonb, text, uuid) to authenticated, service_role;
comment on function public.ledger_allocate_payment(uuid, jsonb, text, uuid) is
  'Allocates p_lines, an array of 1 to 1000 {"invoice_id", "amount", "expected_version"?} with each invoice once and amounts in minor units, of a captured payment to invoices of its customer, all or nothing; expected_version is invoice_balance_cache.version as it was read. allocations are the rows written, of {allocation_id, payment_id, invoice_id, order_id, amount, remaining_amount, status}; transaction_id is the first one''s when they are about several orders. Needs payments.allocate. Errors: invalid_argument, payment_not_found, payment_conflict (voided), invoice_not_found, invoice_not_open, invoice_settled (nothing left of it), allocation_exceeds_invoice, allocation_exceeds_payment, already_allocated (by a backfill), invoice_balance_changed, backfill_running, idempotency_conflict. Source 002.';
