begin;
select plan(17);

select tests.create_variant('mug', price => 1000);
select tests.create_customer('alice');
select tests.place_named_order('whole', 'alice', tests.lines('mug x 1'), 'bank_transfer');
select tests.set_setting('auto_confirm_when_paid', 'true');

select results_eq(
  $$ select success, status, effect, problem, payment_status, outstanding_amount from tests.card('whole', 'authorised', 1000, '{"expires_at": "2026-03-08T12:00:00Z"}') $$,
  $$ values (true, 'authorised', 'kept', null, 'unpaid', 1000::bigint) $$, 'an authorisation moves no money');
select is((select c.expires_at from card_payments c), '2026-03-08T12:00:00Z'::timestamptz, 'it says until when it can be captured');
select results_eq(
  $$ select status, effect, captured_amount, order_status, payment_status, outstanding_amount from tests.card('whole', 'captured', 1000) $$,
  $$ values ('captured', 'booked', 1000::bigint, 'confirmed', 'paid', 0::bigint) $$, 'a capture pays the order, which is confirmed');
select results_eq(
  $$ select p.method, p.source, p.reference, p.amount, p.applied_amount, p.credit_amount from payments p $$,
  $$ values ('card', 'card', 'pi_whole', 1000::bigint, 1000::bigint, 0::bigint) $$, 'as a payment of its own');
select results_eq(
  $$ select transaction_id is not null, effect, payment_status from tests.card('whole', 'captured', 1000) $$,
  $$ values (true, 'repeated', 'paid') $$, 'the same event again is answered');
select is((select count(*) from payments), 1::bigint, 'and has no second effect');
select is((select error_code from tests.card('whole', 'captured', 1000, '{"captured_total": 2000}')), 'idempotency_conflict',
  'another event under the same name is refused');
select is(tests.books_of('whole'), 'confirmed paid credited 0 held 1000 outstanding 0 wallet 0 bank 1000', 'and changes nothing');
select is((select count(*) from immutable_events e where e.event_type = 'card.captured'), 1::bigint, 'each event of the provider leaves one of ours');

-- in parts
select tests.place_named_order('parts', 'alice', tests.lines('mug x 1'), 'bank_transfer');
select is((select payment_status from tests.card('parts', 'captured', 400, '{"captured_total": 400}')), 'partially_paid', 'too little leaves the order partially paid');
select is((select captured_amount from tests.card('parts', 'captured', 250, '{"captured_total": 1000}')), 1000::bigint,
  'the total counts, so what was not heard of is there too');
select is((select effect from tests.card('parts', 'captured', 350, '{"captured_total": 750}')), 'kept', 'and adds nothing when it comes later');
select results_eq($$ select p.reference, p.amount from payments p where p.reference like 'pi_parts%' order by p.id $$,
  $$ values ('pi_parts', 400::bigint), ('pi_parts/2', 600) $$, 'each capture is a payment with a reference of its own');
select is(tests.books_of('parts'), 'confirmed paid credited 0 held 1000 outstanding 0 wallet 0 bank 2000', 'the order is paid');

-- an authorisation that comes after all is over, and one that is let go
select is((select status from tests.card('parts', 'authorised', 1000)), 'captured', 'an authorisation that comes late changes nothing');
select is((select status from tests.card('parts', 'voided', 0)), 'captured', 'nor does a void after a capture');
select is_empty('select * from ledger.book_differences()', 'the books are in order');

select * from finish();
rollback;
