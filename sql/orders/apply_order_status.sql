/* What a status change did, or why it could not. */
create type ledger.order_change as (
  refusal jsonb,
  transaction_id uuid,
  order_status text,
  payment_status text,
  returned_amount bigint,
  available_balance bigint
);

/*
 * Carries out a status change that the caller has locked the order for and checked: money, stock,
 * discount, commission, records. Accounts are locked before stock, as everywhere.
 */
create function ledger.apply_order_status(
  p_order public.orders, p_to text, p_actor ledger.actor, p_actor_action text, p_metadata jsonb)
returns ledger.order_change
language plpgsql
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
as $$
declare
  v_ends boolean := p_to in ('cancelled', 'refunded');
  v_was_delivered boolean := p_order.status = 'delivered';
  v_restock boolean := v_ends and coalesce((p_metadata ->> 'restock')::boolean, not v_was_delivered);
  v_returned bigint := case when v_ends then p_order.wallet_amount - p_order.refunded_amount else 0 end;
  v_referral public.referrals;
  v_written bigint;
  v_variant_ids uuid[];
  v_quantities bigint[];
  v_transaction public.transactions;
  v_correlation_id uuid := ledger.correlation_id();
  v_change ledger.order_change;
begin
  -- lock: accounts (the referrer's too where a commission moves), stock; where only its version moves, the account
  -- is locked by its update. The discount code's counter comes last in the order of locks, by its update
  if p_to = 'delivered' or v_was_delivered then
    select r.* into v_referral from public.referrals r where r.referee_user_id = p_order.user_id;
  end if;
  if v_ends or v_referral.referrer_user_id is not null then
    perform ledger.lock_accounts(array_remove(array[p_order.user_id, v_referral.referrer_user_id], null), p_order.currency);
  end if;
  if v_restock then
    select array_agg(g.variant_id), array_agg(g.quantity) into v_variant_ids, v_quantities
    from (select i.variant_id, sum(i.quantity)::bigint as quantity
          from public.order_items i
          where i.account_id = p_order.account_id and i.order_id = p_order.id
          group by i.variant_id) g;
    perform from public.stock_levels s
    where s.variant_id = any (v_variant_ids) and s.slot = 0
    order by s.variant_id
    for no key update;
  end if;

  -- check: the commission fits the referrer's account
  if p_to = 'delivered' and v_referral.referrer_user_id is not null then
    perform from public.accounts a
    where a.id = ledger.account_id(v_referral.referrer_user_id, p_order.currency)
      and a.total_earned + ledger.commission_amount(ledger.commission_base(p_order), v_referral.rate_bp) > 9007199254740991;
    if found then
      v_change.refusal := ledger.refuse('amount_too_large', jsonb_build_object('maximum', 9007199254740991));
      return v_change;
    end if;
  end if;

  -- write: order
  update public.orders o set
    status = p_to,
    payment_status = case when v_ends and o.paid_amount > 0 then 'refunded' else o.payment_status end,
    refunded_amount = o.refunded_amount + v_returned,
    version = o.version + 1,
    updated_at = clock_timestamp()
  where o.account_id = p_order.account_id and o.id = p_order.id
  returning o.status, o.payment_status into v_change.order_status, v_change.payment_status;

  -- write: stock, discount
  if v_restock then
    v_written := ledger.move_stock(v_variant_ids, v_quantities, case p_to when 'refunded' then 'order_refunded' else 'order_cancelled' end, p_actor, p_order.id);
  end if;
  if v_ends and not v_was_delivered and p_order.discount_code_id is not null then
    update public.discount_usage u set redemptions = u.redemptions - 1 where u.discount_code_id = p_order.discount_code_id;
    update public.discount_redemptions r set released_at = clock_timestamp() where r.order_id = p_order.id;
  end if;

  -- write: transaction, postings
  v_transaction := ledger.write_transaction(
    p_order.account_id,
    case p_to when 'cancelled' then 'order_cancelled' when 'refunded' then 'order_refunded' else 'order_status_changed' end,
    p_actor, coalesce(p_actor_action, format('order %s to %s', p_order.status, p_to)), v_correlation_id,
    p_orders => -v_returned, p_order_id => p_order.id, p_metadata => p_metadata);
  v_written := ledger.write_postings(v_transaction, p_order.currency,
    case when p_to = 'delivered' then ledger.delivery_legs(p_order)
         when v_ends and v_was_delivered then ledger.reversed(ledger.delivery_legs(p_order)) end
    || case when v_ends then array[row('order_escrow', 'wallet', v_returned)]::ledger.posting_leg[] end);

  -- record
  v_written := ledger.record_operation('order.status_changed', 'order', p_order.id, p_order.account_id,
    ledger.balance_effect(v_transaction, p_orders => -v_returned) || jsonb_build_object(
      'order_number', p_order.order_number, 'user_id', p_order.user_id, 'currency', p_order.currency,
      'from_status', p_order.status, 'to_status', p_to, 'payment_status', v_change.payment_status,
      'returned_amount', v_returned, 'restocked', v_restock,
      'notes', coalesce(p_metadata ->> 'notes', p_actor_action), 'metadata', p_metadata),
    p_actor, v_correlation_id);

  -- the referrer's side
  if p_to = 'delivered' and v_referral.referrer_user_id is not null then
    perform ledger.award_commission(p_order.id, v_referral, ledger.commission_base(p_order), p_order.currency,
                                    p_actor, v_correlation_id);
  elsif v_was_delivered then
    perform ledger.claw_back_commission(p_order.id, ledger.commission_base(p_order), p_actor, v_correlation_id);
  end if;

  v_change.transaction_id := v_transaction.id;
  v_change.returned_amount := v_returned;
  v_change.available_balance := v_transaction.balance_after;
  return v_change;
end $$;
comment on function ledger.apply_order_status(public.orders, text, ledger.actor, text, jsonb) is
  'Moves a locked and checked order to a status, with its money, stock, discount, commission and records. metadata.restock (boolean) says whether goods of an ended order come back; by default unless they were delivered.';
