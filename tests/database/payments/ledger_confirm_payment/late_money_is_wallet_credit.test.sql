begin;
select plan(13);

select tests.create_variant('mug', price => 1000);
select tests.create_customer('alice');
select tests.set_setting('auto_confirm_when_paid', 'true');

-- too much
select tests.place_named_order('more', 'alice', tests.lines('mug x 1'), 'bank_transfer');
select results_eq($$ select payment_status, outstanding_amount from tests.card('more', 'captured', 1250) $$,
  $$ values ('overpaid', 0::bigint) $$, 'too much makes the order overpaid');
select is(tests.books_of('more'), 'confirmed overpaid credited 0 held 1000 outstanding 0 wallet 250 bank 1250', 'the surplus is wallet credit');
-- the shop gives the surplus back
select is((select effect from tests.card('more', 'refunded', 250, '{"object_id": "re_1"}')), 'booked', 'the surplus goes back at the provider');
select alike(tests.books_of('more'), 'confirmed % credited 0 held 1000 outstanding 0 wallet 0 bank 1000', 'out of the wallet: the order stays as it is');

-- paid otherwise before
select tests.place_named_order('twice', 'alice', tests.lines('mug x 1'), 'bank_transfer');
select is((select payment_status from ledger_record_payment(tests.order_id('twice'), 1000)), 'paid', 'a transfer pays an order');
select is((select effect from tests.card('twice', 'captured', 1000)), 'booked', 'the card pays it again');
select alike(tests.books_of('twice'), 'confirmed % held 1000 outstanding 0 wallet 1000 bank 3000', 'which is wallet credit');
select is((select effect from tests.card('twice', 'refunded', 1000, '{"object_id": "re_2"}')), 'booked', 'the double payment goes back');
select alike(tests.books_of('twice'), 'confirmed % credited 0 held 1000 outstanding 0 wallet 0 bank 2000', 'and the order is still paid');

-- cancelled before
select tests.place_named_order('late', 'alice', tests.lines('mug x 1'), 'bank_transfer');
select is((select error_code from tests.change_status('late', 'cancelled')), null, 'an order is cancelled');
select is((select order_status from tests.card('late', 'captured', 1000)), 'cancelled', 'a capture that comes late leaves it so');
select alike(tests.books_of('late'), 'cancelled % held 0 outstanding 0 wallet 1000 bank 3000', 'the money is wallet credit');
select is_empty('select * from ledger.book_differences()', 'the books are in order');

select * from finish();
rollback;
