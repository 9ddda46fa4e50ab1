/* What the replay says of something beside what the tables say; replayed is null where events do not say enough. */
create type ledger.replayed_fact as (kind text, subject uuid, what text, replayed jsonb, stored jsonb, is_recorded boolean);
comment on type ledger.replayed_fact is 'kind: account, order or variant; subject: its id; is_recorded: whether its events say it.';

/* Everything that is replayed of these accounts, orders and variants, or only what differs. The ids of null mean all, of {} none. */
create function ledger.replay_facts(p_account_ids uuid[], p_order_ids uuid[], p_variant_ids uuid[], p_only_differing boolean)
returns setof ledger.replayed_fact
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  return query
    select 'account', n.id, f.what, f.replayed, f.stored, true
    from (select a.*, d.invoiced_amount, d.allocated_amount, d.unapplied_amount
          from public.accounts a left join public.account_debt_cache d on d.account_id = a.id
          where p_account_ids is null or a.id = any (p_account_ids)) a
    full join ledger.replayed_accounts(p_account_ids) r on r.account_id = a.id
    cross join lateral (select coalesce(a.id, r.account_id) as id) n
    cross join lateral (values
      ('total_earned', to_jsonb(coalesce(r.total_earned, 0)), to_jsonb(a.total_earned)),
      ('total_withdrawn', to_jsonb(coalesce(r.total_withdrawn, 0)), to_jsonb(a.total_withdrawn)),
      ('total_pending_withdrawals', to_jsonb(coalesce(r.total_pending_withdrawals, 0)), to_jsonb(a.total_pending_withdrawals)),
      ('total_orders', to_jsonb(coalesce(r.total_orders, 0)), to_jsonb(a.total_orders)),
      ('available_balance', to_jsonb(coalesce(r.total_earned - r.total_withdrawn - r.total_pending_withdrawals - r.total_orders, 0)), to_jsonb(a.available_balance)),
      ('version', to_jsonb(coalesce(r.version, 0)), to_jsonb(a.version)),
      ('one_event_per_version', to_jsonb(coalesce(r.has_every_version, true)), 'true'),
      ('is_frozen', to_jsonb(coalesce(r.is_frozen, false)), to_jsonb(a.frozen_reason is not null)),
      ('invoiced_amount', to_jsonb(coalesce(r.invoiced_amount, 0)), to_jsonb(coalesce(a.invoiced_amount, 0))),
      ('allocated_amount', to_jsonb(coalesce(r.allocated_amount, 0)), to_jsonb(coalesce(a.allocated_amount, 0))),
      ('unapplied_amount', to_jsonb(coalesce(r.unapplied_amount, 0)), to_jsonb(coalesce(a.unapplied_amount, 0)))) f (what, replayed, stored)
    where not p_only_differing or f.replayed is distinct from f.stored;

  -- most orders are equal, and are not taken apart
  return query
    select 'order', coalesce(o.id, r.order_id), f.what, f.replayed, f.stored, r.exact_after_event_id is null or f.replayed is not null
    from (select * from public.orders o where p_order_ids is null or o.id = any (p_order_ids)) o
    full join ledger.replayed_orders(p_order_ids) r on r.order_id = o.id
    cross join lateral (values
      ('account_id', to_jsonb(r.account_id), to_jsonb(o.account_id)), ('status', to_jsonb(r.status), to_jsonb(o.status)),
      ('payment_status', to_jsonb(r.payment_status), to_jsonb(o.payment_status)), ('total_amount', to_jsonb(r.total_amount), to_jsonb(o.total_amount)),
      ('wallet_amount', to_jsonb(r.wallet_amount), to_jsonb(o.wallet_amount)), ('paid_amount', to_jsonb(r.paid_amount), to_jsonb(o.paid_amount)),
      ('refunded_amount', to_jsonb(r.refunded_amount), to_jsonb(o.refunded_amount)),
      ('wallet_refunded_amount', to_jsonb(r.wallet_refunded_amount), to_jsonb(o.wallet_refunded_amount)),
      ('credited_amount', to_jsonb(r.credited_amount), to_jsonb(o.credited_amount))) f (what, replayed, stored)
    where not p_only_differing
       or ((o.account_id, o.status, o.payment_status, o.total_amount, o.wallet_amount, o.paid_amount, o.refunded_amount, o.wallet_refunded_amount, o.credited_amount)
           is distinct from
           (r.account_id, r.status, r.payment_status, r.total_amount, r.wallet_amount, r.paid_amount, r.refunded_amount, r.wallet_refunded_amount, r.credited_amount)
           and f.replayed is distinct from f.stored);

  return query
    select 'variant', coalesce(v.variant_id, r.variant_id), f.what, f.replayed, f.stored, f.replayed is not null
    from (select s.variant_id, sum(s.on_hand)::bigint as on_hand, sum(s.held)::bigint as held
          from public.stock_levels s
          where p_variant_ids is null or s.variant_id = any (p_variant_ids)
          group by s.variant_id) v
    full join ledger.replayed_stock(p_variant_ids) r on r.variant_id = v.variant_id
    cross join lateral (values
      ('stock_quantity', case when r.exact_after_event_id is null then to_jsonb(coalesce(r.on_hand, 0)) end, to_jsonb(v.on_hand)),
      ('held_quantity', to_jsonb(coalesce(r.held, 0)), to_jsonb(v.held))) f (what, replayed, stored)
    where not p_only_differing or f.replayed is distinct from f.stored;
end $$;
comment on function ledger.replay_facts(uuid[], uuid[], uuid[], boolean) is
  'What is replayed from events of these accounts, orders and variants (null: all, {}: none) beside what is stored; amounts in minor units, or units of stock.';
