-- A refund that the provider carries out is booked once: whoever said so first, and whether or not it names ours.
begin;
select plan(26);

select tests.create_variant('mug', price => 1000);
select tests.create_customer('alice');
select tests.create_customer('bob');
select tests.set_setting('auto_confirm_when_paid', 'true');
create function pg_temp.refund(p_name text, p_amount bigint) returns uuid language sql as $$
  select (tests.expect_success(r)).refund_id from public.ledger_refund_order(tests.order_id(p_name), p_amount => p_amount, p_to => 'original') r;
$$;
create function pg_temp.payouts(p_name text) returns text language sql as $$
  select string_agg(format('%s %s %s', f.payout_amount, f.payout_status, f.payout_reference), ', ' order by f.payout_reference) from public.refunds f where f.order_id = tests.order_id(p_name);
$$;

-- staff said paid, by the provider's name of it
select tests.place_named_order('told', 'alice', tests.lines('mug x 1'), 'bank_transfer');
select is((select payment_status from tests.card('told', 'captured', 1000)), 'paid', 'a card pays');
select tests.expect_success(s) from public.ledger_settle_refund(pg_temp.refund('told', 100), 'paid', 're_1') s;
select is((select effect from tests.card('told', 'refunded', 100, '{"object_id": "re_1"}')), 'kept', 'the provider says what staff said');
select is(tests.books_of('told'), 'confirmed partially_refunded credited 100 held 900 outstanding 0 wallet 0 bank 900', 'it is gone once');
select is(pg_temp.payouts('told'), '100 paid re_1', 'and there is one refund');
select is((select effect from tests.card('told', 'refund_failed', 100, '{"object_id": "re_1"}')), 'booked', 'then it fails');
select is(tests.books_of('told'), 'confirmed partially_refunded credited 100 held 900 outstanding 0 wallet 100 bank 1000', 'and is wallet credit, once');

-- staff said paid, without a name or by another: a person has to look
select tests.place_named_order('unnamed', 'bob', tests.lines('mug x 1'), 'bank_transfer');
select is((select payment_status from tests.card('unnamed', 'captured', 1000)), 'paid', 'a card pays');
select tests.expect_success(s) from public.ledger_settle_refund(pg_temp.refund('unnamed', 100), 'paid') s;
select is((select problem from tests.card('unnamed', 'refunded', 100, '{"object_id": "re_2"}')), 'refund_mismatch', 'a refund of an amount that was paid out by hand is left to finance');
select is(tests.books_of('unnamed'), 'confirmed partially_refunded credited 100 held 900 outstanding 0 wallet 0 bank 900', 'and is no allowance beside it');
select is((select effect from tests.card('unnamed', 'refunded', 50, '{"object_id": "re_3"}')), 'booked', 'another amount is');
select is((select credited_amount from tests.order_named('unnamed')), 150::bigint, 'an allowance');

-- staff said failed
select tests.place_named_order('failed', 'bob', tests.lines('mug x 1'), 'bank_transfer');
select is((select payment_status from tests.card('failed', 'captured', 1000)), 'paid', 'a card pays');
select tests.expect_success(s) from public.ledger_settle_refund(pg_temp.refund('failed', 60), 'failed', 're_4') s;
select is((select problem from tests.card('failed', 'refunded', 60, '{"object_id": "re_4"}')), 'refund_conflict', 'what staff said had failed and the provider paid is left to finance');
select is(tests.books_of('failed'), 'confirmed partially_refunded credited 60 held 940 outstanding 0 wallet 60 bank 1850', 'and is no second refund');
select is((select effect from tests.card('failed', 'refund_failed', 60, '{"object_id": "re_4"}')), 'kept', 'when it fails there too, both say the same');
select is(tests.books_of('failed'), 'confirmed partially_refunded credited 60 held 940 outstanding 0 wallet 60 bank 1850', 'and nothing moves');

-- two of one amount, one named: in either order both are settled
select tests.create_customer('carol');
create temp table two as select n from unnest('{"unnamed first","named first"}'::text[]) n;
select tests.place_named_order(n, 'carol', tests.lines('mug x 1'), 'bank_transfer') from two;
select is((select payment_status from tests.card(n, 'captured', 1000)), 'paid', n || ': a card pays') from two;
create temp table ours as select n, pg_temp.refund(n, 50) as first_id, pg_temp.refund(n, 50) as second_id from two;
select is((select effect from tests.card('unnamed first', 'refunded', 50, '{"object_id": "re_A"}')), 'booked', 'one without a name takes the oldest');
select is((select effect from tests.card('unnamed first', 'refunded', 50, (select jsonb_build_object('object_id', 're_B', 'refund_id', first_id) from ours where n = 'unnamed first'))),
  'booked', 'and the one that names that takes the other');
select is((select effect from tests.card('named first', 'refunded', 50, (select jsonb_build_object('object_id', 're_B', 'refund_id', first_id) from ours where n = 'named first'))), 'booked', 'the other way round too');
select is((select effect from tests.card('named first', 'refunded', 50, '{"object_id": "re_A"}')), 'booked', 'both are paid');
select is(pg_temp.payouts('unnamed first') || '; ' || pg_temp.payouts('named first'), '50 paid re_A, 50 paid re_B; 50 paid re_A, 50 paid re_B', 'and nothing waits to be paid out');
select is((select problem from tests.card('named first', 'refunded', 50, (select jsonb_build_object('object_id', 're_C', 'refund_id', first_id) from ours where n = 'named first'))),
  'refund_mismatch', 'a third that names one of them is a mismatch');
select is((select sum(o.paid_amount - o.refunded_amount) from orders o where o.notes in ('unnamed first', 'named first')), 1800::numeric, 'the orders hold what is left');
select is_empty('select * from ledger.book_differences()', 'the books are in order');

select * from finish();
rollback;
