/*
 * The vendors' side of a delivery: a step of its own, so that it can become a message between shards. The
 * customer's books have moved the shares from escrow to vendor_payable; here they go on into the wallets.
 * The share of a vendor whom nobody owns stays payable.
 */
create function ledger.award_vendor_earnings(
  p_order_id uuid, p_currency text, p_shares ledger.vendor_share[], p_actor_id uuid, p_correlation_id uuid)
returns ledger.event_draft[]
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_share ledger.vendor_share;
  v_account_id uuid;
  v_account_version bigint;
  v_balance bigint;
  v_earning_id uuid;
  v_transaction_id uuid;
  v_effect jsonb;
  v_events ledger.event_draft[];
begin
  foreach v_share in array p_shares loop
    continue when v_share.share_amount = 0;
    v_earning_id := ledger.uuid_v7();
    v_account_id := null;
    v_effect := '{}';
    if v_share.owner_user_id is not null then
      -- the first money of somebody opens their account
      v_account_id := ledger.account_id(v_share.owner_user_id, p_currency);
      if not exists (select from public.accounts a where a.id = v_account_id) then
        perform ledger.lock_accounts(array[v_share.owner_user_id], p_currency);
      end if;
    end if;
    insert into public.vendor_earnings
      (id, account_id, owner_user_id, vendor_id, order_id, currency, base_amount, share_amount)
    values
      (v_earning_id, v_account_id, v_share.owner_user_id, v_share.vendor_id, p_order_id, p_currency,
       v_share.base_amount, v_share.share_amount);

    -- transaction, posting
    if v_account_id is not null then
      update public.accounts a set
        total_earned = a.total_earned + v_share.share_amount,
        version = a.version + 1,
        updated_at = clock_timestamp()
      where a.id = v_account_id
      returning a.version, a.available_balance into v_account_version, v_balance;
      insert into public.transactions as t
        (account_id, account_version, type, amount, balance_after, reference_id, actor_id, actor_action, correlation_id)
      values
        (v_account_id, v_account_version, 'vendor_earned', v_share.share_amount, v_balance, v_earning_id, p_actor_id,
         'share of a delivered order', p_correlation_id)
      returning t.id into v_transaction_id;
      insert into public.postings (account_id, transaction_id, leg_number, debit_account, credit_account, amount, currency)
      values (v_account_id, v_transaction_id, 1, 'vendor_payable', 'wallet', v_share.share_amount, p_currency);
      v_effect := jsonb_build_object(
        'transaction_id', v_transaction_id, 'transaction_type', 'vendor_earned', 'account_version', v_account_version,
        'amount', v_share.share_amount, 'effect', jsonb_build_object('total_earned', v_share.share_amount));
    end if;
    v_events := v_events || row('vendor.earned', 'vendor', v_share.vendor_id, v_account_id,
      v_effect || jsonb_build_object('earning_id', v_earning_id, 'order_id', p_order_id, 'currency', p_currency,
                                     'base_amount', v_share.base_amount, 'share_amount', v_share.share_amount),
      p_order_id)::ledger.event_draft;
  end loop;
  return v_events;
end $$;
comment on function ledger.award_vendor_earnings(uuid, text, ledger.vendor_share[], uuid, uuid) is
  'Credits the owners of an order''s vendors with their shares, by vendor; answers the events of that for the caller to record. All accounts are locked, and ledger.refuse_shares was asked, by the caller; one that somebody has not yet is opened here.';
