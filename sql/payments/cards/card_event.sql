/* A time in a text, or null when there is none: what a provider sends must not end in an error of ours. */
create function ledger.time_in(p_text text)
returns timestamptz
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  if p_text !~ '^\d{4}-\d\d-\d\dT\d\d:\d\d' then
    return null;
  end if;
  return p_text::timestamptz;
exception
  when datetime_field_overflow or invalid_datetime_format or invalid_time_zone_displacement_value or invalid_parameter_value then
    return null;
end $$;
comment on function ledger.time_in(text) is 'An ISO 8601 time, or null for any other text.';

/* A UUID in a text, or null. */
create function ledger.uuid_in(p_text text)
returns uuid
language sql immutable parallel safe
return case when p_text ~* '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' then p_text::uuid end;
comment on function ledger.uuid_in(text) is 'The UUID that a text is, or null.';

/* Whether a field of an event is a whole number that is kept exactly; it may be missing. */
create function ledger.is_exact_amount(p_value jsonb, p_least bigint)
returns boolean
language sql immutable
return coalesce(case jsonb_typeof(p_value)
  when 'number' then (p_value #>> '{}')::numeric >= p_least and (p_value #>> '{}')::numeric <= 9007199254740991
                     and (p_value #>> '{}')::numeric = trunc((p_value #>> '{}')::numeric)
  when 'null' then true
  else p_value is null end, false);
comment on function ledger.is_exact_amount(jsonb, bigint) is 'Whether a JSON value is a whole number from p_least to 2^53 - 1, null or missing.';

/* What is wrong with an event as an adapter hands it over, as a refusal; null when nothing is. */
create function ledger.refuse_card_event(p_provider text, p_event jsonb)
returns jsonb
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_kind text := p_event ->> 'kind';
  v_problem text;
begin
  if coalesce(length(p_provider), 0) not between 1 and 50 then
    return ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_provider', 'problem', 'the provider''s name, of at most 50 characters'));
  end if;
  v_problem := case
    when coalesce(jsonb_typeof(p_event), 'null') <> 'object' or octet_length(p_event::text) > 16384 then 'must be a JSON object of at most 16 KB'
    when exists (select from unnest(array['event_id', 'kind', 'provider_payment_id', 'currency']) f where jsonb_typeof(p_event -> f) is distinct from 'string') then
      'event_id, kind, provider_payment_id and currency must be texts'
    when exists (select from unnest(array['object_id', 'order_id', 'refund_id', 'occurred_at', 'expires_at']) f
                 where coalesce(jsonb_typeof(p_event -> f), 'null') not in ('string', 'null')) then
      'object_id, order_id, refund_id, occurred_at and expires_at are texts'
    when length(p_event ->> 'event_id') not between 1 and 200 or length(p_event ->> 'provider_payment_id') not between 1 and 150
      or length(p_event ->> 'object_id') not between 1 and 200 then
      'event_id and object_id have 1 to 200 characters, provider_payment_id 1 to 150'
    when v_kind not in ('authorised', 'captured', 'voided', 'failed', 'refunded', 'refund_failed', 'charged_back', 'charge_back_won') then
      'kind is one of authorised, captured, voided, failed, refunded, refund_failed, charged_back, charge_back_won'
    when p_event ->> 'currency' !~ '^[A-Za-z]{3}$' then 'currency is an ISO 4217 code'
    when v_kind in ('refunded', 'refund_failed', 'charged_back', 'charge_back_won') and p_event ->> 'object_id' is null then
      'object_id names the refund or dispute'
    when not ledger.is_exact_amount(p_event -> 'amount', 0) or not ledger.is_exact_amount(p_event -> 'captured_total', 0)
      or (v_kind in ('captured', 'refunded', 'refund_failed', 'charged_back') and coalesce((p_event ->> 'amount')::numeric, 0) = 0) then
      'amount and captured_total are whole numbers of at most 2^53 - 1, and an amount that moves is above zero'
    when not ledger.is_exact_amount(p_event -> 'exponent', 0) or (p_event ->> 'exponent')::numeric > 4 then
      'exponent is the number of decimals of the amounts, 0 to 4'
    when coalesce(jsonb_typeof(p_event -> 'is_final'), 'null') not in ('boolean', 'null') then 'is_final is true or false'
    when ledger.time_in(p_event ->> 'occurred_at') is null then 'occurred_at is an ISO 8601 time'
    when p_event ->> 'expires_at' is not null and ledger.time_in(p_event ->> 'expires_at') is null then 'expires_at is an ISO 8601 time'
  end;
  if v_problem is not null then
    return ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_event', 'problem', v_problem));
  end if;
  return null;
end $$;
comment on function ledger.refuse_card_event(text, jsonb) is 'The refusal for an event that is not of the shape of ledger_confirm_payment, or null.';

/* A provider's amount in minor units of ours; null when the currency is not known here or has too few decimals for it. */
create function ledger.to_minor_units(p_amount numeric, p_decimals integer, p_currency text)
returns bigint
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_decimals integer := (select c.exponent from public.currencies c where c.code = p_currency);
  v_amount numeric := p_amount * power(10::numeric, v_decimals - coalesce(p_decimals, v_decimals));
begin
  return case when v_amount = trunc(v_amount) and v_amount <= 9007199254740991 then v_amount::bigint end;
end $$;
comment on function ledger.to_minor_units(numeric, integer, text) is
  'A whole number with p_decimals decimals (the currency''s own when null) as minor units of a currency; null when that is not exact.';

/* Writes an event of a payment, unless it was heard before. */
create function ledger.keep_card_event(p_card public.card_payments, p_event jsonb)
returns boolean
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_currency text := upper(p_event ->> 'currency');
  v_decimals integer := (p_event ->> 'exponent')::integer;
begin
  insert into public.card_events
    (provider, event_id, card_payment_id, account_id, kind, object_id, order_id, refund_id, currency, amount, captured_total, is_final,
     expires_at, occurred_at, payload, payload_digest)
  values
    (p_card.provider, p_event ->> 'event_id', p_card.id, p_card.account_id, p_event ->> 'kind', p_event ->> 'object_id',
     ledger.uuid_in(p_event ->> 'order_id'), ledger.uuid_in(p_event ->> 'refund_id'), v_currency,
     ledger.to_minor_units((p_event ->> 'amount')::numeric, v_decimals, v_currency),
     ledger.to_minor_units((p_event ->> 'captured_total')::numeric, v_decimals, v_currency),
     -- a provider that counts no total captures once
     coalesce((p_event ->> 'is_final')::boolean, p_event ->> 'captured_total' is null),
     ledger.time_in(p_event ->> 'expires_at'), ledger.time_in(p_event ->> 'occurred_at'),
     -- nothing else is kept: it could be about a person
     (select jsonb_object_agg(f.key, f.value) from jsonb_each(p_event) f
      where f.key in ('event_id', 'kind', 'provider_payment_id', 'object_id', 'order_id', 'refund_id', 'currency', 'amount', 'exponent',
                      'captured_total', 'is_final', 'occurred_at', 'expires_at')),
     md5(p_event::text)::uuid)
  on conflict (provider, event_id) do nothing;
  return found;
end $$;
comment on function ledger.keep_card_event(public.card_payments, jsonb) is 'Writes a well-formed event; false when it was there already.';
