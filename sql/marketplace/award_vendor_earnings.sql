/*
 * The vendors' side of a delivery: a step of its own, so that it can become a message between shards. The
 * customer's books have moved the shares from escrow to vendor_payable; here they go on into the wallets.
 * The share of a vendor whom nobody owns stays payable.
 */
create function ledger.award_vendor_earnings(
  p_order public.orders, p_shares ledger.vendor_share[], p_actor ledger.actor, p_correlation_id uuid)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_share ledger.vendor_share;
  v_account_id uuid;
  v_earning_id uuid;
  v_transaction public.transactions;
begin
  for v_share in select s.* from unnest(p_shares) s where s.share_amount > 0 order by s.vendor_id loop
    v_account_id := ledger.account_id(v_share.owner_user_id, p_order.currency);
    v_earning_id := ledger.uuid_v7();
    v_transaction := null;
    -- the first money of somebody opens their account
    if v_account_id is not null then
      perform ledger.lock_accounts(array[v_share.owner_user_id], p_order.currency);
    end if;
    insert into public.vendor_earnings
      (id, account_id, owner_user_id, vendor_id, order_id, currency, base_amount, share_amount)
    values
      (v_earning_id, v_account_id, v_share.owner_user_id, v_share.vendor_id, p_order.id, p_order.currency,
       v_share.base_amount, v_share.share_amount);
    if v_account_id is not null then
      v_transaction := ledger.write_transaction(
        v_account_id, 'vendor_earned', p_actor, 'share of a delivered order', p_correlation_id,
        p_earned => v_share.share_amount, p_reference_id => v_earning_id);
      perform ledger.write_postings(v_transaction, p_order.currency,
        array[row('vendor_payable', 'wallet', v_share.share_amount)]::ledger.posting_leg[]);
    end if;
    perform ledger.record_operation('vendor.earned', 'vendor', v_share.vendor_id, v_account_id,
      case when v_account_id is null then '{}' else ledger.balance_effect(v_transaction, p_earned => v_share.share_amount) end
        || jsonb_build_object('earning_id', v_earning_id, 'order_id', p_order.id, 'currency', p_order.currency,
                              'base_amount', v_share.base_amount, 'share_amount', v_share.share_amount),
      p_actor, p_correlation_id, p_order.id);
  end loop;
end $$;
comment on function ledger.award_vendor_earnings(public.orders, ledger.vendor_share[], ledger.actor, uuid) is
  'Credits the owners of an order''s vendors with their shares. All accounts are locked, and ledger.refuse_shares was asked, by the caller; one that somebody has not yet is opened here.';
