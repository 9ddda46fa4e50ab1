/*
 * A name for the next payment of a card payment: its provider's name of it, with a number, and behind the provider's
 * own where another provider has one of that name.
 */
create function ledger.reference_of_card(p_card public.card_payments)
returns text
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_number integer := 1 + cardinality(ledger.payments_of_card(p_card.id));
  v_name text := p_card.provider_payment_id || case when v_number > 1 then '/' || v_number else '' end;
begin
  return case when exists (
                select from public.payments p
                where p.method = 'card' and ledger.reference_key(p.reference) = ledger.reference_key(v_name)
                  and p.status = 'captured' and p.source = 'card')
              then left(p_card.provider, 40) || ':' else '' end || v_name;
end $$;
comment on function ledger.reference_of_card(public.card_payments) is 'What the next payment that a card payment is booked as is called.';

/* Money comes in, for the first time or again: a payment for its order. Answers a refusal, or null. */
create function ledger.capture_card(p_step ledger.card_step, p_kind text, p_object_id text, p_is_refund boolean, p_amount bigint)
returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_card public.card_payments := p_step.card;
  v_order public.orders := (select o from public.orders o where o.account_id = v_card.account_id and o.id = v_card.order_id);
  v_account public.accounts := (select a from public.accounts a where a.id = v_card.account_id);
  v_captured ledger.captured_payment;
begin
  v_captured := ledger.capture_payment(
    v_account, v_order, null, p_amount, 'card', ledger.reference_of_card(v_card),
    case p_kind when 'captured' then 'captured by ' when 'put_back' then 'kept after all, by ' else 'refund failed at ' end || v_card.provider,
    'card', p_step.actor, p_step.correlation_id);
  if v_captured.refusal is null then
    perform ledger.write_card_booking(p_step, p_kind, p_object_id, p_is_refund, p_amount, v_captured.payment_id, null, v_captured.transaction_id);
  end if;
  return v_captured.refusal;
end $$;
comment on function ledger.capture_card(ledger.card_step, text, text, boolean, bigint) is
  'Books p_amount (minor units) of a card payment as a payment; each has a reference of its own (ledger.reference_of_card).';
