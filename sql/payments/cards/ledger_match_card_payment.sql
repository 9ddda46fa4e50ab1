create type public.ledger_match_card_payment_result as (
  success boolean, transaction_id uuid, error_code text, error_message text, error_details jsonb,
  card_payment_id uuid, order_id uuid, status text, problem text, handled_at timestamptz, captured_amount bigint, refunded_amount bigint,
  charged_back_amount bigint, order_status text, payment_status text, outstanding_amount bigint
);

/* Why a card payment cannot be matched with an order, or null. Both may be of nulls. */
create function ledger.refuse_card_match(p_card public.card_payments, p_order public.orders, p_card_payment_id uuid, p_order_id uuid, p_notes text)
returns jsonb
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  return case
    when length(p_notes) > 2000 then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_notes', 'problem', 'at most 2000 characters'))
    when p_card.id is null then ledger.refuse('card_payment_not_found', jsonb_build_object('card_payment_id', p_card_payment_id))
    when p_order_id is null and p_card.order_id is null and nullif(trim(p_notes), '') is null then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_order_id, p_notes', 'problem', 'say which order it is for, or what was done about it'))
    when p_order_id is null then null
    when p_order.id is null then ledger.refuse('order_not_found', jsonb_build_object('order_id', p_order_id))
    when p_card.order_id <> p_order_id then ledger.refuse('card_payment_matched', jsonb_build_object('card_payment_id', p_card.id,
      'order_number', (select o.order_number from public.orders o where o.id = p_card.order_id)))
    when p_card.order_id is null and not exists (
      select from public.card_events e where e.card_payment_id = p_card.id and e.currency = p_order.currency) then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_order_id',
        'problem', format('nothing of the card payment is in %s, the currency of order %s', p_order.currency, p_order.order_number)))
    else ledger.refuse_erased(p_order.user_id)
  end;
end $$;
comment on function ledger.refuse_card_match(public.card_payments, public.orders, uuid, uuid, text) is
  'The refusal for matching a card payment with an order, or for saying that it is dealt with; or null.';

/*
 * Finance settles what card_events_unmatched lists. With an order: the card payment is for it, if it had none, and all
 * that was heard of it is booked; without one, and without notes, what can be booked by now is (a backfill
 * is over, a payment that had its reference was voided). With notes alone it is dealt with otherwise, and
 * is listed no more until something new is heard of it.
 */
create function public.ledger_match_card_payment(
  p_card_payment_id uuid,
  p_order_id uuid default null,
  p_notes text default null,
  p_idempotency_key text default null,
  p_actor_id uuid default null)
returns setof public.ledger_match_card_payment_result
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_actor ledger.actor;
  v_request jsonb;
  v_answer jsonb;
  v_card public.card_payments;
  v_new public.card_payments;
  v_order public.orders;
  v_is_handled boolean := p_order_id is null and nullif(trim(p_notes), '') is not null;
  v_was_final boolean;
  v_last_booking uuid;
  v_correlation_id uuid := ledger.correlation_id();
  v_result public.ledger_match_card_payment_result;
begin
  -- who may
  v_actor := ledger.actor_with(p_actor_id, 'payments.record');

  -- asked before
  v_request := jsonb_build_array(p_card_payment_id, p_order_id, p_notes, p_actor_id);
  v_answer := ledger.idempotency_begin('ledger_match_card_payment', p_idempotency_key, v_actor.caller_id, v_request);
  if v_answer is not null then
    return next jsonb_populate_record(null::public.ledger_match_card_payment_result, v_answer);
    return;
  end if;

  -- lock: the card payment by its name, then its order, or the one it is to have, accounts, payments, invoices, refunds
  select c.* into v_card from public.card_payments c where c.id = p_card_payment_id;
  v_card := ledger.lock_card_by_name(v_card.provider, v_card.provider_payment_id);
  select o.* into v_order from public.orders o where o.id = coalesce(p_order_id, v_card.order_id);
  v_answer := ledger.refuse_card_match(v_card, v_order, p_card_payment_id, p_order_id, p_notes);
  if v_answer is null and v_order.id is not null then
    v_new := v_card;
    v_new.order_id := v_order.id;
    v_new.account_id := v_order.account_id;
    perform ledger.lock_card_payment(v_new);

    -- check again: the customer may have been erased meanwhile
    v_answer := ledger.refuse_card_match(v_card, v_order, p_card_payment_id, p_order_id, p_notes);
  end if;
  if v_answer is not null then
    return next jsonb_populate_record(null::public.ledger_match_card_payment_result, v_answer);
    return;
  end if;

  -- write: card payment, and what the books make of it
  perform set_config('ledger.procedure', 'ledger_match_card_payment', true);
  update public.card_payments c set
    order_id = v_order.id,
    account_id = v_order.account_id,
    currency = v_order.currency,
    handled_at = case when v_is_handled then clock_timestamp() else c.handled_at end,
    handled_by = case when v_is_handled then v_actor.user_id else c.handled_by end,
    handled_notes = case when v_is_handled then p_notes else c.handled_notes end,
    updated_at = clock_timestamp()
  where c.id = v_card.id
  returning c.* into v_new;
  v_last_booking := (select max(b.id::text)::uuid from public.card_bookings b where b.card_payment_id = v_card.id);
  if not v_is_handled then
    -- of one that the books know nothing of, they do not know that it is final either
    v_was_final := v_card.order_id is not null and v_card.problem is distinct from 'backfill_running'
                   and (ledger.card_facts_of(v_card)).is_final;
    v_new := ledger.follow_card_events(
      row(v_new,
          (select e.event_id from public.card_events e where e.card_payment_id = v_card.id order by e.created_at desc, e.event_id desc limit 1),
          v_actor, v_correlation_id)::ledger.card_step,
      v_was_final, true);
  end if;

  -- record; words about nobody that is known are not put where they can never be removed
  perform ledger.record_operation(case when v_is_handled then 'card.handled' else 'card.matched' end,
    case when v_order.id is null then 'card_payment' else 'order' end, coalesce(v_order.id, v_card.id), v_order.account_id,
    jsonb_build_object('card_payment_id', v_card.id, 'provider', v_card.provider, 'status', v_new.status, 'problem', v_new.problem,
      'order_number', v_order.order_number, 'currency', v_order.currency, 'captured_amount', v_new.captured_amount,
      'refunded_amount', v_new.refunded_amount, 'charged_back_amount', v_new.charged_back_amount)
      || case when v_order.id is null then '{}' else jsonb_build_object('notes', p_notes) end,
    v_actor, v_correlation_id);

  -- answer, stored under the key
  select o.* into v_order from public.orders o where o.id = v_order.id;
  v_result := row(true,
    (select b.transaction_id from public.card_bookings b
     where b.card_payment_id = v_card.id and (v_last_booking is null or b.id > v_last_booking) and b.transaction_id is not null
     order by b.id desc limit 1),
    null, null, null, v_card.id, v_order.id, v_new.status, v_new.problem, v_new.handled_at, v_new.captured_amount,
    v_new.refunded_amount, v_new.charged_back_amount, v_order.status, v_order.payment_status, v_order.outstanding_amount);
  v_answer := ledger.idempotency_end('ledger_match_card_payment', p_idempotency_key, v_actor.caller_id, v_request, v_order.account_id, to_jsonb(v_result));
  perform set_config('ledger.procedure', '', true);
  return next v_result;
end $$;
revoke execute on function public.ledger_match_card_payment(uuid, uuid, text, text, uuid) from public, anon;
grant execute on function public.ledger_match_card_payment(uuid, uuid, text, text, uuid) to authenticated, service_role;
comment on function public.ledger_match_card_payment(uuid, uuid, text, text, uuid) is
  'Settles a card payment that card_events_unmatched lists. p_order_id: the order it is for, where it has none yet, of any customer, in the currency of its events; then all that was heard of it is booked. Neither p_order_id nor p_notes: what can be booked by now is. p_notes alone: it was dealt with otherwise, and is listed no more until something new is heard. problem says what still stands in the way; amounts in minor units. Needs payments.record. Errors: card_payment_not_found, card_payment_matched (it has another order), order_not_found, customer_not_found (the order''s was erased), invalid_argument. DESIGN section 7.';
