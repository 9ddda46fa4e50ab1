-- Names of one provider are not those of another, and a refund is not the dispute of the same name.
begin;
select plan(12);

select tests.create_variant('mug', price => 1000);
select tests.create_customer('alice');
select tests.set_setting('auto_confirm_when_paid', 'true');

select tests.place_named_order('seven', 'alice', tests.lines('mug x 1'), 'bank_transfer');
select is((select payment_status from tests.card('seven', 'captured', 1000)), 'paid', 'a card pays');
select is((select effect from tests.card('seven', 'refunded', 100, '{"object_id": "7"}')), 'booked', 'a refund has a name');
select is((select effect from tests.card('seven', 'charged_back', 200, '{"object_id": "7"}')), 'booked', 'and a dispute has the same');
select is(tests.books_of('seven'), 'confirmed partially_refunded credited 100 held 700 outstanding 200 wallet 0 bank 700', 'both are in the books');
select is((select effect from tests.card('seven', 'charge_back_won', 200, '{"object_id": "7"}')), 'booked', 'the dispute is won');
select is(tests.books_of('seven'), 'confirmed partially_refunded credited 100 held 900 outstanding 0 wallet 0 bank 900', 'the refund stays');

select tests.place_named_order('here', 'alice', tests.lines('mug x 1'), 'bank_transfer');
select is((select effect from tests.card('here', 'captured', 400, '{"provider_payment_id": "1001", "is_final": false, "captured_total": 400}')), 'booked', 'one provider has a payment 1001');
select is((select effect from public.ledger_confirm_payment('beta', tests.card_event('here', 'captured', 600, '{"provider_payment_id": "1001"}'))), 'booked', 'another has one too');
select is((select payment_status from tests.order_named('here')), 'paid', 'both pay the order');
select results_eq($$ select p.reference from payments p where p.order_id = tests.order_id('here') order by p.id $$, $$ values ('1001'), ('beta:1001') $$, 'by names that differ');
select tests.place_named_order('by hand', 'alice', tests.lines('mug x 1'), 'bank_transfer');
select tests.expect_success(p) from public.ledger_record_payment(tests.order_id('by hand'), 1000, 'card', '1002') p;
select is((select problem from tests.card('by hand', 'captured', 1000, '{"provider_payment_id": "1002"}')), 'payment_reference_used', 'what was recorded by hand is not booked again');
select is_empty('select * from ledger.book_differences()', 'the books are in order');

select * from finish();
rollback;
