begin;
select plan(6);

select tests.create_variant('mug', price => 1000);
select tests.create_customer('alice', 5000);
select tests.set_setting('auto_confirm_when_paid', 'true');
update public.payment_methods set is_active = true where code = 'card';
select tests.place_named_order('by card', 'alice', tests.lines('mug x 1'), 'card');

select is(tests.books_of('by card'), 'pending unpaid credited 0 held 0 outstanding 1000 wallet 5000 bank 5000', 'an order by card takes nothing from the wallet');
select is((select payment_status from tests.card('by card', 'failed', 0)), 'unpaid', 'a card that is declined leaves it due');
select is((select payment_status from tests.card('by card', 'authorised', 1000, '{"expires_at": "2020-01-01T00:00:00Z"}')), 'unpaid', 'and so does an authorisation, whose end is only shown');
select is((select order_status from tests.card('by card', 'captured', 1000)), 'confirmed', 'a capture pays and confirms it');
select is(tests.books_of('by card'), 'confirmed paid credited 0 held 1000 outstanding 0 wallet 5000 bank 6000', 'from outside');
select is_empty('select * from ledger.book_differences()', 'the books are in order');

select * from finish();
rollback;
