create function ledger.vendor_earners(p_order_id uuid)
returns uuid[]
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  return coalesce((select array_agg(distinct e.owner_user_id) from public.vendor_earnings e
                   where e.order_id = p_order_id and e.owner_user_id is not null), '{}');
end $$;
comment on function ledger.vendor_earners(uuid) is
  'Whose wallets hold shares of an order: fixed at its delivery, whoever owns the vendors now. Their accounts are locked with the customer''s when it is refunded.';

/*
 * Takes back what the units refunded so far have earned. What is left is reckoned anew from all refunded
 * units, not from the latest ones, so that every way of splitting a refund ends at the same minor
 * unit. May leave a wallet below zero when the share was withdrawn; later earnings fill that first.
 */
create function ledger.claw_back_vendor_earnings(p_order public.orders, p_actor ledger.actor, p_correlation_id uuid)
returns bigint
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_earning public.vendor_earnings;
  v_shares ledger.vendor_share[];
  v_amount bigint;
  v_total bigint := 0;
  v_transaction public.transactions;
begin
  if not exists (select from public.vendor_earnings e where e.order_id = p_order.id) then
    return 0;
  end if;
  v_shares := ledger.vendor_shares(p_order.account_id, p_order.id, p_order.prices_include_tax);

  for v_earning in select e.* from public.vendor_earnings e where e.order_id = p_order.id order by e.vendor_id loop
    v_amount := v_earning.share_amount - v_earning.clawed_back_amount
                - coalesce((select s.share_amount from unnest(v_shares) s where s.vendor_id = v_earning.vendor_id), 0);
    continue when v_amount <= 0;
    v_total := v_total + v_amount;
    v_transaction := null;
    update public.vendor_earnings e
    set clawed_back_amount = e.clawed_back_amount + v_amount, updated_at = clock_timestamp()
    where e.id = v_earning.id;
    if v_earning.account_id is not null then
      v_transaction := ledger.write_transaction(
        v_earning.account_id, 'vendor_clawed_back', p_actor, 'share of goods that were refunded', p_correlation_id,
        p_earned => -v_amount, p_reference_id => v_earning.id);
      perform ledger.write_postings(v_transaction, v_earning.currency,
        array[row('wallet', 'vendor_payable', v_amount)]::ledger.posting_leg[]);
    end if;
    perform ledger.record_operation('vendor.clawed_back', 'vendor', v_earning.vendor_id, v_earning.account_id,
      case when v_earning.account_id is null then '{}' else ledger.balance_effect(v_transaction, p_earned => -v_amount) end
        || jsonb_build_object('earning_id', v_earning.id, 'order_id', p_order.id, 'currency', v_earning.currency,
                              'clawed_back_amount', v_amount),
      p_actor, p_correlation_id, p_order.id);
  end loop;
  return v_total;
end $$;
comment on function ledger.claw_back_vendor_earnings(public.orders, ledger.actor, uuid) is
  'Takes back the vendors'' shares of the units refunded in all; answers how much that was now (minor units), which the caller moves from vendor_payable back to escrow in the customer''s books. The earners'' accounts are locked by the caller.';
