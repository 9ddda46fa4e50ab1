/*
 * Whether a refund made at the provider can be taken off the order for good: the order is accepted and covered, and
 * the provider will capture nothing more that could change what is surplus. What was taken out is back.
 */
create function ledger.card_allows(p_card public.card_payments, p_is_final boolean)
returns boolean
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  return p_is_final and exists (
    select from public.orders o
    where o.account_id = p_card.account_id and o.id = p_card.order_id
      and o.status in ('confirmed', 'processing', 'shipped', 'delivered') and o.outstanding_amount = 0);
end $$;
comment on function ledger.card_allows(public.card_payments, boolean) is 'Whether refunds at the provider become allowances on the order.';

/* What of them can be one: what the order has of this card, and has still. */
create function ledger.allowable_to_card(p_card public.card_payments, p_order public.orders)
returns bigint
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  return greatest(least(
    ledger.held_from_outside(p_order),
    (select sum(p.amount - p.credit_amount - p.unapplied_amount - p.charged_back_amount)
     from public.payments p
     where p.id = any (ledger.payments_of_card(p_card.id))
       and p.id not in (select b.payment_id from public.card_bookings b where b.card_payment_id = p_card.id and b.kind = 'surplus_failed'))
    - ledger.booked_of_card(p_card.id, '{allowed}')), 0);
end $$;
comment on function ledger.allowable_to_card(public.card_payments, public.orders) is
  'What of a refund at the provider can be an allowance on the order, in minor units.';

/* An allowance on the order, paid out at once, as far as the order has that much of the card. Answers how much it was. */
create function ledger.allow_to_card(p_step ledger.card_step, p_object_id text, p_amount bigint)
returns bigint
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_card public.card_payments := p_step.card;
  v_order public.orders := (select o from public.orders o where o.account_id = v_card.account_id and o.id = v_card.order_id);
  v_amount bigint := least(p_amount, ledger.allowable_to_card(v_card, v_order));
  v_change ledger.order_change;
begin
  if v_amount = 0 then
    return 0;
  end if;
  -- as if the wallet had its part back already: a provider gives back to the card alone
  v_order.wallet_refunded_amount := v_order.wallet_amount;
  v_change := ledger.take_back(v_order, null, 0, v_amount, 'original', p_step.actor, 'refunded by ' || v_card.provider, p_step.correlation_id);
  if v_change.refusal is not null then
    return 0;
  end if;
  perform ledger.write_card_booking(p_step, 'allowed', p_object_id, true, v_amount, null, v_change.refund_id, v_change.transaction_id);
  perform ledger.settle_refund(
    (select o from public.orders o where o.account_id = v_card.account_id and o.id = v_card.order_id),
    (select a from public.accounts a where a.id = v_card.account_id),
    (select f from public.refunds f where f.account_id = v_card.account_id and f.id = v_change.refund_id),
    'paid', p_object_id, p_step.actor, p_step.correlation_id, true);
  return v_amount;
end $$;
comment on function ledger.allow_to_card(ledger.card_step, text, bigint) is
  'Takes up to p_amount (minor units) off the order of a card payment because the provider paid it out; answers how much.';
