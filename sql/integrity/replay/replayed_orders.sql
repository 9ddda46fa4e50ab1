create type ledger.replayed_order as (
  order_id uuid, account_id uuid, status text, payment_status text, total_amount bigint, wallet_amount bigint, paid_amount bigint,
  refunded_amount bigint, wallet_refunded_amount bigint, credited_amount bigint, exact_after_event_id bigint
);
comment on type ledger.replayed_order is 'An order as its events have left it; amounts in minor units.';

/*
 * Orders as their events have left them, from nothing but events: the status is that of the last change, the
 * payment status what the last event said, and each amount a sum. An event from before it said all of
 * that (a payout settled without refunded_change) makes the amounts of its order null: what is not recorded is
 * no number. Of a surplus, the change to
 * overpaid and back was no event of its own once. sql/integrity/replay/README.md says which event does what.
 */
create function ledger.replayed_orders(p_order_ids uuid[] default null)
returns setof ledger.replayed_order
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  return query execute format($query$
    with said as (
      select e.stream_id, e.account_id,
             case when e.event_type in ('order.placed', 'order.status_changed') then lpad(e.id::text, 19, '0') || (e.payload ->> 'to_status') end as status,
             case when e.event_type not like 'integrity.%%' then
               lpad(e.id::text, 19, '0') || coalesce(e.payload ->> 'payment_status', e.payload #>> '{new,payment_status}') end as payment_status,
             case e.event_type when 'order.placed' then (e.payload ->> 'total_amount')::bigint
                               when 'order.edited' then (e.payload #>> '{new,total_amount}')::bigint - (e.payload #>> '{old,total_amount}')::bigint end as total,
             case when e.event_type in ('order.placed', 'order.edited', 'order.paid_from_wallet') then (e.payload ->> 'wallet_amount')::bigint end as wallet,
             case e.event_type
               when 'payment.recorded' then (e.payload ->> 'applied_amount')::bigint
               when 'payment.imported' then (e.payload ->> 'applied_amount')::bigint
               when 'payment.allocated' then (e.payload ->> 'allocated_amount')::bigint
               when 'allocation.reversed' then (e.payload ->> 'allocated_amount')::bigint
               when 'payment.voided' then -(e.payload ->> 'applied_amount')::bigint
               when 'payment.charged_back' then -(e.payload ->> 'applied_amount')::bigint end as paid_from_outside,
             case when e.payload ? 'returned_amount' then (e.payload ->> 'returned_amount')::bigint
                  when e.event_type in ('refund.paid', 'refund.failed', 'refund.withdrawn') then (e.payload ->> 'refunded_change')::bigint end as refunded,
             -- an ending without a refund is of before there were refunds: all went back, to the wallet as far as that had paid
             e.event_type = 'order.status_changed' and e.payload ->> 'to_status' in ('cancelled', 'refunded') and not e.payload ? 'refund_id' as ends_whole,
             case when e.event_type = 'order.status_changed' and not e.payload ? 'refund_id' then -coalesce((e.payload #>> '{effect,total_orders}')::bigint, 0)
                  when e.event_type in ('order.status_changed', 'order.refunded') then (e.payload ->> 'wallet_amount')::bigint
                  when e.event_type = 'order.edited' then
                    (e.payload ->> 'wallet_amount')::bigint - coalesce((e.payload #>> '{effect,total_orders}')::bigint, 0) end as wallet_refunded,
             case when e.event_type in ('order.status_changed', 'order.refunded') then (e.payload ->> 'credited_amount')::bigint end as credited,
             case when e.event_type in ('refund.paid', 'refund.failed', 'refund.withdrawn') and not e.payload ? 'refunded_change'
                    or e.event_type = 'payment.imported' and not e.payload ? 'payment_status' then e.id end as untold,
             case when e.event_type = 'payment.recorded' and e.payload ->> 'source' = 'card' then e.id end as by_card,
             e.event_type = 'payment.recorded' and e.payload ->> 'credit_amount' <> '0' as has_surplus,
             -- so said a surplus before there was a status for it
             case when e.event_type = 'payment.recorded' and e.payload ->> 'credit_amount' <> '0' and e.payload ->> 'payment_status' = 'paid' then e.id end as surplus_as_paid,
             e.event_type = 'order.payment_status_changed' as is_marked
      from %s e
      where e.stream_type = 'order'),
    summed as (
      select s.stream_id, min(s.account_id::text)::uuid as account_id,
             substr(max(s.status collate "C"), 20) as status, substr(max(s.payment_status collate "C"), 20) as payment_status,
             coalesce(sum(s.total), 0) as total, coalesce(sum(s.wallet), 0) as wallet, coalesce(sum(s.paid_from_outside), 0) as paid_from_outside,
             coalesce(sum(s.refunded), 0) as refunded, coalesce(sum(s.wallet_refunded), 0) as wallet_refunded,
             case when bool_or(s.ends_whole) then coalesce(sum(s.total), 0) else coalesce(sum(s.credited), 0) end as credited, max(s.untold) as untold,
             greatest(case when bool_or(s.has_surplus) and not bool_or(s.is_marked) then max(s.by_card) end, max(s.surplus_as_paid)) as unmarked
      from said s
      group by s.stream_id)
    select s.stream_id, s.account_id, s.status, case when coalesce(s.untold, s.unmarked) is null then s.payment_status end, s.total::bigint, s.wallet::bigint,
           (s.wallet + s.paid_from_outside)::bigint, case when s.untold is null then s.refunded::bigint end,
           s.wallet_refunded::bigint, s.credited::bigint, greatest(s.untold, s.unmarked)
    from summed s
  $query$, case when p_order_ids is null then 'public.immutable_events'
                else '(select i.* from public.immutable_events i where i.stream_id = any ($1))' end)
  using p_order_ids;
end $$;
comment on function ledger.replayed_orders(uuid[]) is
  'Status, payment status and amounts (minor units) of these orders, or of all, replayed from events alone. exact_after_event_id: the last event that did not say enough; payment_status, and after a payout refunded_amount, are null then. An order without events has no row.';
