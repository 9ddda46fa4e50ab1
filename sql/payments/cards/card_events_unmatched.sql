/* What was heard of money that is not in the books: finance looks here, and the reason says what for. ledger_match_card_payment settles it. */
create view public.card_events_unmatched
with (security_invoker = true)
as
  select c.id as card_payment_id, e.provider, e.event_id, e.kind, c.provider_payment_id, e.object_id, c.account_id, c.order_id, e.currency, e.amount, r.reason,
         e.occurred_at, e.created_at, e.payload
  from public.card_events e
  join public.card_payments c on c.id = e.card_payment_id
  cross join lateral (
    select case
      when not exists (select from public.currencies u where u.code = e.currency) then 'unknown_currency'
      when c.order_id is null then 'order_unknown'
      when e.currency <> c.currency then 'other_currency'
      when e.amount is null then 'inexact_amount'
      when e.kind <> 'authorised' and not exists (
        select from public.card_bookings b
        where b.card_payment_id = c.id and case when e.kind = 'captured' then b.kind = 'captured'
                                             else b.object_id = e.object_id and b.is_refund = (e.kind in ('refunded', 'refund_failed')) end)
        then c.problem
    end as reason) r
  where e.kind in ('authorised', 'captured', 'refunded', 'refund_failed', 'charged_back') and r.reason is not null
    and (c.handled_at is null or e.created_at > c.handled_at);
revoke all on public.card_events_unmatched from anon, authenticated, service_role;
grant select on public.card_events_unmatched to authenticated, service_role;
comment on view public.card_events_unmatched is
  'Events of card providers that the books do not follow, for who may see all accounts. reason: order_unknown (it names no order that exists), unknown_currency, other_currency (than its order''s), inexact_amount (fewer decimals here than there), customer_erased, refund_mismatch, more_than_captured, backfill_running, or the code of a refusal. What was heard before ledger_match_card_payment said that a payment is dealt with is left out. amount in minor units of currency, null when it is not known here; payload has it as it was sent.';
