create type public.ledger_auto_allocate_payment_result as (
  success boolean, transaction_id uuid, error_code text, error_message text, error_details jsonb,
  payment_id uuid, currency text, strategy text, dry_run boolean, allocated_amount bigint, unapplied_amount bigint, allocations jsonb, plan jsonb
);

/*
 * Gives a payment's remainder to the open invoices of its customer in the order of a strategy, until
 * one of both is used up; what is left stays with the payment. A dry run answers the plan and changes
 * nothing. Amounts in minor units. Source 002 (E-D1, 16.2).
 */
create function public.ledger_auto_allocate_payment(
  p_payment_id uuid,
  p_strategy text default 'fifo',
  p_idempotency_key text default null,
  p_actor_id uuid default null,
  p_dry_run boolean default false)
returns setof public.ledger_auto_allocate_payment_result
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_actor ledger.actor;
  v_request jsonb;
  v_answer jsonb;
  v_strategy text := lower(p_strategy);
  v_payment public.payments;
  v_invoices uuid[];
  v_orders uuid[];
  v_lines ledger.allocation_line[];
  v_plan jsonb;
  v_change ledger.allocation_change;
  v_result public.ledger_auto_allocate_payment_result;
begin
  -- who may
  v_actor := ledger.require_permission(ledger.current_actor(p_actor_id), 'payments.allocate');

  -- asked before
  v_request := jsonb_build_array(p_payment_id, p_strategy, p_actor_id, p_dry_run);
  v_answer := coalesce(
    ledger.idempotency_begin('ledger_auto_allocate_payment', p_idempotency_key, v_actor.caller_id, v_request),
    case when v_strategy is null or v_strategy <> all (ledger.allocation_strategies()) then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_strategy',
        'problem', 'one of ' || array_to_string(ledger.allocation_strategies(), ', '))) end);
  if v_answer is not null then
    return next jsonb_populate_record(null::public.ledger_auto_allocate_payment_result, v_answer);
    return;
  end if;

  -- lock: the orders of all open invoices, account, payment; a dry run looks only
  if p_dry_run then
    select p.* into v_payment from public.payments p where p.id = p_payment_id;
  else
    v_invoices := array(
      select b.invoice_id from public.invoice_balance_cache b
      where b.account_id = (select p.account_id from public.payments p where p.id = p_payment_id) and b.remaining_amount > 0);
    v_payment := ledger.lock_for_allocation(p_payment_id, v_invoices);
    v_orders := array(select i.order_id from public.invoices i where i.id = any (v_invoices) and i.order_id is not null);
  end if;

  -- check
  v_answer := case
    when v_payment.id is null then ledger.refuse('payment_not_found', jsonb_build_object('payment_id', p_payment_id))
    when v_payment.status <> 'captured' then
      ledger.refuse('payment_conflict', jsonb_build_object('payment_id', p_payment_id, 'status', v_payment.status))
    else coalesce(ledger.refuse_during_backfill(),
      case when v_payment.unapplied_amount = 0 then ledger.refuse('nothing_to_allocate', jsonb_build_object('reason', 'the payment has no remainder')) end)
  end;
  if v_answer is null then
    select array_agg(row(l.invoice_id, l.amount)::ledger.allocation_line order by l.place), jsonb_agg(to_jsonb(l) - 'place' order by l.place)
    into v_lines, v_plan
    from ledger.plan_allocation(v_payment, v_strategy, v_orders) l;
    if v_lines is null then
      v_answer := ledger.refuse('nothing_to_allocate', jsonb_build_object('reason', 'the customer has no open invoice in ' || v_payment.currency));
    end if;
  end if;
  if v_answer is not null then
    return next jsonb_populate_record(null::public.ledger_auto_allocate_payment_result, v_answer);
    return;
  end if;

  -- a dry run ends here
  if p_dry_run then
    select sum(l.amount) into v_change.allocated_amount from unnest(v_lines) l;
    return next row(true, null, null, null, null, p_payment_id, v_payment.currency, v_strategy, true,
                    v_change.allocated_amount, v_payment.unapplied_amount - v_change.allocated_amount, '[]'::jsonb, v_plan)
                ::public.ledger_auto_allocate_payment_result;
    return;
  end if;

  -- write and record
  perform set_config('ledger.procedure', 'ledger_auto_allocate_payment', true);
  v_change := ledger.allocate(v_payment.account_id, p_payment_id, v_lines, 'auto', v_actor, ledger.correlation_id());

  -- answer, stored under the key
  v_result := row(true, v_change.transaction_id, null, null, null, p_payment_id, v_payment.currency, v_strategy, false,
                  v_change.allocated_amount, v_change.unapplied_amount, v_change.allocations, v_plan);
  v_answer := ledger.idempotency_end('ledger_auto_allocate_payment', p_idempotency_key, v_actor.caller_id, v_request, v_payment.account_id, to_jsonb(v_result));
  perform set_config('ledger.procedure', '', true);
  return next v_result;
end $$;
revoke execute on function public.ledger_auto_allocate_payment(uuid, text, text, uuid, boolean) from public, anon;
grant execute on function public.ledger_auto_allocate_payment(uuid, text, text, uuid, boolean) to authenticated, service_role;
comment on function public.ledger_auto_allocate_payment(uuid, text, text, uuid, boolean) is
  'Allocates what is left of a captured payment to open invoices of its customer. p_strategy: fifo (issued first), aging (most overdue first, then the largest remaining amount), risk (days overdue x remaining amount, highest first), weighted (age, days overdue and size, each as a share of the largest, weighted by the settings allocation_weight_*). plan is what was decided, of {invoice_id, invoice_number, order_id, amount, remaining_amount (before), days_overdue, score}; allocations as of ledger_allocate_payment. With p_dry_run nothing changes, and no key is kept. Amounts in minor units. Needs payments.allocate. Errors: invalid_argument, payment_not_found, payment_conflict (voided), nothing_to_allocate, backfill_running, idempotency_conflict. Source 002.';
