/*
 * What an order's lines are worth to their vendors: the goods after discount, without tax, less the
 * platform's rate that each line was sold under. Reckoned by ledger.line_part and from nothing else, so
 * that delivery, refunds, lists and reports speak of the same minor units.
 */
create type ledger.vendor_share as (
  vendor_id uuid,
  owner_user_id uuid,
  base_amount bigint,
  share_amount bigint
);
comment on type ledger.vendor_share is
  'A vendor''s part of one order: base_amount is the goods without tax, share_amount what of it is the vendor''s. owner_user_id: whose wallet gets it; null when nobody owns the vendor.';

/*
 * The shares of the units that were not refunded so far. At a delivery the owners are read here once, before
 * the accounts are locked, and handed on: one changed by hand meanwhile changes nothing.
 */
create function ledger.vendor_shares(p_account_id uuid, p_order_id uuid, p_prices_include_tax boolean)
returns ledger.vendor_share[]
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  return (
    select array_agg(row(s.vendor_id, v.owner_user_id, s.base_amount, s.share_amount)::ledger.vendor_share order by s.vendor_id)
    from (
      select i.vendor_id, sum(whole.base_amount - coalesce(back.base_amount, 0))::bigint as base_amount,
             sum(whole.vendor_amount - coalesce(back.vendor_amount, 0))::bigint as share_amount
      from public.order_items i
      cross join lateral ledger.line_part(i, p_prices_include_tax, i.quantity) whole
      left join lateral (
        select p.base_amount, p.vendor_amount
        from (select sum(l.quantity)::bigint as quantity
              from public.refund_lines l
              where l.order_id = p_order_id and l.line_number = i.line_number
              having count(*) > 0) r
        cross join lateral ledger.line_part(i, p_prices_include_tax, r.quantity) p) back on true
      where i.account_id = p_account_id and i.order_id = p_order_id and i.vendor_id is not null
      group by i.vendor_id) s
    join public.vendors v on v.id = s.vendor_id);
end $$;
comment on function ledger.vendor_shares(uuid, uuid, boolean) is
  'The vendors of an order with what its units that were not refunded are worth to them, in minor units; null when none of its lines is a vendor''s.';

/* An erased person's wallet leads to nobody: their share stays payable, as that of a vendor without owner. */
create function ledger.shares_without_erased(p_shares ledger.vendor_share[])
returns ledger.vendor_share[]
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  return (
    select array_agg(row(s.vendor_id, case when p.erased_at is null then s.owner_user_id end, s.base_amount, s.share_amount)::ledger.vendor_share
                     order by s.vendor_id)
    from unnest(p_shares) s
    left join public.profiles p on p.id = s.owner_user_id);
end $$;
comment on function ledger.shares_without_erased(ledger.vendor_share[]) is
  'The same shares, of nobody where the owner was erased. The owners'' accounts are locked by the caller, so none is erased any more.';

create function ledger.owners_of(p_shares ledger.vendor_share[])
returns uuid[]
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  return coalesce((select array_agg(distinct s.owner_user_id) from unnest(p_shares) s where s.owner_user_id is not null), '{}');
end $$;
comment on function ledger.owners_of(ledger.vendor_share[]) is
  'Whose accounts a delivery locks beside its customer''s; an empty array when nobody''s.';

create function ledger.sum_of_shares(p_shares ledger.vendor_share[])
returns bigint
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  return coalesce((select sum(s.share_amount) from unnest(p_shares) s), 0);
end $$;
comment on function ledger.sum_of_shares(ledger.vendor_share[]) is 'What of an order is its vendors'', in minor units.';

/*
 * Whether what a delivery credits fits the accounts it goes to. One person may own several of the
 * vendors and have brought the customer as well, so it is summed before it is compared.
 */
create function ledger.refuse_shares(
  p_shares ledger.vendor_share[], p_currency text, p_referrer_user_id uuid, p_commission_amount bigint)
returns jsonb
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  if exists (
    select from (
      select c.user_id, sum(c.amount) as amount
      from (select s.owner_user_id, s.share_amount from unnest(p_shares) s
            union all
            select p_referrer_user_id, p_commission_amount) c (user_id, amount)
      where c.user_id is not null
      group by c.user_id) e
    join public.accounts a on a.id = ledger.account_id(e.user_id, p_currency)
    where a.total_earned + e.amount > 9007199254740991) then
    return ledger.refuse('amount_too_large', jsonb_build_object('maximum', 9007199254740991));
  end if;
  return null;
end $$;
comment on function ledger.refuse_shares(ledger.vendor_share[], text, uuid, bigint) is
  'The refusal when shares and the referrer''s commission together are more than an account can hold, or null. The accounts are locked by the caller.';
