/* What of a person is still open, in words and numbers; null when nothing is. Their rows are locked. */
create function ledger.open_business_of(p_user_id uuid, p_account_ids uuid[], p_order_ids uuid[], p_may_be_frozen boolean)
returns jsonb
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_open jsonb;
begin
  select jsonb_object_agg(b.what, b.number) into v_open
  from (
    select 'accounts with a balance' as what, count(*) as number
    from public.accounts a
    where a.user_id = p_user_id and (a.available_balance <> 0 or a.total_pending_withdrawals <> 0)
    union all
    -- why it is frozen is not for the person to make away with
    select 'frozen accounts', count(*)
    from public.accounts a
    where a.user_id = p_user_id and a.frozen_reason is not null and not p_may_be_frozen
    union all
    select 'accounts just opened', count(*) from public.accounts a where a.user_id = p_user_id and a.id <> all (p_account_ids)
    union all
    -- placed while its account was waited for: it would have to be locked before the account
    select 'orders just placed', count(*) from public.orders o where o.user_id = p_user_id and o.id <> all (p_order_ids)
    union all
    select 'open orders', count(*)
    from public.orders o
    where o.user_id = p_user_id
      and (o.status in ('pending', 'confirmed', 'processing', 'shipped') or (o.status = 'rejected' and o.paid_amount <> o.refunded_amount))
    union all
    select 'orders with something to pay', count(*)
    from public.orders o
    where o.user_id = p_user_id and o.status in ('delivered', 'cancelled', 'refunded') and o.outstanding_amount <> 0
    union all
    select 'open withdrawals', count(*)
    from public.withdrawals w
    where w.account_id = any (p_account_ids) and w.status in ('requested', 'approved')
    union all
    select 'receipts under review', count(*)
    from public.payment_receipts r
    where r.account_id = any (p_account_ids) and r.status = 'submitted'
    union all
    select 'refunds to be paid out', count(*)
    from public.refunds r
    where r.account_id = any (p_account_ids) and r.payout_status = 'pending'
    union all
    select 'open returns', count(*)
    from public.returns r
    where r.account_id = any (p_account_ids) and r.status in ('requested', 'approved')
    union all
    select 'payments with a remainder', count(*)
    from public.payments p
    where p.account_id = any (p_account_ids) and p.unapplied_amount > 0
    union all
    -- of an order too: it may be open for no other reason
    select 'unpaid invoices', count(*)
    from public.invoice_balance_cache b
    where b.account_id = any (p_account_ids) and b.remaining_amount > 0
    union all
    select 'staff roles', count(*) from public.user_roles u where u.user_id = p_user_id
    union all
    select 'vendors', count(*) from public.vendors v where v.owner_user_id = p_user_id) b
  where b.number > 0;
  return case when v_open is not null then jsonb_build_object('counts', v_open, 'open',
    (select string_agg(format('%s: %s', e.key, e.value), ', ' order by e.key) from jsonb_each_text(v_open) e)) end;
end $$;
comment on function ledger.open_business_of(uuid, uuid[], uuid[], boolean) is
  'What keeps a person from being erased, frozen accounts too unless p_may_be_frozen: {"open": in words, "counts": {what: how many}}, or null.';
