begin;
select plan(14);

select tests.create_variant('mug', price => 1000);
select tests.create_customer('alice');
select tests.set_setting('auto_confirm_when_paid', 'true');
select tests.place_named_order('lost', 'alice', tests.lines('mug x 1'), 'bank_transfer');
select tests.place_named_order('won', 'alice', tests.lines('mug x 1'), 'bank_transfer');
select tests.place_named_order('fast', 'alice', tests.lines('mug x 1'), 'bank_transfer');

select is((select payment_status from tests.card('lost', 'captured', 1000)), 'paid', 'a card pays');
select tests.move_order(tests.order_id('lost'), 'processing', 'delivered');
select is((select status from tests.card('lost', 'charged_back', 1000, '{"object_id": "dp_1"}')), 'charged_back', 'the holder''s bank takes it back');
select alike(tests.books_of('lost'), 'delivered unpaid credited 0 held 0 outstanding 1000 %', 'the order owes it again');
select is(tests.booked('alice', 'receivable'), 1000::bigint, 'as a receivable, for it was delivered');
select is((select effect from tests.card('lost', 'charged_back', 1000, '{"object_id": "dp_1"}')), 'repeated', 'once');

select is((select payment_status from tests.card('won', 'captured', 1000)), 'paid', 'a card pays');
select is((select payment_status from tests.card('won', 'charged_back', 600, '{"object_id": "dp_2"}')), 'partially_paid', 'a part of it is disputed');
select is((select payment_status from tests.card('won', 'charge_back_won', 600, '{"object_id": "dp_2"}')), 'paid', 'and won');
select alike(tests.books_of('won'), 'confirmed paid credited 0 held 1000 outstanding 0 %', 'all is as it was');
select results_eq($$ select b.kind, b.amount from card_bookings b where b.object_id = 'dp_2' order by b.id $$,
  $$ values ('taken_out', 600::bigint), ('put_back', 600) $$, 'and both are on record');

select is((select effect from tests.card('fast', 'charge_back_won', 600, '{"object_id": "dp_3"}')), 'kept', 'a dispute is won before anybody heard of it');
select is((select effect from tests.card('fast', 'captured', 1000)), 'booked', 'or of its payment');
select is((select effect from tests.card('fast', 'charged_back', 600, '{"object_id": "dp_3"}')), 'kept', 'then it takes nothing');
select is_empty('select * from ledger.book_differences()', 'the books are in order');

select * from finish();
rollback;
