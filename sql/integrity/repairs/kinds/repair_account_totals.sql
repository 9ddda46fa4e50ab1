/*
 * An account's totals and version, from its events. Only where transactions and the wallet's postings say
 * the same: where these contradict each other, history itself was changed, and no repair knows which is true.
 * Not beside balance_after: a transaction that came after a total was changed has kept what was wrong, which
 * stays as it is and is for people.
 */
create function ledger.repair_account_totals(p_subject uuid)
returns ledger.repair
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_account public.accounts;
  v_events record;
  v_booked record;
  v_wallet bigint;
  v_payable bigint;
  v_open bigint;
  v_balance bigint;
  v_repair ledger.repair;
begin
  select a.* into v_account from public.accounts a where a.id = p_subject;
  if not found then
    return v_repair;
  end if;
  select coalesce(sum(r.total_earned), 0)::bigint as earned, coalesce(sum(r.total_withdrawn), 0)::bigint as withdrawn,
         coalesce(sum(r.total_pending_withdrawals), 0)::bigint as pending, coalesce(sum(r.total_orders), 0)::bigint as orders,
         coalesce(max(r.version), 0)::bigint as version, coalesce(bool_and(r.has_every_version), true) as is_whole
  into v_events from ledger.replayed_accounts(array[p_subject]) r;
  select coalesce(sum(t.amount), 0)::bigint as amount, count(*) as transactions, coalesce(max(t.account_version), 0) as last_version
  into v_booked from public.transactions t where t.account_id = p_subject;
  select coalesce(sum(case 'wallet' when p.credit_account then p.amount when p.debit_account then -p.amount end), 0)::bigint,
         coalesce(sum(case 'withdrawals_payable' when p.credit_account then p.amount when p.debit_account then -p.amount end), 0)::bigint
  into v_wallet, v_payable
  from public.postings p
  where p.account_id = p_subject;

  v_open := coalesce((select sum(w.amount) from public.withdrawals w where w.account_id = p_subject and w.status in ('requested', 'approved')), 0);

  v_balance := v_events.earned - v_events.withdrawn - v_events.pending - v_events.orders;
  v_repair.stream_type := 'account';
  v_repair.account_id := p_subject;
  v_repair.problem := case
    when not v_events.is_whole then 'an event of it is missing, or there twice'
    when v_balance <> v_booked.amount then format('the events come to a balance of %s, the transactions to %s', v_balance, v_booked.amount)
    when v_balance <> v_wallet then format('the events come to a balance of %s, the postings of the wallet to %s', v_balance, v_wallet)
    when v_events.pending <> v_payable or v_events.pending <> v_open then
      format('the events say that %s are being withdrawn, the postings say %s, the withdrawals %s', v_events.pending, v_payable, v_open)
    when v_events.version <> v_booked.transactions or v_events.version <> v_booked.last_version then
      format('the events tell of %s transactions, there are %s, the last one with the number %s', v_events.version, v_booked.transactions, v_booked.last_version)
  end;
  v_repair.lines := ledger.repair_lines('accounts', jsonb_build_object('id', p_subject),
    jsonb_build_object('total_earned', v_account.total_earned, 'total_withdrawn', v_account.total_withdrawn,
      'total_pending_withdrawals', v_account.total_pending_withdrawals, 'total_orders', v_account.total_orders, 'version', v_account.version),
    jsonb_build_object('total_earned', v_events.earned, 'total_withdrawn', v_events.withdrawn,
      'total_pending_withdrawals', v_events.pending, 'total_orders', v_events.orders, 'version', v_events.version));
  return v_repair;
end $$;
comment on function ledger.repair_account_totals(uuid) is 'What brings an account''s totals and version to what its events say.';
