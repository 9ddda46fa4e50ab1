create function ledger.commission_amount(p_base_amount bigint, p_rate_bp integer)
returns bigint
language sql immutable strict parallel safe
return ledger.divide_half_up(p_base_amount::numeric * p_rate_bp, 10000)::bigint;
comment on function ledger.commission_amount(bigint, integer) is 'Commission on a base, rounded half up; minor units and basis points.';

/* The referrer's side of a delivery: a step of its own, so that it can become a message between shards. */
create function ledger.award_commission(
  p_order_id uuid, p_referral public.referrals, p_base_amount bigint, p_currency text, p_actor ledger.actor, p_correlation_id uuid)
returns ledger.event_draft[]
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_account_id uuid;
  v_commission bigint;
  v_commission_id uuid := ledger.uuid_v7();
  v_transaction public.transactions;
begin
  v_commission := ledger.commission_amount(p_base_amount, p_referral.rate_bp);
  if coalesce(v_commission, 0) = 0 then
    return null;
  end if;
  -- the first money of somebody opens their account
  perform ledger.lock_accounts(array[p_referral.referrer_user_id], p_currency);
  v_account_id := ledger.account_id(p_referral.referrer_user_id, p_currency);

  insert into public.referral_commissions
    (id, account_id, order_id, referee_user_id, rate_bp, base_amount, commission_amount, currency)
  values (v_commission_id, v_account_id, p_order_id, p_referral.referee_user_id, p_referral.rate_bp, p_base_amount, v_commission, p_currency);
  v_transaction := ledger.write_transaction(
    v_account_id, 'commission_earned', p_actor, 'commission on a delivered order', p_correlation_id,
    p_earned => v_commission, p_reference_id => v_commission_id);
  perform ledger.write_postings(v_transaction, p_currency,
    array[row('commission_expense', 'wallet', v_commission)]::ledger.posting_leg[]);
  return array[row('commission.earned', 'account', v_account_id, v_account_id,
    ledger.balance_effect(v_transaction, p_earned => v_commission)
      || jsonb_build_object('commission_id', v_commission_id, 'base_amount', p_base_amount, 'rate_bp', p_referral.rate_bp),
    p_order_id)::ledger.event_draft];
end $$;
comment on function ledger.award_commission(uuid, public.referrals, bigint, text, ledger.actor, uuid) is
  'Credits a referrer with the commission on an order of whom they brought; answers its event for the caller to record, or null when there is no commission. Both accounts are locked by the caller; the referrer''s is opened here when it is their first.';

/*
 * Takes back what of a commission belongs to the part of its base that was taken back since: reckoned
 * from what is left of the base, with the same rounding at every step, so that nothing left ends at
 * exactly the whole commission.
 */
create function ledger.claw_back_commission(
  p_order_id uuid, p_base_left_amount bigint, p_actor ledger.actor, p_correlation_id uuid)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_commission public.referral_commissions;
  v_amount bigint;
  v_transaction public.transactions;
begin
  select c.* into v_commission from public.referral_commissions c where c.order_id = p_order_id for no key update;
  if not found then
    return;
  end if;
  v_amount := ledger.divide_half_up(
                v_commission.commission_amount::numeric * (v_commission.base_amount - p_base_left_amount), v_commission.base_amount)
              - v_commission.clawed_back_amount;
  if v_amount <= 0 then
    return;
  end if;
  update public.referral_commissions c set clawed_back_amount = c.clawed_back_amount + v_amount where c.id = v_commission.id;
  v_transaction := ledger.write_transaction(
    v_commission.account_id, 'commission_clawed_back', p_actor, 'commission of an order that was cancelled or refunded',
    p_correlation_id, p_earned => -v_amount, p_reference_id => v_commission.id);
  perform ledger.write_postings(v_transaction, v_commission.currency,
    array[row('wallet', 'commission_expense', v_amount)]::ledger.posting_leg[]);
  perform ledger.record_operation('commission.clawed_back', 'account', v_commission.account_id, v_commission.account_id,
    ledger.balance_effect(v_transaction, p_earned => -v_amount)
      || jsonb_build_object('commission_id', v_commission.id, 'base_left_amount', p_base_left_amount),
    p_actor, p_correlation_id, p_order_id);
end $$;
comment on function ledger.claw_back_commission(uuid, bigint, ledger.actor, uuid) is
  'Takes back the share of an order''s commission that belongs to what is no longer left of its base. The referrer''s account is locked by the caller.';
