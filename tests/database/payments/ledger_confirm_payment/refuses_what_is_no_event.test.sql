begin;
select tests.create_variant('mug', price => 1000);
select tests.create_customer('alice');
select tests.place_named_order('open', 'alice', tests.lines('mug x 1'), 'bank_transfer');
create temp table odd (what text, change jsonb);
insert into odd values
  ('no name', '{"event_id": null}'), ('an empty name', '{"event_id": ""}'), ('a name that is too long', jsonb_build_object('event_id', repeat('x', 201))),
  ('a name that is a number', '{"event_id": 7}'), ('no payment', '{"provider_payment_id": null}'),
  ('a payment with a name that is too long', jsonb_build_object('provider_payment_id', repeat('x', 151))),
  ('no kind', '{"kind": null}'), ('another kind', '{"kind": "stolen"}'), ('a refund without a name', '{"kind": "refunded"}'),
  ('a dispute with an empty name', '{"kind": "charged_back", "object_id": ""}'),
  ('no amount', '{"amount": null}'), ('nothing', '{"amount": 0}'), ('less than nothing', '{"amount": -1}'), ('a fraction', '{"amount": 10.5}'),
  ('a text for an amount', '{"amount": "1000"}'), ('too much', '{"amount": 9007199254740992}'), ('far too much', '{"amount": 1e400}'),
  ('a total below nothing', '{"captured_total": -1}'), ('a total that is a list', '{"captured_total": [1]}'),
  ('no currency', '{"currency": null}'), ('a currency of four letters', '{"currency": "USDT"}'),
  ('five decimals', '{"exponent": 5}'), ('half a decimal', '{"exponent": 0.5}'), ('perhaps final', '{"is_final": "perhaps"}'),
  ('no time', '{"occurred_at": null}'), ('a time that never was', '{"occurred_at": "2026-02-30T12:00:00Z"}'), ('a time in another form', '{"occurred_at": "yesterday"}'),
  ('an expiry that never comes', '{"expires_at": "9999999-01-01T00:00:00Z"}'), ('an order that is an object', '{"order_id": {}}'),
  ('a novel', jsonb_build_object('notes', repeat('x', 20000)));
select plan(8 + (select count(*)::int from odd));

select is((select error_code from tests.card('open', 'captured', 1000, change)), 'invalid_argument', what || ' is refused') from odd;
select is((select error_code from public.ledger_confirm_payment('', tests.card_event('open', 'captured', 1000))), 'invalid_argument', 'so is a provider without a name');
select is((select error_code from public.ledger_confirm_payment(null, null)), 'invalid_argument', 'and nothing at all');
select is((select error_code from public.ledger_confirm_payment('stripe', '[]')), 'invalid_argument', 'and a list');
select is((select count(*) from card_events) + (select count(*) from card_payments), 0::bigint, 'what is refused leaves nothing');
select is(tests.outcome('alice', $$ public.ledger_confirm_payment('stripe', '{}') $$), '42501', 'a customer may not say what a provider said');
select tests.create_staff('fiona', 'finance');
select is(tests.outcome('fiona', $$ public.ledger_confirm_payment('stripe', '{}') $$), '42501', 'nor may finance');
select tests.authenticate_as_service_role();
select is((select effect from tests.card('open', 'captured', 1000)), 'booked', 'a backend may');
select tests.act_as_owner();
select is_empty('select * from ledger.book_differences()', 'the books are in order');

select * from finish();
rollback;
