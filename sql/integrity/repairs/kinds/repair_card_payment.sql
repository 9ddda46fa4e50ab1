/*
 * Why what was heard of a card payment is not what our own events say was heard: each tells of one event of the
 * provider and of what all came to with it; null when it is. What ledger_match_card_payment changed after
 * that is told by no figures.
 */
create function ledger.problem_of_card_events(p_card public.card_payments, p_facts ledger.card_facts)
returns text
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_untold text;
  v_unheard text;
  v_last jsonb;
begin
  select min(e.payload ->> 'event_id') filter (where e.payload ? 'captured_amount' and h.event_id is null),
         (array_agg(case when e.payload ? 'captured_amount' then e.payload end order by e.id desc))[1]
  into v_untold, v_last
  from public.immutable_events e
  left join public.card_events h on h.card_payment_id = p_card.id and h.event_id = e.payload ->> 'event_id'
  where e.stream_id in (p_card.id, p_card.order_id) and e.event_type like 'card.%' and e.payload ->> 'card_payment_id' = p_card.id::text;
  select min(h.event_id) into v_unheard
  from public.card_events h
  where h.card_payment_id = p_card.id
    and not exists (select from public.immutable_events e
                    where e.stream_id in (p_card.id, p_card.order_id) and e.payload ->> 'card_payment_id' = p_card.id::text and e.payload ->> 'event_id' = h.event_id);
  return case
    when v_untold is not null then format('the provider''s event %s is gone', v_untold)
    when v_unheard is not null then format('no event of ours tells of the provider''s event %s', v_unheard)
    when (v_last ->> 'status', v_last ->> 'captured_amount', v_last ->> 'refunded_amount', v_last ->> 'charged_back_amount')
         <> (p_facts.status, p_facts.captured_amount::text, p_facts.refunded_amount::text, p_facts.charged_back_amount::text) then
      format('the provider''s events come to %s/%s/%s, our last event to %s/%s/%s', p_facts.captured_amount, p_facts.refunded_amount, p_facts.charged_back_amount,
             v_last ->> 'captured_amount', v_last ->> 'refunded_amount', v_last ->> 'charged_back_amount') end;
end $$;
comment on function ledger.problem_of_card_events(public.card_payments, ledger.card_facts) is 'Why the events of a card''s provider are not those that were told of; null when they are.';

/* What a card payment comes to, from the events that its provider sent. */
create function ledger.repair_card_payment(p_subject uuid)
returns ledger.repair
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_card public.card_payments;
  v_facts ledger.card_facts;
  v_repair ledger.repair;
begin
  select c.* into v_card from public.card_payments c where c.id = p_subject;
  if not found then
    return v_repair;
  end if;
  v_facts := ledger.card_facts_of(v_card);
  v_repair.stream_type := 'card_payment';
  v_repair.account_id := v_card.account_id;
  v_repair.problem := ledger.problem_of_card_events(v_card, v_facts);
  v_repair.lines := ledger.repair_lines('card_payments', jsonb_build_object('id', p_subject), to_jsonb(v_card), jsonb_build_object(
    'status', v_facts.status, 'authorised_amount', v_facts.authorised_amount, 'captured_amount', v_facts.captured_amount,
    'refunded_amount', v_facts.refunded_amount, 'charged_back_amount', v_facts.charged_back_amount));
  return v_repair;
end $$;
comment on function ledger.repair_card_payment(uuid) is 'What brings a card payment to its provider''s events.';
