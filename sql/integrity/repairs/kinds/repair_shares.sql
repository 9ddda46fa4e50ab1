/*
 * What was taken back of a commission, or of a vendor's share, from the transactions of who earned it; only where
 * the events of the share (in stream p_stream_id, their type without its dot) come to the same, and the account's
 * own events, transactions and postings do not contradict each other.
 */
create function ledger.repair_share(
  p_relation text, p_subject uuid, p_account_id uuid, p_stream_id uuid, p_share_amount bigint, p_clawed_back_amount bigint, p_earned text, p_clawed_back text)
returns ledger.repair
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_earned bigint;
  v_clawed_back bigint;
  v_told bigint;
  v_repair ledger.repair;
begin
  if p_account_id is null then
    return v_repair;
  end if;
  select coalesce(sum(t.amount) filter (where t.type = p_earned), 0), coalesce(-sum(t.amount) filter (where t.type = p_clawed_back), 0)
  into v_earned, v_clawed_back
  from public.transactions t
  where t.account_id = p_account_id and t.reference_id = p_subject;
  select coalesce(-sum((e.payload ->> 'amount')::bigint), 0)
  into v_told
  from public.immutable_events e
  where e.stream_id = p_stream_id and replace(e.event_type, '.', '_') = p_clawed_back
    and coalesce(e.payload ->> 'commission_id', e.payload ->> 'earning_id') = p_subject::text;
  v_repair.stream_type := 'account';
  v_repair.account_id := p_account_id;
  v_repair.problem := case
    when v_earned <> p_share_amount or v_clawed_back not between 0 and p_share_amount then
      format('it was earned as %s, and the transactions of its account say %s, of which %s were taken back', p_share_amount, v_earned, v_clawed_back)
    when v_told <> v_clawed_back then
      format('the transactions of its account say that %s were taken back, the events %s', v_clawed_back, v_told)
    else (ledger.repair_account_totals(p_account_id)).problem end;
  v_repair.lines := ledger.repair_lines(p_relation, jsonb_build_object('id', p_subject),
    jsonb_build_object('clawed_back_amount', p_clawed_back_amount), jsonb_build_object('clawed_back_amount', v_clawed_back));
  return v_repair;
end $$;
comment on function ledger.repair_share(text, uuid, uuid, uuid, bigint, bigint, text, text) is
  'What brings clawed_back_amount of a commission or a vendor''s share to the transactions; the types of those are given.';

create function ledger.repair_commission(p_subject uuid)
returns ledger.repair
language sql stable
set search_path = pg_catalog, pg_temp
return (select ledger.repair_share('referral_commissions', c.id, c.account_id, c.account_id, c.commission_amount, c.clawed_back_amount,
                                   'commission_earned', 'commission_clawed_back')
        from public.referral_commissions c where c.id = p_subject);
comment on function ledger.repair_commission(uuid) is 'What brings a referral commission to its transactions.';

create function ledger.repair_vendor_earning(p_subject uuid)
returns ledger.repair
language sql stable
set search_path = pg_catalog, pg_temp
return (select ledger.repair_share('vendor_earnings', e.id, e.account_id, e.vendor_id, e.share_amount, e.clawed_back_amount,
                                   'vendor_earned', 'vendor_clawed_back')
        from public.vendor_earnings e where e.id = p_subject);
comment on function ledger.repair_vendor_earning(uuid) is 'What brings a vendor''s earning to its transactions.';
