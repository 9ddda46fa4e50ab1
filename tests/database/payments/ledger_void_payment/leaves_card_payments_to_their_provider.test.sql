-- What a provider captured is undone there, by a refund or a dispute: voided by hand it would be in no book and on no list.
begin;
select plan(8);

select tests.create_variant('mug', price => 1000);
select tests.create_customer('alice');
select tests.set_setting('auto_confirm_when_paid', 'true');
select tests.place_named_order('o', 'alice', tests.lines('mug x 1'), 'bank_transfer');
select is((select payment_status from tests.card('o', 'captured', 1000)), 'paid', 'a card pays');
select results_eq($$ select error_code, error_message from public.ledger_void_payment((select p.id from payments p), 'a mistake') $$,
  $$ values ('payment_conflict', 'The payment is already booked from what its card provider says.') $$, 'it cannot be voided');
select is(tests.books_of('o'), 'confirmed paid credited 0 held 1000 outstanding 0 wallet 0 bank 1000', 'and nothing has changed');
select is((select effect from tests.card('o', 'charged_back', 1000, '{"object_id": "dp_1"}')), 'booked', 'a dispute takes it out');
select is((select error_message from public.ledger_void_payment((select p.id from payments p), 'a mistake')), 'The payment is already charged back.', 'which is said of it then');
select tests.place_named_order('hand', 'alice', tests.lines('mug x 1'), 'bank_transfer');
select tests.expect_success(p) from public.ledger_record_payment(tests.order_id('hand'), 1000, 'card', 'terminal 1') p;
select is((select success from public.ledger_void_payment((select p.id from payments p where p.reference = 'terminal 1'))), true, 'a card payment that was recorded by hand can be voided');
select is((select payment_status from tests.order_named('hand')), 'unpaid', 'and is owed again');
select is_empty('select * from ledger.book_differences()', 'the books are in order');

select * from finish();
rollback;
