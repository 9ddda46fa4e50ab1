/* What was heard of money that is not in the books: finance looks here, and the reason says what for. */
create view public.card_events_unmatched
with (security_invoker = true)
as
  select e.provider, e.event_id, e.kind, c.provider_payment_id, e.object_id, c.account_id, c.order_id, e.currency, e.amount, r.reason,
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
        where b.card_payment_id = c.id and case when e.kind = 'captured' then b.kind = 'captured' else b.object_id = e.object_id end)
        then c.problem
    end as reason) r
  where e.kind in ('authorised', 'captured', 'refunded', 'refund_failed', 'charged_back') and r.reason is not null;
revoke all on public.card_events_unmatched from anon, authenticated, service_role;
grant select on public.card_events_unmatched to authenticated, service_role;
comment on view public.card_events_unmatched is
  'Events of card providers that the books do not follow, for who may see all accounts. reason: order_unknown (it names no order that exists), unknown_currency, other_currency (than its order''s), inexact_amount (fewer decimals here than there), customer_erased, refund_mismatch, more_than_captured, or the code of a refusal. amount in minor units of currency, null when it is not known here; payload has it as it was sent.';
