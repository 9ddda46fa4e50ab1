begin;
select plan(20);

select tests.create_variant('mug', price => 1000);
select tests.create_variant('tin', price => 12345, currency => 'IQD');
select tests.create_variant('fan', price => 500, currency => 'JPY');
select tests.create_customer('alice');
select tests.place_named_order('here', 'alice', tests.lines('mug x 1'), 'bank_transfer');
select tests.place_named_order('dinars', 'alice', tests.lines('tin x 1'), 'bank_transfer');
select tests.place_named_order('yen', 'alice', tests.lines('fan x 1'), 'bank_transfer');

-- what names no order, until something does
select results_eq($$ select success, effect, problem, order_id from tests.card('later', 'captured', 1000) $$,
  $$ values (true, 'unmatched', 'order_unknown', null::uuid) $$, 'money for no order is kept');
select is((select effect from tests.card('later', 'refunded', 300, '{"object_id": "re_1"}')), 'unmatched', 'and so is what becomes of it');
select is((select effect from tests.card('later', 'authorised', 1000, jsonb_build_object('order_id', 'not an id'))), 'unmatched', 'what is no id at all names no order');
select is((select count(*) from card_events_unmatched), 3::bigint, 'finance sees it');
select is((select count(*) from payments), 0::bigint, 'and nothing is booked');
select tests.set_setting('auto_confirm_when_paid', 'true');
select results_eq(
  $$ select effect, captured_amount, refunded_amount from tests.card('later', 'authorised', 1000, jsonb_build_object('event_id', 'evt_named', 'order_id', tests.order_id('here'))) $$,
  $$ values ('booked', 1000::bigint, 300::bigint) $$, 'the first event that names an order brings all of it there');
select alike(tests.books_of('here'), 'confirmed partially_refunded credited 300 held 700 outstanding 0 %', 'into the books');
select is_empty('select * from card_events_unmatched', 'and off the list');

-- currencies
select is((select problem from tests.card('here', 'captured', 1000, '{"currency": "EUR"}')), 'other_currency', 'another currency is no payment of the order');
select is((select problem from tests.card('here', 'captured', 1000, '{"currency": "XAU", "event_id": "evt_gold"}')), 'unknown_currency', 'nor is one that is not known');
select is((select outstanding_amount from tests.card('dinars', 'captured', 1234, '{"currency": "iqd", "exponent": 2}')), 5::bigint,
  'amounts with fewer decimals are turned into minor units of ours');
select is((select problem from tests.card('yen', 'captured', 50050, '{"currency": "jpy", "exponent": 2}')), 'inexact_amount', 'half a yen is nothing that can be booked');
select is((select payment_status from tests.card('yen', 'captured', 50000, '{"currency": "jpy", "exponent": 2, "event_id": "evt_yen"}')), 'paid', 'but 500 yen are');
select is((select e.payload ->> 'amount' from card_events_unmatched e where e.reason = 'inexact_amount'), '50050', 'what was sent is kept as it was');

select tests.card('here', 'failed', 0, '{"holder": "Alice A. Lice"}');
select is_empty($$ select from card_events e where e.payload::text like '%Lice%' $$, 'and nothing besides, for it could be about a person');

-- who is no more
select tests.create_customer('gone');
select tests.place_named_order('left', 'gone', tests.lines('mug x 1'), 'bank_transfer');
select is((select error_code from tests.change_status('left', 'cancelled')), null, 'an order is cancelled');
create temp table gone as select o.user_id, o.account_id, o.id as order_id from tests.order_named('left') o;
select is((select success from public.profile_erase((select g.user_id from gone g))), true, 'and its customer erased');
select is((select problem from public.ledger_confirm_payment('stripe', tests.card_event('left', 'captured', 1000,
  jsonb_build_object('order_id', (select g.order_id from gone g))))), 'customer_erased', 'money for them is nobody''s');
select is((select count(*) from payments p join gone g using (account_id)), 0::bigint, 'and not booked');
select is_empty('select * from ledger.book_differences()', 'the books are in order');

select * from finish();
rollback;
