-- DESIGN section 5: what is clawed back after it was withdrawn may leave a negative balance, which future earnings fill first.
begin;
select plan(10);

select tests.create_supabase_user('wendy');
select tests.create_vendor('Weaver', 'wendy', 1000);
select tests.create_vendor_variant('Weaver', 'rug', price => 1000);
select tests.create_customer('alice', 10000);
select tests.place_named_order('cancelled', 'alice', tests.lines('rug x 3'));
select tests.place_named_order('refunded', 'alice', tests.lines('rug x 1'));
select tests.place_named_order('never delivered', 'alice', tests.lines('rug x 1'));
select tests.move_order(tests.order_id(name), 'processing', 'delivered') from unnest(array['cancelled', 'refunded']) name;
select is((select available_balance from tests.account('wendy')), 3600::bigint, 'two shares');
select tests.expect_success(w) from ledger_request_withdrawal(3600, '{"iban": "W"}', p_user_id => tests.get_supabase_uid('wendy')) w;

select tests.move_order(tests.order_id('never delivered'), 'processing', 'cancelled');
select is(tests.earned('never delivered', 'Weaver'), null, 'an order that was not delivered earns and costs nothing');
select tests.move_order(tests.order_id('cancelled'), 'cancelled');
select is(tests.earned('cancelled', 'Weaver'), '3000/2700/2700', 'cancelling after delivery takes the whole share back');
select is((select available_balance from tests.account('wendy')), -2700::bigint, 'also one that was withdrawn');
select tests.move_order(tests.order_id('refunded'), 'refunded');
select is(tests.earned('refunded', 'Weaver'), '1000/900/900', 'so does a refund of everything');
select is((select available_balance from tests.account('wendy')), -3600::bigint, 'the hole is as deep as what was withdrawn');
select is(tests.orders_and_available('alice'), '0/10000', 'the customer has everything back');

select tests.place_named_order('next', 'alice', tests.lines('rug x 5'));
select tests.move_order(tests.order_id('next'), 'processing', 'delivered');
select is((select available_balance from tests.account('wendy')), 900::bigint, 'later earnings fill it first');
select results_eq(
  $$ select e.payload ->> 'clawed_back_amount', e.payload #>> '{effect,total_earned}'
     from immutable_events e where e.event_type = 'vendor.clawed_back' order by e.id $$,
  $$ values ('2700', '-2700'), ('900', '-900') $$, 'each step has its event');
select is_empty('select * from ledger.book_differences()', 'the books are in order');

select * from finish();
rollback;
