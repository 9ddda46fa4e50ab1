-- Issue: both the price and the platform's rate are snapshots.
begin;
select plan(5);

select tests.create_supabase_user('wendy');
select tests.create_vendor('Weaver', 'wendy', 1000);
select tests.create_vendor_variant('Weaver', 'rug', price => 1000);
select tests.create_customer('alice', 20000);
select tests.place_named_order('before', 'alice', tests.lines('rug x 1'));
update vendors set platform_rate_bp = 2500 where name = 'Weaver';
update variants set price_amount = 2000 where sku = 'rug';
select tests.place_named_order('after', 'alice', tests.lines('rug x 1'));
update vendors set platform_rate_bp = 10000 where name = 'Weaver';
select tests.place_named_order('all the platform''s', 'alice', tests.lines('rug x 1'));

select tests.move_order(tests.order_id(name), 'processing', 'delivered') from unnest(array['before', 'after', 'all the platform''s']) name;
select is(tests.earned('before', 'Weaver'), '1000/900/0', 'an order pays by the rate and price that it was placed at');
select is(tests.earned('after', 'Weaver'), '2000/1500/0', 'later ones by the new ones');
select is(tests.earned('all the platform''s', 'Weaver'), null, 'a rate of 100 % leaves nothing to earn, and no record of it');
select is((select available_balance from tests.account('wendy')), 2400::bigint, 'the wallet has the two shares');
select is_empty('select * from ledger.book_differences()', 'the books are in order');

select * from finish();
rollback;
