create type public.ledger_edit_order_result as (
  success boolean, transaction_id uuid, error_code text, error_message text, error_details jsonb,
  order_id uuid, version bigint, total_amount bigint, difference_amount bigint, wallet_amount bigint, returned_amount bigint,
  outstanding_amount bigint, payment_status text, changes jsonb, order_status text, refund_id uuid
);

/*
 * Adds, changes and removes lines of an order that is not shipped yet, and settles the difference in
 * money and stock; a dry run answers what would come of it and writes nothing. Amounts in minor
 * units. Source 004 (editing orders).
 */
create function public.ledger_edit_order(
  p_order_id uuid,
  p_changes jsonb,
  p_dry_run boolean default false,
  p_expected_version bigint default null,
  p_expected_total bigint default null,
  p_wallet_amount bigint default null,
  p_to text default 'wallet',
  p_reason text default null,
  p_idempotency_key text default null,
  p_user_id uuid default null,
  p_actor_id uuid default null)
returns setof public.ledger_edit_order_result
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_actor ledger.actor;
  v_by_staff boolean;
  v_user_id uuid;
  v_key text := case when p_dry_run is not true then p_idempotency_key end;
  v_request jsonb;
  v_answer jsonb;
  v_settings jsonb := ledger.all_settings();
  v_changes ledger.order_changes;
  v_order public.orders;
  v_new public.orders;
  v_account public.accounts;
  v_edit ledger.edited_order;
  v_money ledger.edit_money;
  v_plan ledger.stock_plan;
  v_backordered jsonb;
  v_transaction public.transactions;
  v_change ledger.order_change;
  v_refund_id uuid;
  v_correlation_id uuid := ledger.correlation_id();
  v_result public.ledger_edit_order_result;
begin
  -- who may: staff with orders.edit for anyone, customers for themselves
  v_actor := ledger.current_actor(p_actor_id);
  v_by_staff := ledger.has_permission(v_actor, 'orders.edit');
  v_user_id := case when v_by_staff then p_user_id else ledger.customer_of_call(v_actor, p_user_id, 'orders.edit') end;

  -- asked before; a dry run leaves no key
  v_request := jsonb_build_array(p_order_id, p_changes, p_expected_version, p_expected_total, p_wallet_amount, p_to, p_reason, p_user_id, p_actor_id);
  v_answer := ledger.idempotency_begin('ledger_edit_order', v_key, v_actor.caller_id, v_request);
  if v_answer is null and not v_actor.is_system then
    v_answer := ledger.rate_limit_take(v_actor.user_id, 'ledger_edit_order');
  end if;
  if v_answer is not null then
    return next jsonb_populate_record(null::public.ledger_edit_order_result, v_answer);
    return;
  end if;

  -- lock: order
  select o.* into v_order
  from public.orders o
  where o.id = p_order_id and (v_user_id is null or o.user_id = v_user_id)
  for no key update;

  -- check: what is asked, and what it would come to
  v_changes := ledger.read_changes(p_changes, v_settings);
  v_answer := case
    when v_order.id is null then ledger.refuse('order_not_found', jsonb_build_object('order_id', p_order_id))
    when p_to is null or p_to not in ('wallet', 'original') then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_to', 'problem', 'one of wallet, original'))
    when length(p_reason) > 2000 then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_reason', 'problem', 'at most 2000 characters'))
    when p_expected_version <> v_order.version then ledger.refuse('version_conflict', jsonb_build_object(
      'order_number', v_order.order_number, 'version', v_order.version, 'expected', p_expected_version))
    when v_changes.refusal is not null then v_changes.refusal
    else ledger.refuse_edit(v_order, v_changes, v_by_staff)
  end;
  if v_answer is null then
    v_edit := ledger.price_edit(v_order, v_changes, v_settings);
    v_answer := case
      when v_edit.refusal is not null then v_edit.refusal
      when p_expected_total <> v_edit.total_amount then ledger.refuse('price_changed', jsonb_build_object(
        'total', v_edit.total_amount, 'expected', p_expected_total, 'currency', v_order.currency))
    end;
  end if;

  -- lock: account, stock; each check under its lock. Where both are short, the stock is what is told, as for a new order
  if v_answer is null then
    select a.* into v_account from public.accounts a where a.id = v_order.account_id for no key update;
    v_money := ledger.settle_edit(v_order, v_edit.total_amount, p_wallet_amount, p_to, v_account);
    if v_edit.variant_ids is not null then
      v_plan := ledger.plan_stock(v_edit.variant_ids, v_edit.quantities);
    end if;
    v_answer := coalesce(v_plan.refusal, v_money.refusal);
  end if;
  if v_answer is not null then
    return next jsonb_populate_record(null::public.ledger_edit_order_result, v_answer);
    return;
  end if;

  -- a dry run ends here
  v_result := row(true, null, null, null, null, v_order.id, v_order.version, v_edit.total_amount, v_edit.total_amount - v_order.total_amount,
                  v_money.taken_amount, v_money.returned_amount,
                  v_edit.total_amount - v_order.paid_amount - v_money.taken_amount + v_order.refunded_amount + v_money.returned_amount,
                  ledger.payment_status_after_edit(v_order, v_edit.total_amount, v_money), v_edit.changes, v_order.status, null);
  if p_dry_run then
    return next v_result;
    return;
  end if;

  -- write: order, lines, stock, refund, transaction, postings, discount
  perform set_config('ledger.procedure', 'ledger_edit_order', true);
  v_new := ledger.settle_payment_deadline(ledger.write_edited_order(v_order, v_edit, v_money));
  perform ledger.write_edited_lines(v_order, v_edit);
  v_backordered := ledger.backordered_units(v_order.id);
  if v_edit.variant_ids is not null then
    perform ledger.apply_stock_plan(v_plan, 'order_edited', v_actor, v_order.id, v_order.account_id, v_correlation_id);
  end if;
  v_refund_id := ledger.write_edit_refund(v_order, v_money, p_to, coalesce(p_reason, 'order edited'), v_actor);
  v_transaction := ledger.write_transaction(
    v_order.account_id, 'order_edited', v_actor, coalesce(p_reason, 'order edited'), v_correlation_id,
    p_earned => v_money.credit_amount, p_orders => v_money.taken_amount - v_money.wallet_amount,
    p_order_id => v_order.id, p_reference_id => v_refund_id,
    p_metadata => jsonb_build_object('order_number', v_order.order_number, 'last_line_number', v_edit.last_line_number));
  perform ledger.write_postings(v_transaction, v_order.currency, ledger.edit_legs(v_money));
  perform ledger.write_edited_discount(v_order, v_edit);

  -- record: the old state stays in the event
  perform ledger.record_operation('order.edited', 'order', v_order.id, v_order.account_id,
    ledger.balance_effect(v_transaction, p_earned => v_money.credit_amount, p_orders => v_money.taken_amount - v_money.wallet_amount)
      || jsonb_build_object(
        'order_number', v_order.order_number, 'user_id', v_order.user_id, 'currency', v_order.currency, 'version', v_new.version,
        'changes', v_edit.changes, 'old', ledger.order_state(v_order, v_edit.lines_before), 'new', ledger.order_state(v_new, v_edit.lines),
        'wallet_amount', v_money.taken_amount, 'returned_amount', v_money.returned_amount, 'refund_id', v_refund_id, 'notes', p_reason)
      || ledger.backordered_since(v_order.id, v_backordered),
    v_actor, v_correlation_id);

  -- an order that is covered now is confirmed where the shop wants that
  if v_order.amount_due > 0 then
    v_change := ledger.confirm_when_covered(v_new, v_actor);
  end if;

  -- answer, stored under the key
  v_result.transaction_id := v_transaction.id;
  v_result.payment_status := v_new.payment_status;
  v_result.version := (select o.version from public.orders o where o.account_id = v_order.account_id and o.id = v_order.id);
  v_result.order_status := coalesce(v_change.order_status, v_result.order_status);
  v_result.refund_id := v_refund_id;
  v_answer := ledger.idempotency_end('ledger_edit_order', v_key, v_actor.caller_id, v_request, v_order.account_id, to_jsonb(v_result));
  perform set_config('ledger.procedure', '', true);
  return next v_result;
end $$;
revoke execute on function public.ledger_edit_order(uuid, jsonb, boolean, bigint, bigint, bigint, text, text, text, uuid, uuid) from public, anon;
grant execute on function public.ledger_edit_order(uuid, jsonb, boolean, bigint, bigint, bigint, text, text, text, uuid, uuid) to authenticated, service_role;
comment on function public.ledger_edit_order(uuid, jsonb, boolean, bigint, bigint, bigint, text, text, text, uuid, uuid) is
  'Edits an order that is pending, confirmed or processing, of the caller (while pending; staff with orders.edit: of anyone). p_changes: [{"line_number": 2, "quantity": 3} (0 removes) | {"variant_id": uuid, "quantity": int} (adds)]; in refusals of added items line is their place among the added ones. Existing lines keep their price; added ones cost what the catalogue says; the discount is reckoned anew and dropped when its minimum is no longer met. An order paid by wallet takes the difference from it, others take p_wallet_amount (0 when left out) and the rest is due; what was paid too much goes back, what came from outside to p_to (wallet, or original: paid out, refund_id is settled by ledger_settle_refund). p_dry_run answers the same and writes nothing (version is the present one). changes: [{line_number, variant_id, product_sku, old_quantity, new_quantity, unit_price_amount}]. Minor units. Errors: order_not_found, order_invoiced, edit_not_allowed, version_conflict, line_not_found, line_shipped, empty_order, too_many_lines, invalid_quantity, invalid_argument, price_changed, insufficient_stock, insufficient_funds, invalid_wallet_amount, credit_not_granted and credit_limit_exceeded (an order by invoice would owe more), account_frozen, amount_too_large, currency_mismatch, variant_not_found, variant_unavailable, invalid_items, rate_limited. Source 004.';
