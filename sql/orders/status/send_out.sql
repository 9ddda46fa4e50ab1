/*
 * An order goes out or has arrived: what is left of it is shipped. A delivery moves its money out of
 * escrow, as far as it was not taken back, and gives the referrer and the vendors their part.
 */
create function ledger.send_out(
  p_order public.orders, p_to text, p_actor ledger.actor, p_actor_action text, p_metadata jsonb)
returns ledger.order_change
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_delivers boolean := p_to = 'delivered';
  v_referral public.referrals;
  v_shares ledger.vendor_share[];
  v_whole ledger.order_part;
  v_credited ledger.order_part;
  v_base bigint;
  v_transaction public.transactions;
  v_correlation_id uuid := ledger.correlation_id();
  v_change ledger.order_change;
begin
  -- lock: accounts of who earns by a delivery, with the customer's; where only its version moves, it is locked by its update
  if v_delivers then
    -- nobody had brought the customer of an imported order that is older than the referral
    select r.* into v_referral from public.referrals r where r.referee_user_id = p_order.user_id and r.created_at <= p_order.created_at;
    v_shares := ledger.vendor_shares(p_order);
    if v_referral.referrer_user_id is not null or v_shares is not null then
      perform ledger.lock_accounts(array_remove(array[p_order.user_id, v_referral.referrer_user_id], null) || ledger.owners_of(v_shares),
                                   p_order.currency, p_open => false);
      -- who was erased while their account was waited for earns nothing; now none of them can be
      select r.* into v_referral
      from public.referrals r
      join public.profiles p on p.id = r.referrer_user_id and p.erased_at is null
      where r.referee_user_id = p_order.user_id and r.referrer_user_id = v_referral.referrer_user_id;
      v_shares := ledger.shares_without_erased(v_shares);
    end if;
    v_whole := ledger.whole_order(p_order);
    v_credited := ledger.credited_part(p_order);
    v_base := v_whole.base_amount - ledger.credited_base(v_whole, v_credited);
  end if;

  -- check: nothing of it waits for stock, and what is earned fits the accounts
  v_change.refusal := ledger.refuse_ship_rest(p_order, p_to, p_metadata);
  if v_change.refusal is null and (v_referral.referrer_user_id is not null or v_shares is not null) then
    v_change.refusal := ledger.refuse_shares(v_shares, p_order.currency, v_referral.referrer_user_id,
                                             ledger.commission_amount(v_base, v_referral.rate_bp));
  end if;
  if v_change.refusal is not null then
    return v_change;
  end if;

  -- write: order
  update public.orders o set
    status = p_to,
    version = o.version + 1,
    updated_at = clock_timestamp()
  where o.account_id = p_order.account_id and o.id = p_order.id
  returning o.status, o.payment_status, o.outstanding_amount
  into v_change.order_status, v_change.payment_status, v_change.outstanding_amount;

  -- write: transaction, postings
  v_transaction := ledger.write_transaction(
    p_order.account_id, 'order_status_changed', p_actor, coalesce(p_actor_action, format('order %s to %s', p_order.status, p_to)),
    v_correlation_id, p_order_id => p_order.id, p_metadata => p_metadata);
  if v_delivers then
    perform ledger.write_postings(v_transaction, p_order.currency,
      ledger.delivery_legs(p_order, ledger.part_between(v_credited, v_whole)));
  end if;

  -- write: shipment, with its event; by now the account is locked, so that its events come in the order of its versions
  perform ledger.ship_rest(p_order, p_to, p_actor, v_correlation_id, p_metadata);

  -- record
  perform ledger.record_operation('order.status_changed', 'order', p_order.id, p_order.account_id,
    ledger.balance_effect(v_transaction) || jsonb_build_object(
      'order_number', p_order.order_number, 'user_id', p_order.user_id, 'currency', p_order.currency,
      'from_status', p_order.status, 'to_status', p_to, 'payment_status', v_change.payment_status,
      'notes', coalesce(p_metadata ->> 'notes', p_actor_action), 'metadata', p_metadata),
    p_actor, v_correlation_id);

  -- the sides of the referrer and of the vendors
  if v_referral.referrer_user_id is not null then
    perform ledger.award_commission(p_order.id, v_referral, v_base, p_order.currency, p_actor, v_correlation_id);
  end if;
  if v_shares is not null then
    perform ledger.award_vendor_earnings(p_order, v_shares, p_actor, v_correlation_id);
  end if;

  v_change.transaction_id := v_transaction.id;
  v_change.returned_amount := 0;
  -- the customer may be one of them
  v_change.available_balance := case when v_shares is not null
    then (select a.available_balance from public.accounts a where a.id = p_order.account_id) else v_transaction.balance_after end;
  return v_change;
end $$;
comment on function ledger.send_out(public.orders, text, ledger.actor, text, jsonb) is
  'Moves a locked and checked order to shipped or delivered, with its shipments, money and records.';
