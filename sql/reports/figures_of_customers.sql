/* The parts of report_orders about people, time and money that went back. */

create function ledger.customer_figures(p_range ledger.report_range, p_currency text)
returns jsonb
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  return (
    select jsonb_build_object(
      'customers', count(*),
      'new', count(*) filter (where not c.came_before),
      'returning', count(*) filter (where c.came_before),
      'with_several_orders', count(*) filter (where c.orders > 1))
    from (
      select b.orders, exists (
               select from public.orders e
               where e.user_id = b.user_id and e.id < b.first_order_id and e.created_at < p_range.from_at) as came_before
      from (select o.user_id, count(*) as orders, (array_agg(o.id order by o.id))[1] as first_order_id
            from public.orders o
            where o.id >= p_range.first_id and o.id < p_range.last_id
              and o.created_at >= p_range.from_at and o.created_at < p_range.to_at and o.currency = p_currency
            group by o.user_id) b) c);
end $$;
comment on function ledger.customer_figures(ledger.report_range, text) is
  'Who ordered: new customers had no order before the range, in whatever currency.';

/* One step of an order, from a list of how many seconds it took. */
create function ledger.duration_figures(p_seconds bigint[])
returns jsonb
language sql immutable
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_build_object('orders', count(s), 'p50_seconds', percentile_disc(0.5) within group (order by s),
    'p90_seconds', percentile_disc(0.9) within group (order by s), 'p95_seconds', percentile_disc(0.95) within group (order by s))
  from unnest(p_seconds) s
  where s is not null;
$$;
comment on function ledger.duration_figures(bigint[]) is 'How many there are, and percentiles; null when there are none.';

/* From the events of the orders, which say when each status was reached first. */
create function ledger.processing_figures(p_range ledger.report_range, p_currency text)
returns jsonb
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  return (
    select jsonb_build_object(
      'placed_to_shipped', ledger.duration_figures(array_agg(extract(epoch from t.shipped_at - t.placed_at)::bigint)),
      'shipped_to_delivered', ledger.duration_figures(array_agg(extract(epoch from t.delivered_at - t.shipped_at)::bigint)),
      'placed_to_delivered', ledger.duration_figures(array_agg(extract(epoch from t.delivered_at - t.placed_at)::bigint)))
    from (
      select o.created_at as placed_at,
             min(e.occurred_at) filter (where e.payload ->> 'to_status' = 'shipped') as shipped_at,
             min(e.occurred_at) filter (where e.payload ->> 'to_status' = 'delivered') as delivered_at
      from public.orders o
      join public.immutable_events e on e.stream_id = o.id
      where o.id >= p_range.first_id and o.id < p_range.last_id
        and o.created_at >= p_range.from_at and o.created_at < p_range.to_at and o.currency = p_currency
        and o.status in ('shipped', 'delivered', 'cancelled', 'refunded')
        -- months before the range have no events of its orders
        and e.occurred_at >= p_range.from_at - interval '1 hour' and e.event_type = 'order.status_changed'
      group by o.id, o.created_at) t);
end $$;
comment on function ledger.processing_figures(ledger.report_range, text) is
  'How long orders took from placing to dispatch and delivery, in seconds; orders that have not come so far are left out.';

create function ledger.refund_figures(p_range ledger.report_range, p_currency text)
returns jsonb
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  return (
    select jsonb_build_object(
      'refunds', count(*),
      'orders', count(distinct r.order_id),
      'credited_amount', coalesce(sum(r.credited_amount), 0),
      'returned_amount', coalesce(sum(r.wallet_amount + r.credit_amount + case r.payout_status when 'withdrawn' then 0 else r.payout_amount end), 0),
      'wallet_amount', coalesce(sum(r.wallet_amount), 0),
      'credit_amount', coalesce(sum(r.credit_amount), 0),
      'payout_amount', coalesce(sum(r.payout_amount) filter (where r.payout_status <> 'withdrawn'), 0),
      'pending_payout_amount', coalesce(sum(r.payout_amount) filter (where r.payout_status = 'pending'), 0))
    from public.refunds r
    where r.id >= p_range.first_id and r.id < p_range.last_id
      and r.created_at >= p_range.from_at and r.created_at < p_range.to_at and r.currency = p_currency);
end $$;
comment on function ledger.refund_figures(ledger.report_range, text) is
  'What was taken back in the range, of whichever orders: cancellations, refunds, returns, and surpluses of edited orders.';
