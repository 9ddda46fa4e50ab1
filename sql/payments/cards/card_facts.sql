/*
 * What the events of a card payment come to, whatever their order. Only events in the currency of its order,
 * with an amount that is exact in it, count; the others are listed as unmatched.
 */
create type ledger.card_facts as (
  status text,
  authorised_amount bigint,
  captured_amount bigint,
  is_final boolean,
  refunded_amount bigint,
  charged_back_amount bigint,
  expires_at timestamptz
);
comment on type ledger.card_facts is 'is_final: the provider will capture nothing more. refunded without what failed, charged back without what was won. Amounts in minor units.';

/* Refunds at the provider, by their name there. One that failed stays failed, whatever comes later. */
create function ledger.card_refunds(p_card public.card_payments)
returns table (object_id text, amount bigint, has_failed boolean, refund_id uuid)
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  return query
    select e.object_id, max(e.amount), bool_or(e.kind = 'refund_failed'), (max(e.refund_id::text))::uuid
    from public.card_events e
    where e.card_payment_id = p_card.id and e.kind in ('refunded', 'refund_failed') and e.currency = p_card.currency and e.amount > 0
    group by e.object_id;
end $$;
comment on function ledger.card_refunds(public.card_payments) is 'The refunds of a card payment at its provider; refund_id is ours, where they name it.';

/* Disputes, with what they keep away at present. One that was won stays won. */
create function ledger.card_disputes(p_card public.card_payments)
returns table (object_id text, amount bigint)
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  return query
    select e.object_id, case when bool_or(e.kind = 'charge_back_won') then 0 else max(e.amount) end
    from public.card_events e
    where e.card_payment_id = p_card.id and e.kind in ('charged_back', 'charge_back_won') and e.currency = p_card.currency
      and (e.amount > 0 or e.kind = 'charge_back_won')
    group by e.object_id;
end $$;
comment on function ledger.card_disputes(public.card_payments) is 'The disputes of a card payment; amount 0 when it was won.';

create function ledger.card_facts_of(p_card public.card_payments)
returns ledger.card_facts
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_facts ledger.card_facts;
  v_is_voided boolean;
  v_has_failed boolean;
begin
  select coalesce(max(e.amount) filter (where e.kind = 'authorised'), 0),
         -- the largest that was heard of: money that was captured does not become less by a smaller total
         coalesce(greatest(
           max(e.captured_total) filter (where e.kind = 'captured'),
           least(coalesce(sum(e.amount) filter (where e.kind = 'captured' and e.captured_total is null), 0), 9007199254740991)), 0),
         coalesce(bool_or(e.is_final) filter (where e.kind = 'captured'), false),
         max(e.expires_at) filter (where e.kind = 'authorised'),
         coalesce(bool_or(e.kind = 'voided'), false), coalesce(bool_or(e.kind = 'failed'), false)
  into v_facts.authorised_amount, v_facts.captured_amount, v_facts.is_final, v_facts.expires_at, v_is_voided, v_has_failed
  from public.card_events e
  where e.card_payment_id = p_card.id and e.currency = p_card.currency;
  v_facts.refunded_amount := (select least(coalesce(sum(r.amount) filter (where not r.has_failed), 0), 9007199254740991) from ledger.card_refunds(p_card) r);
  v_facts.charged_back_amount := (select least(coalesce(sum(d.amount), 0), 9007199254740991) from ledger.card_disputes(p_card) d);
  v_facts.status := case
    when v_facts.captured_amount > 0 and v_facts.charged_back_amount > 0 then 'charged_back'
    when v_facts.captured_amount > 0 and v_facts.refunded_amount >= v_facts.captured_amount then 'refunded'
    when v_facts.captured_amount > 0 then 'captured'
    when v_is_voided then 'voided'
    when v_facts.authorised_amount > 0 then 'authorised'
    when v_has_failed then 'failed'
    else 'announced'
  end;
  return v_facts;
end $$;
comment on function ledger.card_facts_of(public.card_payments) is 'What the set of a card payment''s events says of it.';
