begin;
select plan(27);

select tests.create_variant('mug', price => 1000);
select tests.create_customer('alice');
select tests.set_setting('auto_confirm_when_paid', 'true');
select tests.place_named_order('ours', 'alice', tests.lines('mug x 2'), 'bank_transfer');
select tests.place_named_order('shops', 'alice', tests.lines('mug x 1'), 'bank_transfer');
select tests.place_named_order('early', 'alice', tests.lines('mug x 1'), 'bank_transfer');
select tests.place_named_order('short', 'alice', tests.lines('mug x 1'), 'bank_transfer');

-- refunds of ours: by their id, and by their amount
select is((select payment_status from tests.card('ours', 'captured', 2000)), 'paid', 'a card pays');
select is((select payout_amount from ledger_refund_order(tests.order_id('ours'), p_amount => 300, p_to => 'original', p_reason => 'named')), 300::bigint, 'a refund is to be paid out');
select is((select payout_amount from ledger_refund_order(tests.order_id('ours'), p_amount => 200, p_to => 'original', p_reason => 'not named')), 200::bigint, 'another too');
select is((select effect from tests.card('ours', 'refunded', 300, jsonb_build_object('object_id', 're_1', 'refund_id', (select r.id from refunds r where r.reason = 'named')))),
  'booked', 'the provider pays out the one it names');
select is((select effect from tests.card('ours', 'refunded', 200, '{"object_id": "re_2"}')), 'booked', 'and one of the same amount');
select results_eq($$ select r.payout_status, r.payout_reference from refunds r order by r.id $$, $$ values ('paid', 're_1'), ('paid', 're_2') $$, 'both are paid');
select is(tests.books_of('ours'), 'confirmed partially_refunded credited 500 held 1500 outstanding 0 wallet 0 bank 1500', 'and nothing is taken twice');
select is((select effect from tests.card('ours', 'refund_failed', 200, '{"object_id": "re_2"}')), 'booked', 'one fails after all');
select is(tests.books_of('ours'), 'confirmed partially_refunded credited 500 held 1500 outstanding 0 wallet 200 bank 1700', 'and is wallet credit');
select is((select r.payout_status from refunds r where r.reason = 'not named'), 'failed', 'as the refund says');
select is((select problem from tests.card('ours', 'refunded', 111, jsonb_build_object('object_id', 're_3', 'refund_id', (select r.id from refunds r where r.reason = 'named')))),
  'refund_mismatch', 'a refund that names ours and is not it is left to finance');

-- the shop's own
select is((select payment_status from tests.card('shops', 'captured', 1000)), 'paid', 'a card pays');
select is((select effect from tests.card('shops', 'refunded', 250, '{"object_id": "re_4"}')), 'booked', 'the shop refunds at the provider');
select alike(tests.books_of('shops'), 'confirmed partially_refunded credited 250 held 750 outstanding 0 %', 'which is an allowance on the order');
select results_eq($$ select r.allowance_amount, r.payout_amount, r.payout_status from refunds r where r.order_id = tests.order_id('shops') $$,
  $$ values (250::bigint, 250::bigint, 'paid') $$, 'paid out at once');
select is((select status from tests.card('shops', 'refunded', 750, '{"object_id": "re_5"}')), 'refunded', 'all of it can be refunded');
select alike(tests.books_of('shops'), 'confirmed refunded credited 1000 held 0 outstanding 0 %', 'and nothing is left to pay');
select is((select problem from tests.card('shops', 'refunded', 1, '{"object_id": "re_6"}')), 'more_than_captured', 'but not more');

-- before its capture, and of what was captured in part
select is((select effect from tests.card('early', 'refunded', 400, '{"object_id": "re_7"}')), 'kept', 'a refund before its capture waits');
select is((select effect from tests.card('early', 'captured', 1000)), 'booked', 'for it');
select alike(tests.books_of('early'), 'confirmed partially_refunded credited 400 held 600 outstanding 0 %', 'and is booked with it');
select is((select payment_status from tests.card('short', 'captured', 600)), 'partially_paid', 'an order is paid in part');
select is((select effect from tests.card('short', 'refunded', 200, '{"object_id": "re_8"}')), 'booked', 'and a part of that goes back');
select alike(tests.books_of('short'), 'pending partially_paid credited 0 held 400 outstanding 600 %', 'it owes that again');
select is(
  (select array_agg(distinct b.kind order by b.kind) from card_bookings b), array['allowed', 'captured', 'paid_out', 'payout_failed', 'taken_out'], 'bookings say what was done');
select is((select count(*) from card_events_unmatched), 2::bigint, 'what was not is shown');
select is_empty('select * from ledger.book_differences()', 'the books are in order');

select * from finish();
rollback;
