-- Money that waits to be paid out has not left the house: a dispute takes it before it reaches into the wallet.
begin;
select plan(25);

select tests.create_variant('mug', price => 1000);
select tests.create_customer('alice');
select tests.set_setting('auto_confirm_when_paid', 'true');
create function pg_temp.refund(p_name text, p_amount bigint) returns uuid language sql as $$
  select (tests.expect_success(r)).refund_id from public.ledger_refund_order(tests.order_id(p_name), p_amount => p_amount, p_to => 'original') r;
$$;

-- all of it
select tests.place_named_order('ended', 'alice', tests.lines('mug x 1'), 'bank_transfer');
select is((select payment_status from tests.card('ended', 'captured', 1000)), 'paid', 'a card pays');
select is((select error_code from tests.change_status('ended', 'cancelled', '{"refund_to": "original"}')), null, 'the order is cancelled, and its money is to go back to the card');
select is((select effect from tests.card('ended', 'charged_back', 1000, '{"object_id": "dp_1"}')), 'booked', 'the holder''s bank takes it before');
select is((select f.payout_status from refunds f), 'withdrawn', 'so it is not paid out');
select alike(tests.books_of('ended'), 'cancelled % held 0 outstanding 0 wallet 0 bank 0', 'and the wallet has nothing to do with it');
select is((select error_code from public.ledger_settle_refund((select f.id from refunds f), 'paid', 'x')), 'refund_conflict', 'nor can it be paid out now');
select is((select effect from tests.card('ended', 'charge_back_won', 1000, '{"object_id": "dp_1"}')), 'booked', 'the dispute is won');
select alike(tests.books_of('ended'), 'cancelled % held 0 outstanding 0 wallet 1000 bank 1000', 'then the money is wallet credit');
select is((select effect from tests.card('ended', 'refunded', 1000, '{"object_id": "re_1"}')), 'booked', 'the provider had paid it out all the same');
select alike(tests.books_of('ended'), 'cancelled % held 0 outstanding 0 wallet 0 bank 0', 'and it is nowhere any more');

-- a part of it, of an order that goes on
select tests.place_named_order('open', 'alice', tests.lines('mug x 1'), 'bank_transfer');
select is((select payment_status from tests.card('open', 'captured', 1000)), 'paid', 'a card pays');
create temp table part as select pg_temp.refund('open', 300) as refund_id;
select is((select effect from tests.card('open', 'charged_back', 700, '{"object_id": "dp_2"}')), 'booked', 'what the order holds is disputed');
select is((select f.payout_status from refunds f join part on f.id = part.refund_id), 'pending', 'which leaves the payout alone');
select alike(tests.books_of('open'), 'confirmed % credited 300 held 0 outstanding 700 wallet 0 bank 300', 'the order owes it again');
select is((select effect from tests.card('open', 'charged_back', 300, '{"object_id": "dp_3"}')), 'booked', 'the rest is disputed');
select is((select f.payout_status from refunds f join part on f.id = part.refund_id), 'withdrawn', 'which takes the payout');
select alike(tests.books_of('open'), 'confirmed % credited 300 held 0 outstanding 700 wallet 0 bank 0', 'and no more');
select is((select problem from tests.card('open', 'refunded', 300, (select jsonb_build_object('object_id', 're_2', 'refund_id', refund_id) from part))), null, 'the provider had paid it out before');
select alike(tests.books_of('open'), 'confirmed % credited 300 held 0 outstanding 700 wallet 0 bank 0', 'so less was left to dispute: the order still owes what it costs');

-- a payout that is larger than what is wanted stays, and is not paid while the wallet makes up for it
select tests.place_named_order('larger', 'alice', tests.lines('mug x 1'), 'bank_transfer');
select is((select payment_status from tests.card('larger', 'captured', 1000)), 'paid', 'a card pays');
create temp table whole as select pg_temp.refund('larger', 1000) as refund_id;
select is((select effect from tests.card('larger', 'charged_back', 400, '{"object_id": "dp_4"}')), 'booked', 'a part of what waits to be paid out is disputed');
select is((select format('%s %s', f.payout_status, a.available_balance) from refunds f join whole on f.id = whole.refund_id join accounts a on a.id = f.account_id), 'pending -400', 'it waits, and the wallet is short of that');
select is((select error_code from public.ledger_settle_refund((select w.refund_id from whole w), 'paid', 'x')), 'refund_conflict', 'all of it would be too much');
select is((select available_balance from public.ledger_settle_refund((select w.refund_id from whole w), 'failed')), 600::bigint, 'as wallet credit the rest is the customer''s');
select is_empty('select * from ledger.book_differences()', 'the books are in order');

select * from finish();
rollback;
