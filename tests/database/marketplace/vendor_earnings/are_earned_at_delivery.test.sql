-- DESIGN section 6 (delivery moves escrow to vendor payables): two vendors and the house in one order, with a discount and a tax.
begin;
select plan(17);

select tests.create_supabase_user('wendy');
select tests.create_vendor('Weaver', 'wendy', 1000), tests.create_vendor('Dyer', null, 250);
select tests.create_vendor_variant('Weaver', 'rug', price => 1999, tax_rate_bp => 700), tests.create_vendor_variant('Dyer', 'dye', price => 333);
select tests.create_variant('mug', price => 500);
insert into discount_codes (code, kind, percent_bp) values ('TEN', 'percent', 1000);
select tests.create_customer('alice', 20000);
select tests.place_named_order('mixed', 'alice', tests.lines('rug x 3', 'dye x 2', 'mug x 1'), discount_code => 'TEN');

select is_empty('select from vendor_earnings', 'nothing is earned when an order is placed');
select tests.move_order(tests.order_id('mixed'), 'processing', 'shipped');
select is_empty('select from vendor_earnings', 'nor when it is shipped');
select is_empty($$ select from tests.account('wendy') $$, 'and the vendor''s owner has no account yet');
select tests.move_order(tests.order_id('mixed'), 'delivered');

-- 5997 - 599 of the discount, less 10 %; 666 - 67, less 2.5 % (14.975, half up)
select is(tests.earned('mixed', 'Weaver'), '5398/4858/0', 'a vendor earns the goods after discount and without tax, less the platform''s rate');
select is(tests.earned('mixed', 'Dyer'), '599/584/0', 'the fee is rounded half up, per line');
select results_eq(
  $$ select e.owner_user_id, e.account_id, e.currency from vendor_earnings e where e.vendor_id = tests.vendor_id('Dyer') $$,
  $$ values (null::uuid, null::uuid, 'USD') $$, 'what nobody owns is in nobody''s account');
select results_eq($$ select total_earned, available_balance, version from tests.account('wendy') $$, $$ values (4858::bigint, 4858::bigint, 1::bigint) $$,
  'the owner''s account is opened, with the share in it');
select results_eq(
  $$ select t.type, t.amount, t.order_id, t.reference_id = e.id
     from transactions t join vendor_earnings e on e.account_id = t.account_id $$,
  $$ values ('vendor_earned', 4858::bigint, null::uuid, true) $$, 'a transaction refers to the earning, and names no order of somebody else''s');

-- the customer's books: everything paid has left escrow
select is(tests.booked('alice', 'order_escrow'), 0::bigint, 'nothing is left in escrow');
select is(tests.booked('alice', 'vendor_payable'), 5442::bigint, 'both shares are payable in the customer''s books');
select is(tests.booked('alice', 'revenue') - tests.booked('alice', 'discounts'), 5398::bigint + 599 + 450 - 5442,
  'the house''s revenue after discounts is its own goods and its fees');
select is(tests.booked('alice', 'tax_payable'), 378::bigint, 'the tax is the house''s to hand over');
-- the owner's books
select is(tests.booked('wendy', 'vendor_payable'), -4858::bigint, 'and what is payable was moved on in the owner''s books');
select is(tests.booked('wendy', 'wallet'), 4858::bigint, 'into the wallet');

select results_eq(
  $$ select e.stream_type, v.name, e.account_id is null, (e.payload ->> 'base_amount')::bigint, (e.payload ->> 'share_amount')::bigint,
            (e.payload #>> '{effect,total_earned}')::bigint
     from immutable_events e join vendors v on v.id = e.stream_id where e.event_type = 'vendor.earned' order by v.name $$,
  $$ values ('vendor', 'Dyer', true, 599::bigint, 584::bigint, null::bigint), ('vendor', 'Weaver', false, 5398::bigint, 4858::bigint, 4858::bigint) $$,
  'each vendor''s event says what was earned');
select is((select count(*)::int from tests.messages('vendor.earned', jsonb_build_object('order_id', tests.order_id('mixed')))), 2, 'and a message for each waits in the outbox');
select is_empty('select * from ledger.book_differences()', 'the books are in order');

select * from finish();
rollback;
