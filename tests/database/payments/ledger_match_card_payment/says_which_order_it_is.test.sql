-- Finance settles what no event could: it says which order a card payment is for, tries again, or that it is dealt with.
begin;
select plan(39);

select tests.create_variant('mug', price => 1000);
select tests.create_variant('tin', price => 1000, currency => 'EUR');
select tests.create_customer('alice');
select tests.create_staff('fiona', 'finance');
select tests.create_staff('wanda', 'warehouse');
select tests.set_setting('auto_confirm_when_paid', 'true');
select tests.place_named_order('o', 'alice', tests.lines('mug x 1'), 'bank_transfer');
select tests.place_named_order('other', 'alice', tests.lines('mug x 1'), 'bank_transfer');
select tests.place_named_order('euros', 'alice', tests.lines('tin x 1'), 'bank_transfer');
create function pg_temp.card_id(p_name text) returns uuid language sql as $$ select c.id from public.card_payments c where c.provider_payment_id = 'pi_' || p_name $$;
create function pg_temp.reasons() returns text language sql as $$ select string_agg(u.kind || ' ' || u.reason, ', ' order by u.event_id) from public.card_events_unmatched u $$;

-- which order
select is((select effect from tests.card('lost', 'captured', 1000)), 'unmatched', 'money for no order');
select is((select effect from tests.card('lost', 'refunded', 200, '{"object_id": "re_1"}')), 'unmatched', 'of which a part went back');
create temp table before as select tests.state() as state;
select is((select error_code from public.ledger_match_card_payment(pg_temp.card_id('lost'))), 'invalid_argument', 'something has to be said of it');
select is((select error_code from public.ledger_match_card_payment(pg_temp.card_id('lost'), p_notes => '  ')), 'invalid_argument', 'in words');
select is((select error_code from public.ledger_match_card_payment(pg_temp.card_id('lost'), p_notes => repeat('x', 2001))), 'invalid_argument', 'not too many');
select is((select error_code from public.ledger_match_card_payment(gen_random_uuid(), tests.order_id('o'))), 'card_payment_not_found', 'about a card payment that there is');
select is((select error_code from public.ledger_match_card_payment(null)), 'card_payment_not_found', 'and not about none');
select is((select error_code from public.ledger_match_card_payment(pg_temp.card_id('lost'), gen_random_uuid())), 'order_not_found', 'for an order that there is');
select is((select error_code from public.ledger_match_card_payment(pg_temp.card_id('lost'), tests.order_id('euros'))), 'invalid_argument', 'in its currency');
select is((select b.state from before b), tests.state(), 'refusals change nothing');
select is(tests.outcome('wanda', format('ledger_match_card_payment(%L, %L)', pg_temp.card_id('lost'), tests.order_id('o'))), '42501', 'the warehouse may not say it');
select is(tests.outcome('alice', format('ledger_match_card_payment(%L, %L)', pg_temp.card_id('lost'), tests.order_id('o'))), '42501', 'nor may its customer');

create temp table matched as
  select m.* from public.ledger_match_card_payment(pg_temp.card_id('lost'), tests.order_id('o'), 'named on the phone', 'key 1', p_actor_id => tests.get_supabase_uid('fiona')) m;
select results_eq($$ select success, status, problem, handled_at, captured_amount, refunded_amount, order_status, payment_status, outstanding_amount, transaction_id is not null from matched $$,
  $$ values (true, 'captured', null, null::timestamptz, 1000::bigint, 200::bigint, 'confirmed', 'partially_refunded', 0::bigint, true) $$, 'finance says which order it is');
select is(tests.books_of('o'), 'confirmed partially_refunded credited 200 held 800 outstanding 0 wallet 0 bank 800', 'and all that was heard of it is booked');
select is(pg_temp.reasons(), null, 'nothing is left to look at');
select results_eq($$ select e.stream_id, e.actor_id, t.texts from immutable_events e join event_texts t on t.event_id = e.id where e.event_type = 'card.matched' $$,
  $$ select tests.order_id('o'), tests.get_supabase_uid('fiona'), '{"notes": "named on the phone"}'::jsonb $$, 'an event says who did so, and beside it is why');
select is((select e.payload ->> 'notes' from immutable_events e where e.event_type = 'card.matched'), null, 'not in it');
select is(
  (select m.transaction_id from public.ledger_match_card_payment(pg_temp.card_id('lost'), tests.order_id('o'), 'named on the phone', 'key 1', p_actor_id => tests.get_supabase_uid('fiona')) m),
  (select m.transaction_id from matched m), 'the same key has the same answer');
select is((select error_code from public.ledger_match_card_payment(pg_temp.card_id('lost'), tests.order_id('other'))), 'card_payment_matched', 'an order is said once');
select is((select problem from public.ledger_match_card_payment(pg_temp.card_id('lost'), tests.order_id('o'))), null, 'the same one may be said again');
select is((select count(*) from payments), 1::bigint, 'which books nothing twice');

-- again: what stood in the way is gone
select tests.expect_success(p) from public.ledger_record_payment(tests.order_id('other'), 1000, 'card', 'pi_other') p;
select is((select problem from tests.card('other', 'captured', 1000)), 'payment_reference_used', 'what was recorded by hand stands in the way');
select is((select problem from public.ledger_match_card_payment(pg_temp.card_id('other'))), 'payment_reference_used', 'as long as it is there');
select is((select success from public.ledger_void_payment((select p.id from payments p where p.reference = 'pi_other' and p.status = 'captured'))), true, 'it is voided');
select results_eq($$ select success, problem, payment_status from public.ledger_match_card_payment(pg_temp.card_id('other')) $$, $$ values (true, null, 'paid') $$, 'and the provider''s is booked');
select is(pg_temp.reasons(), null, 'nothing is left to look at');

-- dealt with
select is((select problem from tests.card('other', 'refunded', 2000, '{"object_id": "re_2"}')), 'more_than_captured', 'a refund is too large');
select is((select problem from tests.card('stray', 'captured', 500)), 'order_unknown', 'and a payment for nobody');
select results_eq($$ select success, problem, handled_at is not null, transaction_id from public.ledger_match_card_payment(pg_temp.card_id('other'), p_notes => 'sent back by the bank') $$,
  $$ values (true, 'more_than_captured', true, null::uuid) $$, 'it was dealt with otherwise');
select is((select success from public.ledger_match_card_payment(pg_temp.card_id('stray'), p_notes => 'of Zoe in the shop', p_idempotency_key => 'key 2')), true, 'and so was that');
select is(pg_temp.reasons(), null, 'both are off the list');
select results_eq($$ select c.handled_notes from card_payments c where c.handled_at is not null order by c.id $$, $$ values ('sent back by the bank'), ('of Zoe in the shop') $$, 'with the reason');
select is_empty($$ select from immutable_events e where e.payload::text like '%Zoe%' $$, 'words about nobody that is known are in no event');
select is((select problem from tests.card('stray', 'refunded', 100, '{"object_id": "re_3"}')), 'order_unknown', 'more is heard of it');
select is(pg_temp.reasons(), 'refunded order_unknown', 'and that is on the list');

-- who is no more
select tests.create_customer('gone');
select tests.place_named_order('left', 'gone', tests.lines('mug x 1'), 'bank_transfer');
create temp table gone as select o.user_id, o.id as order_id from tests.order_named('left') o;
select is((select error_code from tests.change_status('left', 'cancelled')), null, 'an order is cancelled');
select is((select success from public.profile_erase((select g.user_id from gone g))), true, 'and its customer erased');
select is((select error_code from public.ledger_match_card_payment(pg_temp.card_id('stray'), (select g.order_id from gone g))), 'customer_not_found', 'money is not theirs any more');
select is_empty('select * from ledger.book_differences()', 'the books are in order');

select * from finish();
rollback;
