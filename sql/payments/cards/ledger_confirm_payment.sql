create type public.ledger_confirm_payment_result as (
  success boolean, transaction_id uuid, error_code text, error_message text, error_details jsonb,
  card_payment_id uuid, order_id uuid, status text, effect text, problem text, captured_amount bigint, refunded_amount bigint,
  charged_back_amount bigint, order_status text, payment_status text, outstanding_amount bigint
);

/* What there is to say of a card payment and its order after an event. */
create function ledger.card_answer(p_card public.card_payments, p_event_id text, p_is_new boolean)
returns public.ledger_confirm_payment_result
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_order public.orders := (select o from public.orders o where o.id = p_card.order_id);
  v_transaction_id uuid := (select b.transaction_id from public.card_bookings b
                            where b.card_payment_id = p_card.id and b.event_id = p_event_id
                            order by b.id desc limit 1);
  v_problem text := (select u.reason from public.card_events_unmatched u where u.provider = p_card.provider and u.event_id = p_event_id);
begin
  return row(
    true, v_transaction_id, null, null, null, p_card.id, p_card.order_id, p_card.status,
    case when not p_is_new then 'repeated' when v_problem is not null then 'unmatched' when v_transaction_id is not null then 'booked' else 'kept' end,
    v_problem, p_card.captured_amount, p_card.refunded_amount, p_card.charged_back_amount,
    v_order.status, v_order.payment_status, v_order.outstanding_amount)::public.ledger_confirm_payment_result;
end $$;
comment on function ledger.card_answer(public.card_payments, text, boolean) is 'The answer of ledger_confirm_payment.';

/*
 * Brings a locked card payment to what its events say by now, and the books with it. p_was_final: whether the books
 * know that nothing more will be captured. Answers it as it is then.
 */
create function ledger.follow_card_events(p_step ledger.card_step, p_was_final boolean, p_books boolean)
returns public.card_payments
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_card public.card_payments := p_step.card;
  v_facts ledger.card_facts := ledger.card_facts_of(v_card);
  v_problem text;
begin
  v_problem := case
    when v_card.order_id is null then null
    when ledger.refuse_erased((select o.user_id from public.orders o where o.id = v_card.order_id)) is not null then 'customer_erased'
    when p_books then ledger.book_card_payment(p_step, v_facts, p_was_final)
  end;
  update public.card_payments c set
    status = v_facts.status,
    authorised_amount = v_facts.authorised_amount,
    captured_amount = v_facts.captured_amount,
    refunded_amount = v_facts.refunded_amount,
    charged_back_amount = v_facts.charged_back_amount,
    expires_at = v_facts.expires_at,
    problem = v_problem,
    updated_at = clock_timestamp()
  where c.id = v_card.id
  returning c.* into v_card;
  return v_card;
end $$;
comment on function ledger.follow_card_events(ledger.card_step, boolean, boolean) is
  'Books what the events of a card payment say (p_books: whether there is anything that the books have not seen), and keeps what stood in the way as its problem.';

/*
 * A card provider says what became of a payment. Each event counts once, however often it comes, and what the books
 * make of it follows from all events of the payment together, so it does not matter in which order they
 * come. What is late is no harm either: what an order does not need, or no longer, is wallet credit. What cannot be
 * matched is kept and shown to finance (card_events_unmatched), for the provider would only send it again.
 * DESIGN section 7.
 */
create function public.ledger_confirm_payment(p_provider text, p_event jsonb)
returns setof public.ledger_confirm_payment_result
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_actor ledger.actor;
  v_answer jsonb;
  v_step ledger.card_step;
  v_card public.card_payments;
  v_was_final boolean;
  v_is_new boolean;
  v_event jsonb;
  v_result public.ledger_confirm_payment_result;
begin
  -- who may: the backend that has verified where the event came from
  v_actor := ledger.current_actor();
  if not v_actor.is_system then
    raise exception using errcode = 'insufficient_privilege', message = 'only a backend may say what a card provider said',
      hint = 'Providers call functions/payment-webhook.';
  end if;

  -- check; an event is one thing for ever
  v_answer := ledger.refuse_card_event(p_provider, p_event);
  if v_answer is null then
    perform pg_advisory_xact_lock(hashtextextended('card event ' || p_provider || ':' || (p_event ->> 'event_id'), 0));
    v_answer := (select ledger.refuse('idempotency_conflict', jsonb_build_object('key', e.event_id, 'procedure', 'ledger_confirm_payment'))
                 from public.card_events e
                 where e.provider = p_provider and e.event_id = p_event ->> 'event_id' and e.payload_digest <> md5(p_event::text)::uuid);
  end if;
  if v_answer is not null then
    return next jsonb_populate_record(null::public.ledger_confirm_payment_result, v_answer);
    return;
  end if;

  -- lock: the card payment by its name, then order, accounts, payments, invoices, refunds
  perform set_config('ledger.procedure', 'ledger_confirm_payment', true);
  v_card := ledger.card_payment_named(p_provider, p_event);
  if v_card.order_id is not null then
    perform ledger.lock_card_payment(v_card);
  end if;

  -- heard before: the same event has no second effect
  v_was_final := (ledger.card_facts_of(v_card)).is_final and v_card.problem is distinct from 'backfill_running';
  v_is_new := ledger.keep_card_event(v_card, p_event);

  -- write: what the events say by now, and what the books make of it
  v_step := row(v_card, p_event ->> 'event_id', v_actor, ledger.correlation_id());
  v_card := ledger.follow_card_events(v_step, v_was_final, v_is_new or v_card.problem is not null);

  -- record, and answer
  v_result := ledger.card_answer(v_card, p_event ->> 'event_id', v_is_new);
  if v_is_new then
    v_event := jsonb_build_object('card_payment_id', v_card.id, 'provider', p_provider, 'event_id', p_event ->> 'event_id',
      'kind', p_event ->> 'kind', 'status', v_card.status, 'effect', v_result.effect, 'problem', v_result.problem, 'currency', upper(p_event ->> 'currency'),
      'captured_amount', v_card.captured_amount, 'refunded_amount', v_card.refunded_amount, 'charged_back_amount', v_card.charged_back_amount);
    perform ledger.record_operation('card.' || (p_event ->> 'kind'), case when v_card.order_id is null then 'card_payment' else 'order' end,
      coalesce(v_card.order_id, v_card.id), v_card.account_id, v_event, v_actor, v_step.correlation_id);
  end if;
  perform set_config('ledger.procedure', '', true);
  return next v_result;
end $$;
revoke execute on function public.ledger_confirm_payment(text, jsonb) from public, anon, authenticated;
grant execute on function public.ledger_confirm_payment(text, jsonb) to service_role;
comment on function public.ledger_confirm_payment(text, jsonb) is
  'Takes an event of a card provider: {"event_id", "kind": authorised | captured | voided | failed | refunded | refund_failed | charged_back | charge_back_won, "provider_payment_id", "currency", "amount", "exponent", "captured_total", "is_final", "object_id", "order_id", "refund_id", "occurred_at", "expires_at"}. amount is a whole number with exponent decimals (the currency''s own minor units when left out); captured_total is what is captured so far, is_final that nothing more will be (when no total is given, a capture is the only one); object_id names the refund or dispute at the provider, refund_id ours. effect: booked; kept (nothing to book, or not yet); unmatched (problem says why; see card_events_unmatched); repeated. For service_role only. Errors: invalid_argument, idempotency_conflict (the event was heard with other contents). DESIGN section 7.';
