/* The streams in which events of these accounts are: events have no index by account. */
create function ledger.streams_of_accounts(p_account_ids uuid[])
returns table (stream_id uuid)
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  return query
    select a.id from public.accounts a where a.id = any (p_account_ids)
    union
    select o.id from public.accounts a join public.orders o on o.user_id = a.user_id and o.account_id = a.id where a.id = any (p_account_ids)
    union
    -- also of orders and the like whose rows are gone
    select n.id from public.transactions t cross join lateral (values (t.order_id), (t.reference_id)) n (id)
    where t.account_id = any (p_account_ids) and n.id is not null
    union
    select p.id from public.payments p where p.account_id = any (p_account_ids)
    union
    select i.id from public.invoices i where i.account_id = any (p_account_ids)
    union
    select w.id from public.withdrawals w where w.account_id = any (p_account_ids)
    union
    select p.id from public.payment_receipts p where p.account_id = any (p_account_ids)
    union
    select n.id from public.accounts a join public.stock_reservations n on n.user_id = a.user_id and n.account_id = a.id where a.id = any (p_account_ids)
    union
    -- a vendor's own, also what somebody earned who is its owner no more
    select v.id from public.accounts a join public.vendors v on v.owner_user_id = a.user_id where a.id = any (p_account_ids)
    union
    select n.vendor_id from public.vendor_earnings n where n.account_id = any (p_account_ids);
end $$;
comment on function ledger.streams_of_accounts(uuid[]) is
  'Streams that events of these accounts can be of: themselves, their orders, payments, invoices, withdrawals, receipts, reservations and vendors.';

create type ledger.replayed_account as (
  account_id uuid, total_earned bigint, total_withdrawn bigint, total_pending_withdrawals bigint, total_orders bigint, version bigint,
  has_every_version boolean, is_frozen boolean, invoiced_amount bigint, allocated_amount bigint, unapplied_amount bigint
);
comment on type ledger.replayed_account is 'An account as its events have left it; amounts in minor units.';

/*
 * Accounts as their events have left them, from nothing but events: the four totals are the sums of the
 * effects, and so is the debt. Of these accounts by their streams; of all (null) in one pass, whose sums spill
 * to disk when they outgrow work_mem. An account without events has no row.
 */
create function ledger.replayed_accounts(p_account_ids uuid[] default null)
returns setof ledger.replayed_account
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  return query execute format($query$
    select e.account_id,
           coalesce(sum((e.payload #>> '{effect,total_earned}')::bigint), 0)::bigint,
           coalesce(sum((e.payload #>> '{effect,total_withdrawn}')::bigint), 0)::bigint,
           coalesce(sum((e.payload #>> '{effect,total_pending_withdrawals}')::bigint), 0)::bigint,
           coalesce(sum((e.payload #>> '{effect,total_orders}')::bigint), 0)::bigint,
           coalesce(max((e.payload ->> 'account_version')::bigint), 0)::bigint,
           count(e.payload ->> 'account_version') = coalesce(max((e.payload ->> 'account_version')::bigint), 0)
             and coalesce(sum((e.payload ->> 'account_version')::bigint) = count(e.payload ->> 'account_version') * (max((e.payload ->> 'account_version')::bigint) + 1) / 2, true),
           coalesce(max(e.id) filter (where e.event_type = 'account.frozen') > coalesce(max(e.id) filter (where e.event_type = 'account.released'), 0), false),
           coalesce(sum((e.payload #>> '{debt_effect,invoiced}')::bigint), 0)::bigint,
           coalesce(sum((e.payload #>> '{debt_effect,allocated}')::bigint), 0)::bigint,
           coalesce(sum((e.payload #>> '{debt_effect,unapplied}')::bigint), 0)::bigint
    from %s e
    where e.account_id is not null and e.payload ?| '{effect,debt_effect}'
    group by e.account_id
  $query$, case when p_account_ids is null then 'public.immutable_events'
                else '(select i.* from ledger.streams_of_accounts($1) s join public.immutable_events i on i.stream_id = s.stream_id and i.account_id = any ($1))' end)
  using p_account_ids;
end $$;
comment on function ledger.replayed_accounts(uuid[]) is
  'Totals, version, freeze and debt (minor units) of these accounts, or of all, replayed from events alone. version: the highest that an event names; has_every_version: one event names each up to it.';
