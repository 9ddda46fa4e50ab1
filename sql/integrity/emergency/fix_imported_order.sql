/*
 * Orders that were broken in an older system (source 000), brought to what is right: the wallet's part gets its
 * transaction, the receipt is approved, the status follows that of the management. All of it goes the way that
 * people would go, so each step leaves what it always leaves.
 */

/* What of its wallet part an order still lacks. What the wallet has paid since, and what is not due any more, is none of it. */
create function ledger.wallet_part_left(p_claim public.imported_order_claims, p_order public.orders)
returns bigint
language sql immutable parallel safe
set search_path = pg_catalog, pg_temp
return case when (p_order).status in ('rejected', 'cancelled', 'refunded') then 0
            else greatest(least((p_claim).wallet_amount - (p_order).wallet_amount, (p_order).amount_due), 0) end;
comment on function ledger.wallet_part_left(public.imported_order_claims, public.orders) is
  'What the wallet is said to have paid for an order and has not, as far as it is due; minor units.';

/* What is still wrong with an order: people may have dealt with it since the import, or ended it. */
create function ledger.problems_left(p_claim public.imported_order_claims, p_order public.orders)
returns text[]
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  return array_remove(array[
    case when ledger.status_rank(p_order.status) < ledger.status_rank(p_claim.claimed_status) then 'status_mismatch' end,
    case when ledger.wallet_part_left(p_claim, p_order) > 0 then 'wallet_without_transaction' end,
    case when p_order.status not in ('rejected', 'cancelled', 'refunded') and exists (
      select from public.payment_receipts r
      where r.account_id = p_claim.account_id and r.id = p_claim.receipt_id and r.status = 'submitted') then 'receipt_stuck' end], null);
end $$;
comment on function ledger.problems_left(public.imported_order_claims, public.orders) is
  'Which problems of a claim its order still has: status_mismatch, wallet_without_transaction, receipt_stuck. Nothing is wrong with one that has ended.';

/* Ends the subtransaction of an order, and with it all that was done to it; null does nothing. */
create function ledger.give_up_fix(p_refusal jsonb)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  if p_refusal is not null then
    raise exception using errcode = 'LREFU', message = p_refusal::text;
  end if;
end $$;
comment on function ledger.give_up_fix(jsonb) is 'Raises LREFU with a refusal as its message, if there is one.';

/* The order as it is by now, with the step that brought it from another status, if one did. */
create function ledger.step_of_status(p_from public.orders, p_to public.orders, p_transaction_id uuid default null)
returns jsonb
language sql immutable parallel safe
set search_path = pg_catalog, pg_temp
return case when (p_from).status = (p_to).status then '[]'
            else jsonb_build_array(jsonb_strip_nulls(jsonb_build_object(
              'step', 'status_changed', 'from', (p_from).status, 'to', (p_to).status, 'transaction_id', p_transaction_id))) end;
comment on function ledger.step_of_status(public.orders, public.orders, uuid) is 'A list of one step, or of none when the status is the same.';

/*
 * Puts one order right, and answers the steps that it took. Order and accounts are locked, and the subtransaction
 * is the caller's: what cannot be done raises LREFU with the refusal.
 */
create function ledger.fix_imported_order(p_claim public.imported_order_claims, p_order public.orders, p_actor ledger.actor)
returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_action constant text := 'an order of the older system, put right';
  v_problems text[] := ledger.problems_left(p_claim, p_order);
  v_order public.orders := p_order;
  v_next public.orders;
  v_amount bigint;
  v_status text;
  v_receipt public.ledger_review_receipt_result;
  v_change ledger.order_change;
  v_steps jsonb := jsonb_build_array();
begin
  -- the wallet's part gets its transaction
  if 'wallet_without_transaction' = any (v_problems) then
    v_amount := ledger.wallet_part_left(p_claim, v_order);
    perform ledger.give_up_fix((select ledger.refuse_wallet_payment(v_order, a, v_amount) from public.accounts a where a.id = v_order.account_id));
    v_change := ledger.pay_from_wallet(v_order, v_amount, p_actor, v_action, ledger.correlation_id(), p_confirm => true);
    select o.* into v_next from public.orders o where o.account_id = v_order.account_id and o.id = v_order.id;
    v_steps := v_steps || jsonb_build_object('step', 'wallet_paid', 'amount', v_amount, 'transaction_id', v_change.transaction_id)
                       || ledger.step_of_status(v_order, v_next);
    v_order := v_next;
  end if;

  -- the receipt is approved as far as something is due, so that no number of a file becomes money of a wallet
  if 'receipt_stuck' = any (v_problems) then
    select least(r.amount, v_order.amount_due) into v_amount from public.payment_receipts r where r.id = p_claim.receipt_id;
    perform ledger.give_up_fix(case when v_amount = 0 then ledger.refuse('receipt_not_due', jsonb_build_object(
      'order_number', v_order.order_number, 'receipt_id', p_claim.receipt_id)) end);
    select r.* into v_receipt
    from public.ledger_review_receipt(p_claim.receipt_id, 'approve', v_amount, v_action, p_actor_id => p_actor.user_id) r;
    perform set_config('ledger.procedure', 'integrity_emergency_order_fix', true);
    perform ledger.give_up_fix(case when not v_receipt.success then to_jsonb(v_receipt) end);
    select o.* into v_next from public.orders o where o.account_id = v_order.account_id and o.id = v_order.id;
    v_steps := v_steps || jsonb_build_object('step', 'receipt_approved', 'amount', v_receipt.approved_amount, 'receipt_id', v_receipt.receipt_id,
                                             'payment_id', v_receipt.payment_id, 'transaction_id', v_receipt.transaction_id)
                       || ledger.step_of_status(v_order, v_next);
    v_order := v_next;
  end if;

  -- the status follows that of the management, through every status between
  while ledger.status_rank(v_order.status) < ledger.status_rank(p_claim.claimed_status) loop
    v_status := (array['pending', 'confirmed', 'processing', 'shipped', 'delivered'])[ledger.status_rank(v_order.status) + 1];
    perform ledger.give_up_fix(ledger.refuse_transition(v_order, v_status));
    v_change := ledger.apply_order_status(v_order, v_status, p_actor, v_action, '{}');
    perform ledger.give_up_fix(v_change.refusal);
    select o.* into v_next from public.orders o where o.account_id = v_order.account_id and o.id = v_order.id;
    v_steps := v_steps || ledger.step_of_status(v_order, v_next, v_change.transaction_id);
    v_order := v_next;
  end loop;
  return v_steps;
end $$;
comment on function ledger.fix_imported_order(public.imported_order_claims, public.orders, ledger.actor) is
  'Puts a locked order right and answers its steps [{"step": wallet_paid | receipt_approved | status_changed, ...}], amounts in minor units. Raises LREFU with the refusal where it cannot.';
